"""What the engine knows: runs, deployments, heartbeats, read through its API."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.sorting import FlowRunSort
from prefect.events.filters import (
    EventFilter,
    EventNameFilter,
    EventOccurredFilter,
    EventOrder,
    EventRelatedFilter,
    EventResourceFilter,
)
from prefect.events.schemas.events import ResourceSpecification

from flows.ops.models import ACTIVE, Phase, Run

HEARTBEAT = "prefect.flow-run.heartbeat"
PAGE = 50  # the most that /events/filter gives at once


async def read_active(client: PrefectClient) -> list[Run]:
    """Return the deployments' runs that hold a slot or may hold one."""
    kinds = FlowRunFilterStateType(any_=[StateType(phase) for phase in sorted(ACTIVE)])
    found = await client.read_flow_runs(
        flow_run_filter=FlowRunFilter(
            state=FlowRunFilterState(type=kinds), deployment_id=FlowRunFilterDeploymentId(is_null_=False)
        )
    )
    limited = await _limited(client, {run.deployment_id for run in found if run.deployment_id})
    return [as_run(run, is_limited=run.deployment_id in limited) for run in found]


async def _limited(client: PrefectClient, ids: set[UUID]) -> set[UUID]:
    if not ids:
        return set()
    found = await client.read_deployments(
        deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=sorted(ids)))
    )
    return {deployment.id for deployment in found if deployment.global_concurrency_limit}


async def read_day(client: PrefectClient, deployment: DeploymentResponse, midnight: datetime) -> list[Run]:
    """Return the deployment's runs meant to start on the day that begins then, the last 200 of them."""
    found = await client.read_flow_runs(
        flow_run_filter=FlowRunFilter(
            deployment_id=FlowRunFilterDeploymentId(any_=[deployment.id]),
            expected_start_time=FlowRunFilterExpectedStartTime(
                after_=midnight, before_=midnight + timedelta(days=1, microseconds=-1)
            ),
        ),
        sort=FlowRunSort.EXPECTED_START_TIME_DESC,
    )
    return [as_run(run, is_limited=deployment.global_concurrency_limit is not None) for run in found]


def as_run(run: FlowRun, *, is_limited: bool) -> Run:
    """Take from the engine's run what the rules need."""
    assert run.state is not None, "the server gives every run a state"
    assert run.deployment_id is not None, "only deployments' runs are asked for"
    return Run(
        id=run.id,
        deployment_id=run.deployment_id,
        phase=Phase(run.state.type.value),
        state=run.state.name or run.state.type.value,
        since_utc=run.state.timestamp,
        expected_utc=run.expected_start_time or run.state.timestamp,
        due_utc=run.next_scheduled_start_time or run.state.state_details.scheduled_time,
        name=run.name,
        message=run.state.message or "",
        is_dry=bool(run.parameters.get("dry_run")),
        is_limited=is_limited,
    )


def is_paused(deployment: DeploymentResponse) -> bool:
    """Tell whether an operator has stopped the schedule, or there is none."""
    return deployment.paused or not any(schedule.active for schedule in deployment.schedules)


async def read_last_beats(
    client: PrefectClient, ids: Iterable[UUID], since_utc: datetime
) -> dict[UUID, datetime]:
    """Return when each run was last heard; a run not heard since `since_utc` is left out."""
    resources = {id_: EventResourceFilter(id=[f"prefect.flow-run.{id_}"]) for id_ in ids}
    heard = {id_: await _occurred(client, since_utc, one, most=1) for id_, one in resources.items()}
    return {id_: beats[0] for id_, beats in heard.items() if beats}


async def read_ticks(client: PrefectClient, flow: str, since_utc: datetime) -> Sequence[datetime]:
    """Return when any run of `flow` was heard, latest first."""
    labels = {"prefect.resource.role": "flow", "prefect.resource.name": flow}
    related = EventRelatedFilter(labels=ResourceSpecification(root=labels))
    return await _occurred(client, since_utc, related, most=1000)


async def _occurred(
    client: PrefectClient, since_utc: datetime, of: EventResourceFilter | EventRelatedFilter, *, most: int
) -> list[datetime]:
    """Return the moments of heartbeats, latest first."""
    wanted = EventFilter(
        occurred=EventOccurredFilter(since=since_utc),
        event=EventNameFilter(name=[HEARTBEAT]),
        resource=of if isinstance(of, EventResourceFilter) else None,
        related=of if isinstance(of, EventRelatedFilter) else None,
        order=EventOrder.DESC,
    )
    page = await client.read_events(wanted, limit=min(most, PAGE))
    events = list(page.events)
    while page.next_page and len(events) < most:
        page = await client.read_events_page(str(page.next_page))
        events += page.events
    return [event.occurred for event in events]
