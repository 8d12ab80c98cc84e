"""What earlier runs of a flow failed with, so that the same trouble is told once and not every few minutes."""

from datetime import timedelta

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterEndTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import StateType

from flows.common.clock import Clock

LATELY = timedelta(hours=1)


async def was_lately(flow: str, message: str) -> bool:
    """Tell whether a run of `flow` has failed with this very message within the hour."""
    failed = FlowRunFilter(
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.FAILED])),
        end_time=FlowRunFilterEndTime(after_=Clock().utc() - LATELY),
    )
    async with get_client() as client:
        found = await client.read_flow_runs(
            flow_filter=FlowFilter(name=FlowFilterName(any_=[flow])), flow_run_filter=failed
        )
    return any(message in (run.state.message or "") for run in found if run.state)
