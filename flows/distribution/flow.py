"""Distribution: the day's users, split equally over the active campaigns and over their groups A-E.

Source    docs/distribution.md
Schedule  distribution/daily, 09:00 Asia/Almaty, one run at a time (prefect.yaml)
Errors    every failure is mailed with its stage; the guard starts the next run, which finishes what is open
"""

from datetime import date, timedelta
from typing import Annotated, Any
from uuid import UUID, uuid4

from prefect import flow, get_run_logger, runtime
from prefect.client.schemas.objects import State
from prefect.states import Cancelled
from pydantic import Field

from flows.common import duty
from flows.common.artifacts import publish, publish_table
from flows.common.clock import Clock
from flows.common.redaction import guard_logs
from flows.common.sealed import heals, safe
from flows.common.upcoming import fetch_next_runs
from flows.distribution import account, day, permission, report, rules, tasks, verdict, verifying
from flows.distribution.days import Skipped
from flows.distribution.models import Remainder, Wish
from flows.distribution.work import Course, Work, open_work

PROCESS = "distribution"
DAILY = "distribution/daily"
SCHEDULED = "auto-scheduled"  # the engine's own tag

CountDay = Annotated[int, Field(ge=1, le=120)]
Sample = Annotated[int, Field(ge=0, le=20)]
Name = Annotated[str, Field(max_length=100, pattern=r"^[^\u0000-\u001f]*$")]  # no database keeps a NUL


@flow(name=PROCESS, persist_result=False)
async def distribution(
    business_date: date | None = None,
    count_day: CountDay = permission.USUAL_COUNT_DAY,
    remainder: Remainder = Remainder.LAST,
    exclude_active: bool = True,
    sample: Sample = 0,
    requested_by: Name = "",
    approved_by: Name = "",
    dry_run: bool = False,
) -> dict[str, Any] | State[Any]:
    """Split the day's users over campaigns and groups, write them to DSSB and SPSS, mail the result.

    A run first finishes what earlier ones left. A day that is done stays as it is.

    Args:
        business_date: The day in Asia/Almaty; empty: today, and by hand only from 09:00 on.
        count_day: Which users: those with this COUNT_DAY.
        remainder: Who gets the users that are left over.
        exclude_active: Leave out users whose earlier assignment is still active; those who have been in one of
            the day's campaigns are left out in any case.
        sample: How many users a preview shows, as tokens that only we can make.
        requested_by: Who wants this run; needed for a real run by hand.
        approved_by: Who has approved it, another person; recorded, not authenticated.
        dry_run: Preview only: nothing is written, nothing is mailed.
    """
    guard_logs()
    now = (await Clock().reach(runtime.flow_run.scheduled_start_time)).astimezone(tasks.ALMATY)
    today = now.date()
    wish = Wish(business_date or today, count_day, remainder, exclude_active, sample)
    names = (requested_by.strip(), approved_by.strip())
    permission.check_date(wish.business_date, today)
    permission.check_approval(
        is_scheduled=_is_scheduled(), dry_run=dry_run, requested_by=names[0], approved_by=names[1]
    )
    course = Course(_run_id())
    if dry_run:
        return await _preview(wish, course)
    permission.check_hour(now, is_by_hand=not _is_scheduled(), is_dated=business_date is not None)
    try:
        permission.check_punctual(_due(), today)
        async with duty.hold(PROCESS, wish.business_date, course.run_id) as held:
            return await _distribute(wish, course, names, held)
    except duty.DutyHeld as other:
        return Cancelled(message=str(other))
    except Exception as error:  # noqa: BLE001
        await day.tell_trouble(PROCESS, wish, course, error)
        raise safe(error) from None


def _is_scheduled() -> bool:
    return bool({SCHEDULED, "guard"} & set(runtime.flow_run.tags or ()))


def _due() -> date | None:
    """Return the day in Almaty that the schedule meant; None for a run that is not the schedule's."""
    if SCHEDULED not in (runtime.flow_run.tags or ()):
        return None
    due = runtime.flow_run.scheduled_start_time
    return due.astimezone(tasks.ALMATY).date() if due else None


