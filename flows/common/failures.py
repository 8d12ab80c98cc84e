"""What earlier runs of a flow failed with, so that the same trouble is told once and not every few minutes."""

from datetime import timedelta
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterEndTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import StateType

from blocks.mail import MailNotSent
from flows.common.clock import Clock

LATELY = timedelta(hours=1)
TOLD = "told"  # the tag of a run whose failure was mailed


def can_be_mailed(error: BaseException) -> bool:
    """Tell whether a mail may tell of it: not of a mail that was not accepted."""
    return not isinstance(error, MailNotSent)


async def was_lately(flow: str, message: str) -> bool:
    """Tell whether a run of `flow` has failed with this very message within the hour."""
    return await _has_failed(flow, message, [])


async def was_told(flow: str, message: str) -> bool:
    """Tell whether such a failure was mailed, too: that of a preview, or one without a mail server, was not."""
    return await _has_failed(flow, message, [TOLD])


async def record_told(run_id: UUID) -> None:
    """Mark the run as one whose failure was mailed."""
    async with get_client() as client:
        run = await client.read_flow_run(run_id)
        await client.update_flow_run(run_id, tags=[*run.tags, TOLD])


async def _has_failed(flow: str, message: str, tags: list[str]) -> bool:
    failed = FlowRunFilter(
        tags=FlowRunFilterTags(all_=tags) if tags else None,
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.FAILED])),
        end_time=FlowRunFilterEndTime(after_=Clock().utc() - LATELY),
    )
    async with get_client() as client:
        found = await client.read_flow_runs(
            flow_filter=FlowFilter(name=FlowFilterName(any_=[flow])), flow_run_filter=failed
        )
    return any(message in (run.state.message or "") for run in found if run.state)
