"""The deployed janitor, doctor and notify: a real server, a real worker, real processes."""

import asyncio

import httpx
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun
from prefect.deployments import arun_deployment

from flows.common.clock import Clock
from sandbox import World

START_TIMEOUT_S = 90


async def _run(client: PrefectClient, deployment: str, **parameters: object) -> FlowRun:
    run = await arun_deployment(
        deployment, client, parameters=parameters, as_subflow=False, timeout=START_TIMEOUT_S, poll_interval=1
    )
    assert run.state is not None
    return run


async def test_the_deployed_doctor_is_content(prefect: PrefectClient) -> None:
    """On the stack as it is applied every check is fine."""
    run = await _run(prefect, "doctor/on-demand")
    assert run.state.is_completed(), run.state.message


async def test_the_deployed_janitor_respects_a_paused_schedule(prefect: PrefectClient) -> None:
    """The stack's schedules are paused: a tick completes and starts no pop."""
    run = await _run(prefect, "janitor/every-5-min")
    assert run.state.is_completed(), run.state.message
    assert not [each for each in await prefect.read_flow_runs() if "guard" in each.tags]


async def test_an_alarm_is_mailed_by_itself(prefect: PrefectClient, world: World) -> None:
    """A janitor that ends Failed over a duty that it cannot see is mailed, with nobody's help."""
    blind = [{"process": "nobody", "deployment": "nobody/daily"}]
    run = await _run(prefect, "janitor/every-5-min", duties=blind)
    assert run.state.is_failed()
    async with httpx.AsyncClient() as sink, asyncio.timeout(START_TIMEOUT_S):
        while not (mails := await _about(sink, world, run)):
            await Clock().sleep(0.5)
    (mail,) = mails
    assert mail["subject"].startswith(
        "[Metronome] janitor/every-5-min failed: GuardBlind: There is no deploy"
    )
    assert "docs/runbook.md#guardblind" in mail["text"]


async def _about(sink: httpx.AsyncClient, world: World, run: FlowRun) -> list[dict[str, str]]:
    mails = (await sink.get(f"{world.admin_url}/mail")).json()
    return [mail for mail in mails if str(run.id) in mail["text"]]
