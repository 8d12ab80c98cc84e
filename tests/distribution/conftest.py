"""Distribution against the whole stack: both databases by either driver, the mail sink, and a clean engine."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from prefect import Task
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import StateType

from flows.common import artifacts, upcoming
from flows.distribution import splitting, tasks, verifying
from sandbox import World
from sandbox.oracle.faults import Faults
from tests.distribution.bank import Bank
from tests.distribution.line import Line

VARIABLES = {"DSSB": "ORACLE", "SPSS": "SPSS_ORACLE"}


@pytest.fixture
def backend(request: pytest.FixtureRequest) -> str:
    """How the flow reaches the databases; see `by_both`."""
    return str(getattr(request, "param", "postgresql"))


@pytest.fixture
async def bank(prefect: PrefectClient, world: World, backend: str) -> AsyncIterator[Bank]:
    """Databases as they were seeded, Blocks that point at them, no mail; nothing that went wrong is remembered."""
    faults = Faults()
    async with AsyncExitStack() as lines:
        env = dict(world.env)
        if backend == "postgresql":
            for database, variables in VARIABLES.items():
                port = int(world.env[f"{database}_POSTGRES_PORT"])
                line = await lines.enter_async_context(Line(database, port, faults))
                env |= directly(world, database, variables) | {f"{variables}_PORT": str(line.port)}
        bank = Bank(world, backend, env, faults)
        bank.reset()
        await forget_failures(prefect)
        await bank.fill()
        yield bank
        bank.mend()
        bank.close()
    await Bank(world, "oracle", dict(world.env)).fill()


def directly(world: World, database: str, variables: str) -> dict[str, str]:
    """Return the variables that point a Block at PostgreSQL itself."""
    names = {"USER": "USER", "PASSWORD": "PASSWORD", "HOST": "HOST", "SID": "NAME"}
    found = {
        f"{variables}_{ours}": world.env[f"{database}_POSTGRES_{theirs}"] for ours, theirs in names.items()
    }
    return {**found, f"{variables}_DIALECT": "postgresql"}


async def forget_failures(prefect: PrefectClient) -> None:
    """What was told within the hour is not told again, and each test wants to be told."""
    of_ours = FlowFilter(name=FlowFilterName(any_=["distribution"]))
    failed = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.FAILED])))
    for run in await prefect.read_flow_runs(flow_filter=of_ours, flow_run_filter=failed):
        await prefect.delete_flow_run(run.id)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tried again is tried again at once, as often as ever: two minutes of patience take a second."""
    for module in (tasks, splitting, verifying, artifacts, upcoming):
        for each in vars(module).values():
            if isinstance(each, Task) and each.retry_delay_seconds:
                monkeypatch.setattr(each, "retry_delay_seconds", 0.02)
                monkeypatch.setattr(each, "retry_jitter_factor", None)
