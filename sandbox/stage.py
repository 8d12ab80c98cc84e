"""What the demo's steps share: the outside world, Prefect, and one run at a time on it."""

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from prefect.client.base import PrefectHttpxAsyncClient

import sandbox
from deployments.stack import Stack
from deployments.surroundings import REPOSITORY, free_port, is_free

POLL_S = 0.5
ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


class StepFailed(Exception):
    """Why a step of the demo did not come to its end, in one line."""


@dataclass(frozen=True)
class Run:
    """A flow run as the server has it."""

    id: str
    deployment: str
    kind: str
    state: str
    message: str

    @property
    def is_ended(self) -> bool:
        return self.kind in ENDED


@dataclass(frozen=True)
class Stage:
    """The demo's own Prefect, below the sandbox's folder, on a port that stays the same."""

    home: Path
    world: sandbox.World
    stack: Stack
    api: httpx.AsyncClient

    async def apply(self) -> str:
        """Apply what the repository declares; return how much of it changed.

        Raises:
            StepFailed: with what `python -m deployments.apply` said.
        """
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "deployments.apply"),
            cwd=REPOSITORY,
            env=self.stack.environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        told, complaint = await process.communicate()
        if process.returncode:
            raise StepFailed(complaint.decode().strip())
        changes = Counter(line.split()[0] for line in told.decode().splitlines())
        return ", ".join(f"{count} {change}" for change, count in changes.items())

    async def pause_schedules(self, deployment: str) -> None:
        """Pause a deployment's schedules, as an operator does in the UI."""
        known = await self._deployment(deployment)
        for schedule in known["schedules"]:
            path = f"deployments/{known['id']}/schedules/{schedule['id']}"
            (await self.api.patch(path, json={"active": False})).raise_for_status()

    async def start(self, deployment: str, **parameters: Any) -> Run:
        known = await self._deployment(deployment)
        created = await self.api.post(
            f"deployments/{known['id']}/create_flow_run", json={"parameters": parameters}
        )
        return await self.look(created.raise_for_status().json()["id"], deployment)

    async def look(self, run_id: str, deployment: str) -> Run:
        found = (await self.api.get(f"flow_runs/{run_id}")).raise_for_status().json()
        state = found["state"]
        return Run(run_id, deployment, state["type"], state["name"], state["message"] or "")

    async def watch(self, run: Run) -> AsyncIterator[Run]:
        """Yield the run as it is now, until it has ended."""
        while not run.is_ended:
            yield run
            await asyncio.sleep(POLL_S)
            run = await self.look(run.id, run.deployment)
        yield run

    async def run(self, deployment: str, **parameters: Any) -> Run:
        """Start a run and wait for its end.

        Raises:
            StepFailed: it did not complete.
        """
        run = await self.start(deployment, **parameters)
        async for seen in self.watch(run):
            run = seen
        return completed(run)

    def forget_distribution(self) -> None:
        """Undo today's distribution, as if this day had never been: the demo may be started often."""
        self.world.query("truncate dssb_app.sc_distribution_run, dssb_app.sc_local_control", "dssb")
        self.world.query("delete from dssb_app.sc_local_target where date_end > '2021-01-01'", "dssb")
        self.world.query("truncate spss.sc_theory_users", "spss")
        self.world.query("delete from metronome.duty where process = 'distribution'", "state")

    def kill_flows(self) -> None:
        """Send kill -9 to every flow that is running."""
        for pid in self.stack.flow_pids():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    async def artifacts(self) -> list[dict[str, Any]]:
        """Return the latest artifact of each key."""
        answer = await self.api.post("artifacts/latest/filter", json={})
        return list(answer.raise_for_status().json())

    async def counters(self) -> dict[str, Any]:
        """Return what the game server saw."""
        answer = await self.api.get(f"{self.world.admin_url}/game/counters")
        return dict(answer.raise_for_status().json())

    async def chain(self, method: str, *params: object) -> Any:
        """Ask the chain's node."""
        question = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer = await self.api.post(self.world.env["JOBS_RPC_URL"], json=question)
        return answer.raise_for_status().json()["result"]

    async def mails(self) -> list[dict[str, Any]]:
        """Return what the mail sink received."""
        answer = await self.api.get(f"{self.world.admin_url}/mail")
        return list(answer.raise_for_status().json())

    async def next_mails(self, known: set[int]) -> list[dict[str, Any]]:
        """Return the mails that are not among the `known` numbers, as soon as there is one."""
        while True:
            if fresh := [mail for mail in await self.mails() if mail["number"] not in known]:
                return fresh
            await asyncio.sleep(POLL_S)

    async def _deployment(self, name: str) -> dict[str, Any]:
        return dict((await self.api.get(f"deployments/name/{name}")).raise_for_status().json())


def completed(run: Run) -> Run:
    """Return `run`.

    Raises:
        StepFailed: it ended otherwise than Completed.
    """
    if run.kind != "COMPLETED":
        raise StepFailed(f"{run.deployment} ended {run.state}: {run.message}")
    return run


@asynccontextmanager
async def set_up(home: Path) -> AsyncIterator[Stage]:
    """Start the outside world and yield the stage; leaving it stops everything that was started."""
    world = await asyncio.to_thread(sandbox.up, home)
    # One that was killed leaves its Prefect running, on the port that is to be used again.
    await asyncio.to_thread(Stack(home / "prefect").stop)
    env = {**os.environ, **world.env, "PREFECT_WORKER_QUERY_SECONDS": "1"}
    stack = Stack(home / "prefect", _port(home / "prefect.port"), env)
    try:
        # The engine's own client waits for a server that is too busy to answer (503).
        async with PrefectHttpxAsyncClient(base_url=f"{stack.api_url}/", timeout=20) as api:
            yield Stage(home, world, stack, api)
    finally:
        await asyncio.to_thread(stack.stop)
        await asyncio.to_thread(sandbox.down, home)


def _port(remembered: Path) -> int:
    """Return the port of last time where it is still free, so that the UI keeps its address."""
    with suppress(FileNotFoundError, ValueError):
        port = int(remembered.read_text())
        if is_free(port):
            return port
    port = free_port()
    remembered.write_text(str(port))
    return port