async def _preview(wish: Wish, course: Course) -> dict[str, Any]:
    """Gather and plan, show it, touch nothing."""
    async with open_work(course) as work:
        known = await tasks.fetch_day(work, wish.business_date)
        found = await day.gather(work, wish)
        sample = rules.tokens(found.cohort, work.salt, wish.sample) if not isinstance(found, Skipped) else []
    preview = account.preview(found, sample, known)
    await publish("distribution-preview", report.preview(found, preview))
    await publish_table("distribution-preview-table", report.preview_table(found), "Who would get how many")
    return preview


async def _distribute(wish: Wish, course: Course, names: tuple[str, str], held: duty.Duty) -> dict[str, Any]:
    logger = get_run_logger()
    logger.info(report.STARTED)
    async with duty.beating(held), open_work(course, fenced=True) as work:
        still_open = await day.finish_open(work, wish.business_date)
        told = await _day(work, wish, names)
    # An earlier day that a person must mend is tried again by the next cron, and not all day long by the guard.
    if still_open is None or not heals(still_open.error):
        await held.ensure()
        await held.finish()
    if still_open is not None:
        course.other_day, course.stage = still_open.business_date, still_open.stage
        raise still_open.error
    logger.info(report.ended(told))
    return told


async def _day(work: Work, wish: Wish, names: tuple[str, str]) -> dict[str, Any]:
    """Do the five beats: gather, plan, act, record, report; a day that is done stays as it is."""
    known = await tasks.fetch_day(work, wish.business_date)
    if known is not None and known.is_written:
        permission.check_count_day(known, wish.count_day)
        return account.ledger_day(known)
    return await _fresh_day(work, wish, names)


async def _fresh_day(work: Work, wish: Wish, names: tuple[str, str]) -> dict[str, Any]:
    found = await day.gather(work, wish)
    if isinstance(found, Skipped):
        return await day.skip(work, found, names)
    await day.act(work, found, names)
    return await day.finish(work, wish.business_date)


@flow(name="distribution-status", persist_result=False)
async def status() -> dict[str, Any]:
    """Show the last two weeks as the ledger has them, and when distribution runs next. Touches nothing."""
    guard_logs()
    today = Clock().utc().astimezone(tasks.ALMATY).date()
    async with open_work(Course(_run_id())) as work:
        days = await tasks.fetch_days(work, today - timedelta(days=report.DAYS), today)
    upcoming = [run.astimezone(tasks.ALMATY) for run in await fetch_next_runs(DAILY)]
    await publish("distribution-status", report.status(days, today, upcoming))
    return {"days": [account.ledger_day(day) for day in days], "next_runs": upcoming}


@flow(name="distribution-verify", persist_result=False)
async def verify(business_date: date | None = None) -> dict[str, Any]:
    """Count what both databases hold of a day, compare, and fail if they differ. Touches nothing.

    Args:
        business_date: The day in Asia/Almaty; empty: today. What counts is the calendar day on which it was written.
    """
    guard_logs()
    wanted = business_date or Clock().utc().astimezone(tasks.ALMATY).date()
    async with open_work(Course(_run_id())) as work:
        known = await tasks.fetch_day(work, wanted)
        written_on = known.insert_datetime.date() if known and known.insert_datetime else wanted
        held = await verifying.fetch_held(work, written_on)
    wrong = verdict.problems(held, known.numbers.distributed if known and known.is_written else 0)
    told = verdict.line(held, wrong, written_on)
    await publish_table("distribution-verify", verdict.table(held, wrong, written_on), told)
    verdict.check(held, wrong, written_on)
    return {"business_date": wanted, "users": held.users, "mirrored": held.mirror_users, "verdict": told}


def _run_id() -> UUID:
    return UUID(runtime.flow_run.id) if runtime.flow_run.id else uuid4()
