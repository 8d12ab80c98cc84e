"""When a deployment comes next, by its schedule."""

from datetime import datetime
from uuid import UUID

from prefect import task
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.sorting import FlowRunSort

from flows.common.retries import PATIENT


async def next_runs(client: PrefectClient, deployment_id: UUID | None, most: int) -> list[datetime]:
    """Return the next starts in UTC, at most so many; none for a run without a deployment."""
    if deployment_id is None:
        return []
    scheduled = FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED]))
    runs = await client.read_flow_runs(
        flow_run_filter=FlowRunFilter(
            deployment_id=FlowRunFilterDeploymentId(any_=[deployment_id]), state=scheduled
        ),
        sort=FlowRunSort.NEXT_SCHEDULED_START_TIME_ASC,
        limit=most,
    )
    return [run.next_scheduled_start_time for run in runs if run.next_scheduled_start_time]


@task(**PATIENT)
async def fetch_next_runs(deployment: str, most: int = 3) -> list[datetime]:
    """Ask the engine when `flow/deployment` comes next; UTC."""
    async with get_client() as client:
        known = await client.read_deployment_by_name(deployment)
        return await next_runs(client, known.id, most)
