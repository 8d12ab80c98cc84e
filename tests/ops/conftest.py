"""A Prefect server for tests/ops alone: no worker takes its runs, no automation answers them."""

import gc
import warnings
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from prefect import get_client
from prefect.client.schemas.actions import WorkPoolCreate
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
        for package in ("flows.common", "flows.pop", "flows.payout"):
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
async def healthy(engine: Engine) -> AsyncIterator[None]:
    """Heartbeats are on, and the one deployment with a work pool has a worker."""
    async with get_client() as client:
        pool = f"pool-{uuid4().hex[:8]}"
        await client.create_work_pool(WorkPoolCreate(name=pool, type="process"))
        flow_id = await client.create_flow_from_name(engine.flow)
        deployment_id = await client.create_deployment(flow_id, "served", work_pool_name=pool)
        await client.send_worker_heartbeat(pool, "worker-1", heartbeat_interval_seconds=30)
        with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: 60}):
            yield
        await client.delete_deployment(deployment_id)


@pytest.fixture
def daytime() -> None:
    """The guard starts nothing around midnight UTC; on a real clock that cannot be tested then."""
    now = datetime.now(UTC)
    since_midnight = now - now.replace(hour=0, minute=0, second=0, microsecond=0)
    if not timedelta(minutes=3) < since_midnight < timedelta(hours=23, minutes=54):
        pytest.skip("the guard starts nothing around midnight UTC")
