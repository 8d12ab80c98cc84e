"""A Prefect server for tests/ops alone: no worker takes its runs, no automation answers them."""

import gc
import warnings
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from prefect.testing.utilities import prefect_test_harness

import sandbox
from blocks import database
from deployments import blocks
from flows.common import duty
from flows.common.sql import script
from tests.ops.engine import Engine


@pytest.fixture(scope="session")
def server() -> Iterator[None]:
    """A Prefect server of the tests' own; no heartbeat threads, the tests write the heartbeats."""
    silent = temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None})
    with prefect_test_harness(server_startup_timeout=90), silent:
        yield


@pytest.fixture
async def applied(server: None, world: sandbox.World) -> AsyncIterator[None]:
    """Our Blocks point at the sandbox, our tables are there and empty."""
    for name, block in blocks.build(world.env).items():
        await block.save(name, overwrite=True)
    async with database.session(duty.BLOCK) as session:
        connection = await session.get_raw_connection()
        for package in ("flows.common", "flows.pop"):
            await connection.driver_connection.execute(script(package))
        await connection.driver_connection.execute("truncate metronome.duty")
    yield
    with warnings.catch_warnings():
        # The engine's client leaves its sockets to the garbage collector: here, not in another test.
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
async def engine(applied: None) -> Engine:
    """The engine with one deployment of limit 1, of a process of the same name."""
    engine = Engine()
    await engine.deploy()
    return engine


@pytest.fixture
def daytime() -> None:
    """The guard starts nothing around midnight UTC; on a real clock that cannot be tested then."""
    now = datetime.now(UTC)
    since_midnight = now - now.replace(hour=0, minute=0, second=0, microsecond=0)
    if not timedelta(minutes=3) < since_midnight < timedelta(hours=23, minutes=54):
        pytest.skip("the guard starts nothing around midnight UTC")
