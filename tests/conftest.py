"""One outside world and one Prefect for the whole session: real servers, on free ports, in short-lived homes."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from prefect.client.orchestration import PrefectClient, get_client
from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogWorker
from prefect.settings import PREFECT_API_URL, PREFECT_HOME
from prefect.settings.context import temporary_settings

import sandbox
from deployments.stack import Stack
from deployments.surroundings import free_port
from sandbox.chain.alone import alone
from sandbox.state import LOOPBACK
from tests.steps import apply, pause_schedules

LIVE = "ORACLE_TEST_DSN"
# Opt-in, and so not skipped: who has a real Oracle sets the variable.
collect_ignore = [] if os.environ.get(LIVE) else ["distribution/test_live.py"]


@pytest.fixture(scope="session")
def world() -> Iterator[sandbox.World]:
    """The outside world: databases, game server, mail sink; `world.env` points Blocks at it."""
    with _home("world") as home:
        try:
            yield sandbox.up(home)
        finally:
            sandbox.down(home)


@pytest.fixture(scope="session")
def paying_world(world: sandbox.World) -> Iterator[sandbox.World]:
    """The same with a chain that only those have who put its clock forward and take its blocks back.

    They have other players, too; the declared ones are kept in `kept.users`.
    """
    port = free_port()
    ours = {"JOBS_RPC_URL": f"http://{LOOPBACK}:{port}", "JOBS_WS_URL": f"ws://{LOOPBACK}:{port}"}
    world.query("create schema kept; create table kept.users as table public.users", "players")
    with alone(port, interval_s=1.0):
        yield replace(world, env={**world.env, **ours})


@pytest.fixture(scope="session")
def stack(world: sandbox.World) -> Iterator[Stack]:
    """Server and worker with everything applied; no schedule is active, so every run is some test's own."""
    env = {**os.environ, **world.env, "PREFECT_WORKER_QUERY_SECONDS": "1"}
    with _home("stack") as home:
        running = Stack(home, free_port(), env)
        try:
            running.start()
            apply(running)
            pause_schedules(running)
            running.start_worker()
            yield running
        finally:
            # What is left to tell must not be told, for minutes, to a server that is gone.
            EventsWorker.drain_all(timeout=5)
            APILogWorker.drain_all(timeout=5)
            running.stop()


@pytest.fixture
async def prefect(stack: Stack) -> AsyncIterator[PrefectClient]:
    """A client of the stack's server; code under test that opens one of its own gets the same server."""
    with temporary_settings({PREFECT_API_URL: stack.api_url, PREFECT_HOME: stack.home / "prefect"}):
        async with get_client() as client:
            yield client


@pytest.fixture
def short_home() -> Iterator[Path]:
    """A folder whose path is short, as sockets need it."""
    with _home("home") as home:
        yield home


@contextmanager
def _home(name: str) -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix=f"mn-{name}-"))
    # A database server that runs as a user of its own must get in.
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


def pytest_configure() -> None:
    """Say that there is no event loop: Python would make one for whoever asks, and nobody would close it."""
    asyncio.set_event_loop(None)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """CI never skips: what a machine lacks is installed there."""
    if os.environ.get("CI") == "true" and _skipped(session) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if collect_ignore:
        terminalreporter.write_line(
            f"Not tested: a real Oracle. Set {LIVE} (tests/distribution/test_live.py)."
        )
    if os.environ.get("CI") == "true" and terminalreporter.stats.get("skipped"):
        terminalreporter.write_line("CI never skips: the tests above count as failed.", red=True)


def _skipped(session: pytest.Session) -> bool:
    reporter = session.config.pluginmanager.getplugin("terminalreporter")
    return bool(reporter and reporter.stats.get("skipped"))
