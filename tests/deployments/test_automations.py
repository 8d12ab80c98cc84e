"""What the server does by itself, seen on real processes that are really killed."""

import asyncio
import os
import signal
from typing import Any
from uuid import UUID

import httpx
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun
from prefect.states import Pending, Scheduled

from deployments.stack import Stack
from sandbox import World


async def _until(prefect: PrefectClient, run_id: UUID, *names: str, within_s: float = 60) -> FlowRun:
    async with asyncio.timeout(within_s):
        while True:
            run = await prefect.read_flow_run(run_id)
            if run.state_name in names:
                return run
            await asyncio.sleep(0.1)


async def _mails_about(world: World, run: FlowRun) -> list[dict[str, Any]]:
    async with asyncio.timeout(60), httpx.AsyncClient() as http:
        while True:
            mails = (await http.get(f"{world.admin_url}/mail")).json()
            if about := [mail for mail in mails if str(run.id) in mail["text"]]:
                return about
            await asyncio.sleep(0.5)


async def test_a_killed_run_is_mailed(stack: Stack, world: World, prefect: PrefectClient) -> None:
    """A kill -9 of a run's process marks it Crashed, and a mail with the run's link says so."""
    dry = await prefect.read_deployment_by_name("pop/dry-run")
    run = await prefect.create_flow_run_from_deployment(dry.id, state=Scheduled())
    await _until(prefect, run.id, "Running")
    for pid in stack.flow_pids():
        os.kill(pid, signal.SIGKILL)
    await _until(prefect, run.id, "Crashed")
    (mail,) = await _mails_about(world, run)
    assert "crashed" in mail["subject"]


async def test_a_janitor_that_never_started_is_freed(prefect: PrefectClient) -> None:
    """A janitor run that stays Pending, because its worker died, is marked Crashed by the server after 60 s."""
    janitor = await prefect.read_deployment_by_name("janitor/every-5-min")
    run = await prefect.create_flow_run_from_deployment(janitor.id, state=Pending())
    freed = await _until(prefect, run.id, "Crashed", within_s=90)
    assert freed.state is not None
    assert "Stuck" in str(freed.state.message)
