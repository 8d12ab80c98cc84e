"""A world and a stack of their own for one campaign, with the guard's tick shortened."""

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx

import sandbox
from deployments.stack import Stack
from deployments.surroundings import free_port
from tests.steps import apply

TICK_S = 20


@dataclass(frozen=True)
class Arena:
    """One outside world, one Prefect, and what both say of themselves."""

    world: sandbox.World
    stack: Stack
    tick_s: int

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the Prefect server; it may be down for a while."""
        return patiently(lambda: _json(httpx.request(method, f"{self.stack.api_url}/{path}", json=body)))

    def outside(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the outside world's own counters."""
        return _json(httpx.request(method, f"{self.world.admin_url.rstrip('/')}/{path}", json=body))

    def deployment(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.api("GET", f"deployments/name/{name}")
        return found

    def configure(self, name: str, parameters: Mapping[str, Any]) -> None:
        """Change a deployment's default parameters: those that a restart by the guard uses, too."""
        merged = {**self.deployment(name)["parameters"], **parameters}
        self.api("PATCH", f"deployments/{self.deployment(name)['id']}", {"parameters": merged})

    def start(self, name: str) -> str:
        """Start a run as `prefect deployment run` does; return its id."""
        body = {"state": {"type": "SCHEDULED"}}
        return str(self.api("POST", f"deployments/{self.deployment(name)['id']}/create_flow_run", body)["id"])

    def runs(self, flow: str, *states: str) -> list[dict[str, Any]]:
        body: dict[str, Any] = {"flows": {"name": {"any_": [flow]}}, "sort": "START_TIME_ASC"}
        if states:
            body["flow_runs"] = {"state": {"type": {"any_": list(states)}}}
        found: list[dict[str, Any]] = self.api("POST", "flow_runs/filter", body)
        return found

    def in_game_db(self, statement: str) -> str:
        """Execute as the game's own superuser."""
        return self.world.query(statement, "game")

    def in_state_db(self, statement: str) -> list[Any]:
        """Execute in the database of our ledgers."""
        env = self.world.env

        async def execute() -> list[Any]:
            connection = await asyncpg.connect(
                user=env["STATE_DB_USER"], password=env["STATE_DB_PASSWORD"], host=env["STATE_DB_HOST"],
                port=env["STATE_DB_PORT"], database=env["STATE_DB_NAME"],
            )  # fmt: skip
            try:
                rows: list[Any] = await connection.fetch(statement)
                return rows
            finally:
                await connection.close()

        return asyncio.run(execute())


def patiently(ask: Callable[[], Any], timeout_s: float = 90.0) -> Any:
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            return ask()
        except (httpx.TransportError, httpx.HTTPStatusError) as error:
            if isinstance(error, httpx.HTTPStatusError) and not error.response.is_server_error:
                raise
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def wait_until(done: Callable[[], Any], timeout_s: float, what: str) -> Any:
    """Return the first truth that `done` tells.

    Raises:
        TimeoutError: it did not come in time.
    """
    deadline = time.monotonic() + timeout_s
    while not (truth := done()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not happen within {timeout_s:.0f} s")
        time.sleep(0.25)
    return truth


def wait_for_room(seconds: float) -> None:
    """Return when today (UTC) has room for so many seconds: the guard starts nothing around midnight."""
    while True:
        now = datetime.now(UTC)
        since_midnight = timedelta(hours=now.hour, minutes=now.minute, seconds=now.second)
        if timedelta(minutes=3) < since_midnight < timedelta(hours=23, minutes=56, seconds=-seconds):
            return
        time.sleep(5)


def _json(answer: httpx.Response) -> Any:
    answer.raise_for_status()
    return answer.json() if answer.content else None


@contextmanager
def arena(tick_s: int = TICK_S) -> Iterator[Arena]:
    """Start everything, with the janitor ticking every `tick_s` seconds; stop and remove it afterwards."""
    with outside() as world, engine({**world.env, "PREFECT_WORKER_QUERY_SECONDS": "2"}) as stack:
        apply(stack)
        ready = Arena(world, stack, tick_s)
        _pause(ready, "distribution/daily")
        stack.start_worker()
        _tick_often(ready)
        yield ready


@contextmanager
def outside() -> Iterator[sandbox.World]:
    """Start an outside world; stop and remove it afterwards."""
    with _home("world") as home:
        try:
            yield sandbox.up(home)
        finally:
            sandbox.down(home)


@contextmanager
def engine(variables: Mapping[str, str]) -> Iterator[Stack]:
    """Start a Prefect server without anything on it; stop and remove it afterwards."""
    with _home("stack") as home:
        stack = Stack(home, free_port(), {**os.environ, **variables})
        try:
            stack.start()
            yield stack
        finally:
            with suppress(Exception):
                stack.stop()


@contextmanager
def _home(name: str) -> Iterator[Path]:
    home = Path(tempfile.mkdtemp(prefix=f"mn-chaos-{name}-"))
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _pause(arena: Arena, name: str) -> None:
    """Pause a deployment's schedules, which the guard respects: this campaign is about another."""
    deployment = arena.deployment(name)
    for schedule in deployment["schedules"]:
        arena.api("PATCH", f"deployments/{deployment['id']}/schedules/{schedule['id']}", {"active": False})


def _tick_often(arena: Arena) -> None:
    """Shorten the guard's tick; pop's own schedule stays on, for a paused one would be respected."""
    name = "janitor/every-5-min"
    arena.configure(name, {"tick_s": arena.tick_s})
    deployment = arena.deployment(name)
    for old in deployment["schedules"]:
        address = f"deployments/{deployment['id']}/schedules/{old['id']}"
        arena.api("PATCH", address, {"active": True, "schedule": {"interval": arena.tick_s}})
