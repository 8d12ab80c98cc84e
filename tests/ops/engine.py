"""What a test does to the engine, as workers and operators would."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from prefect import get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterKey,
    FlowRunFilter,
    FlowRunFilterDeploymentId,
)
from prefect.client.schemas.objects import ConcurrencyOptions, FlowRun
from prefect.client.schemas.responses import SetStateStatus
from prefect.client.schemas.schedules import CronSchedule
from prefect.client.schemas.sorting import ArtifactSort
from prefect.events.filters import EventFilter, EventIDFilter
from prefect.settings import PREFECT_SERVER_DATABASE_CONNECTION_URL
from prefect.states import Pending, State

from flows.common.clock import Clock
from flows.ops.flow import janitor
from flows.ops.parameters import Duty


class Engine:
    """One deployment of limit 1, and a process of the same name."""

    def __init__(self) -> None:
        self.flow = f"work-{uuid4().hex[:8]}"
        self.deployment = f"{self.flow}/daily"
        self.process = self.flow
        self.deployment_id: UUID | None = None

    async def deploy(self, *, schedule_active: bool = True) -> None:
        """Put a deployment there whose schedule is far away, so that only the tests make runs."""
        cron = DeploymentScheduleCreate(schedule=CronSchedule(cron="0 0 1 1 *"), active=schedule_active)
        async with get_client() as client:
            flow_id = await client.create_flow_from_name(self.flow)
            self.deployment_id = await client.create_deployment(
                flow_id, "daily", schedules=[cron], concurrency_limit=1, tags=["ours"],
                concurrency_options=ConcurrencyOptions(collision_strategy="CANCEL_NEW", grace_period_seconds=300),
            )  # fmt: skip

    async def run(self, *states: State, age_s: float = 0, **parameters: object) -> UUID:
        """Make a run, bring it through `states`, and make its last state look `age_s` old."""
        async with get_client() as client:
            run = await client.create_flow_run_from_deployment(self.deployment_id, parameters=parameters)
        await self.bring(run.id, *states)
        if age_s:
            _age(run.id, age_s)
        return run.id

    async def expect(self, run_id: UUID, *, age_s: float) -> None:
        """Let a run have been due so long ago."""
        _write("update flow_run set expected_start_time = ? where id = ?", _ago(age_s), str(run_id))

    async def bring(self, run_id: UUID, *states: State) -> None:
        """Bring a run through `states`, each of which the server must accept."""
        async with get_client() as client:
            for state in states:
                result: Any = await client.set_flow_run_state(run_id, state)
                assert result.status is SetStateStatus.ACCEPT, result

    @classmethod
    async def with_stuck_run(cls) -> "Engine":
        """Return another deployment, with a run stuck Pending that the janitor has to see."""
        other = cls()
        await other.deploy()
        await other.run(Pending(), age_s=100)
        return other

    async def tick(self, **parameters: Any) -> State[Any]:
        """Run the janitor once, as its deployment would, with this process as its duty."""
        duties = (Duty(process=self.process, deployment=self.deployment),)
        return await janitor(**{"duties": duties, **parameters}, return_state=True)

    async def runs(self) -> list[FlowRun]:
        """All runs, the first made first."""
        mine = FlowRunFilterDeploymentId(any_=[self.deployment_id])
        async with get_client() as client:
            found = await client.read_flow_runs(flow_run_filter=FlowRunFilter(deployment_id=mine))
        return sorted(found, key=lambda run: run.created)

    async def state(self, run_id: UUID) -> State:
        async with get_client() as client:
            return (await client.read_flow_run(run_id)).state

    async def slots(self) -> int:
        """How many slots of the deployment's limit are taken."""
        async with get_client() as client:
            return (await client.read_deployment(self.deployment_id)).global_concurrency_limit.active_slots

    async def artifacts(self, key: str) -> list[str]:
        """What was published under a key, the latest first."""
        wanted = ArtifactFilter(key=ArtifactFilterKey(any_=[key]))
        async with get_client() as client:
            found = await client.read_artifacts(artifact_filter=wanted, sort=ArtifactSort.CREATED_DESC)
        return [str(artifact.data) for artifact in found]

    async def hear_janitor(self) -> None:
        """Let the janitor have been heard all the time."""
        await self.hear(uuid4(), *range(0, 1501, 100), flow="janitor")

    async def hear(self, run_id: UUID, *ages_s: float, flow: str) -> None:
        """Store heartbeats as the engine sends them, so long ago, and wait until they can be read."""
        now = datetime.now(UTC)
        beats = [_beat(run_id, flow, now - timedelta(seconds=age)) for age in ages_s]
        async with get_client() as client:
            await client.request("POST", "/events", json=beats)
            mine = EventFilter(id=EventIDFilter(id=[UUID(beat["id"]) for beat in beats]))
            mine.occurred.since = now - timedelta(days=1)
            async with asyncio.timeout(20):
                while len((await client.read_events(mine, limit=50)).events) < len(beats):
                    await Clock().sleep(0.2)


def _beat(run_id: UUID, flow: str, occurred: datetime) -> dict[str, object]:
    return {
        "id": str(uuid4()),
        "occurred": occurred.isoformat(),
        "event": "prefect.flow-run.heartbeat",
        "resource": {"prefect.resource.id": f"prefect.flow-run.{run_id}"},
        "related": [
            {
                "prefect.resource.id": f"prefect.flow.{uuid4()}",
                "prefect.resource.role": "flow",
                "prefect.resource.name": flow,
            }
        ],
    }


def _age(run_id: UUID, age_s: float) -> None:
    """Move a state into the past."""
    at = _ago(age_s)
    _write(
        "update flow_run_state set timestamp = ? where id = (select state_id from flow_run where id = ?)",
        at,
        str(run_id),
    )
    _write("update flow_run set state_timestamp = ? where id = ?", at, str(run_id))


def _ago(age_s: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=age_s)).strftime("%Y-%m-%d %H:%M:%S.%f")


def _write(statement: str, *values: str) -> None:
    """Change the server's own rows; the API cannot, and waiting would take as long."""
    path = PREFECT_SERVER_DATABASE_CONNECTION_URL.value().removeprefix("sqlite+aiosqlite:///")
    with closing(sqlite3.connect(path, timeout=30)) as database_, database_:
        database_.execute(statement, values)
