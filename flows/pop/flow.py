"""Pop: every marketing account taps once a day, paced over the day.

Source    docs/pop.md
Schedule  pop/daily, 00:00 UTC, one run at a time (prefect.yaml)
Errors    an account that fails is skipped; GameRefusesUs and NobodyAnswered fail the run
"""

from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from prefect import flow, runtime
from prefect.client.schemas.objects import State
from prefect.states import Cancelled
from pydantic import Field

from blocks.pop_game import PopGame
from blocks.store import load
from flows.common import duty
from flows.common.artifacts import publish
from flows.common.clock import Clock
from flows.pop import report, rules, tasks
from flows.pop.models import Facts, Plan, Summary, Wish
from flows.pop.work import Work

PROCESS = "pop"

Count = Annotated[int, Field(ge=1, le=10_000)]
MinGap = Annotated[float, Field(ge=0.5, le=600)]
Limit = Annotated[int | None, Field(ge=1)]
MaxInFlight = Annotated[int, Field(ge=1, le=4)]


@flow(name=PROCESS, retries=1, retry_delay_seconds=10, persist_result=False)
async def pop(
    count: Count = 100,
    min_gap_s: MinGap = 0.5,
    window_end: datetime | None = None,
    limit: Limit = None,
    max_in_flight: MaxInFlight = 1,
    dry_run: bool = False,
) -> Summary | State[Any]:
    """Send `count` pops for every marketing account that has none today, evenly until midnight UTC.

    A run resumes what an earlier one left; a dry run shows the plan and touches nothing outside.

    Args:
        count: Pops for each account.
        min_gap_s: Smallest distance between two starts, seconds.
        window_end: No start after it (UTC, today); empty: shortly before midnight UTC.
        limit: Serve only so many accounts, soon. Such a trial does not count as the day's run.
        max_in_flight: Open connections at once.
        dry_run: Show the plan only: no connection to the game, nothing written.
    """
    wish = Wish(count, min_gap_s, window_end, limit, max_in_flight)
    # The engine may start a run a moment before its time, and so on the day before.
    now_utc = await Clock().reach(runtime.flow_run.scheduled_start_time)
    try:
        async with _lock(now_utc.date(), dry_run) as held:
            # gather
            accounts = await tasks.fetch_accounts()
            history = await tasks.fetch_history()
            refused = await tasks.fetch_refused(now_utc.date())
            # plan
            facts = Facts(Clock().utc(), accounts, history, refused, now_utc.date())
            plan = rules.plan(facts, wish)
            await publish("pop-plan", report.plan(plan, wish))
            if held is None:
                return rules.preview(plan)
            # act, and record while acting
            work = Work(plan, wish, await load(PopGame, "pop-game"), held)
            for slot in rules.slots(plan.now_utc, plan.end_utc):
                await tasks.serve_slot(slot, work)
                if not work.day.left:
                    break
            summary = rules.summarise(plan, work.day.attempts, work.day.smallest_gap_s)
            if rules.is_duty_done(wish, work.day.left):
                await held.finish()
    except duty.DutyHeld as other:
        return Cancelled(message=str(other))
    # report
    await _report(summary, plan, wish)
    return summary


def _lock(day: date, dry_run: bool) -> AbstractAsyncContextManager[duty.Duty | None]:
    if dry_run:
        return nullcontext()
    return duty.hold(PROCESS, day, UUID(runtime.flow_run.id) if runtime.flow_run.id else None)


async def _report(summary: Summary, plan: Plan, wish: Wish) -> None:
    since_utc = report.since(plan, wish)
    width = report.bin_width(plan, since_utc)
    bins = await tasks.fetch_bins(plan.day, since_utc, width)
    reasons = await tasks.fetch_reasons(plan.day)
    await publish("pop-day", report.summary(summary, plan, bins, reasons, width))
    await tasks.forget_old_attempts(plan.day)
