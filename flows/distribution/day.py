"""One day in its beats: what is gathered and planned, how it is written, finished and told. Composes tasks."""

import asyncio
from contextlib import suppress
from datetime import date
from typing import Any, NamedTuple

from prefect import get_run_logger, runtime
from prefect.utilities.urls import url_for

from flows.common import failures
from flows.common.artifacts import publish
from flows.common.runbook import heading
from flows.common.sealed import heals, is_ours, safe
from flows.distribution import account, letter, outcome, permission, report, rules, split, splitting, tasks
from flows.distribution.cohort import Cohort, Plan
from flows.distribution.days import LedgerDay, Skipped, Trouble
from flows.distribution.models import Campaign, Check, Stage, Status, Wish
from flows.distribution.work import Course, Work, parts


async def gather(work: Work, wish: Wish) -> Plan | Skipped:
    """Read campaigns and users, and plan; where there is nothing to do, say why. Touches nothing."""
    work.course.stage = Stage.CAMPAIGNS
    campaigns, oddities = await tasks.fetch_campaigns(work, wish.business_date)
    if reason := rules.skip(campaigns):
        return Skipped(wish.business_date, work.course.run_id, wish.count_day, reason, checks=oddities)
    work.course.stage = Stage.USERS
    raw = await tasks.fetch_users(work, wish.count_day)
    active_on = wish.business_date if wish.exclude_active else None
    assigned = await tasks.fetch_assigned(work, campaigns, active_on)
    cohort = rules.cohort(raw, assigned, work.salt)
    oddities += rules.oddities(cohort)
    if reason := rules.skip(campaigns, cohort):
        numbers = cohort.numbers(0)
        return Skipped(
            wish.business_date, work.course.run_id, wish.count_day, reason, campaigns, numbers, oddities
        )
    return await _plan(work, wish, campaigns, cohort, oddities)


async def _plan(
    work: Work, wish: Wish, campaigns: tuple[Campaign, ...], cohort: Cohort, oddities: tuple[Check, ...]
) -> Plan:
    work.course.stage = Stage.DISTRIBUTING
    day, policy = wish.business_date, wish.remainder
    seed = split.seed(day, (campaign.id for campaign in campaigns), work.salt)
    ranked = await splitting.rank_users(cohort.iins, seed)
    ranges = await splitting.split_over_campaigns(ranked, campaigns, policy, day.toordinal())
    blocks = [block for part in ranges for block in await splitting.split_over_groups(part, policy)]
    past = await tasks.fetch_past(work, day)
    checks = rules.checks(day, cohort, blocks, past)
    return rules.plan(wish, seed, cohort, blocks, (*oddities, *checks))


async def act(work: Work, plan: Plan, names: tuple[str, str]) -> None:
    """Write both databases side by side; SPSS is committed after DSSB, and never without it."""
    work.course.stage = Stage.INSERTING
    tabs = await tasks.fetch_tabs(work, [share.campaign for share in plan.shares])
    moment = await tasks.record_plan(work, plan, names)
    applied = asyncio.Event()
    target = parts(plan.target(), tabs, moment)
    mirroring = asyncio.create_task(tasks.mirror_spss(work, target, moment, applied))
    try:
        await tasks.write_dssb(work, plan, tabs, moment, applied)
    except BaseException:
        mirroring.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await mirroring
        raise
    work.course.stage = Stage.MIRRORING
    await mirroring


class StillOpen(NamedTuple):
    """A day that could not be finished: where it stuck, and why."""

    business_date: date
    stage: Stage
    error: Exception


async def finish_open(work: Work, wanted: date) -> StillOpen | None:
    """Finish every day that earlier runs left; one that cannot be finished must not stop the `wanted` one."""
    still_open = None
    for business_date in await tasks.fetch_open_days(work, wanted):
        try:
            await resume(work, business_date)
        except Exception as error:  # noqa: BLE001
            get_run_logger().error("%s is still open: %s", business_date, safe(error))
            still_open = StillOpen(business_date, work.course.stage, error)
    return still_open


async def resume(work: Work, business_date: date) -> None:
    """Mirror what the outbox has and SPSS has not, then finish the day; a skip is only told."""
    day = await _begun(work, business_date)
    if day.status is Status.SKIPPED:
        theories = await tasks.fetch_theories(work, day.campaign_ids)
        return await _tell_skip(work, outcome.skipped(day, theories))
    if day.status is Status.APPLIED and day.insert_datetime is not None:
        work.course.stage = Stage.MIRRORING
        applied = asyncio.Event()
        applied.set()
        target = await tasks.fetch_outbox(work, day)
        await tasks.mirror_spss(work, target, day.insert_datetime, applied)
    await finish(work, business_date, was_resumed=True)
    return None


async def _begun(work: Work, business_date: date) -> LedgerDay:
    day = await tasks.fetch_day(work, business_date)
    assert day is not None, "a day that is finished was begun"
    return day


async def finish(work: Work, business_date: date, *, was_resumed: bool = False) -> dict[str, Any]:
    """Reconcile, call the day completed, show and mail it."""
    work.course.stage = Stage.RECONCILING
    counts, tables = await tasks.reconcile(work, await _begun(work, business_date))
    day = await _begun(work, business_date)  # with the moment of its completion
    theories = await tasks.fetch_theories(work, day.campaign_ids)
    result = outcome.result(day, counts, theories, tables, was_resumed=was_resumed)
    await publish("distribution-day", report.result(result))
    await tasks.send(letter.completed(result, url=_link()))
    await tasks.record_mailed(work, business_date)
    return account.completed(result)


async def skip(work: Work, found: Skipped, names: tuple[str, str]) -> dict[str, Any]:
    """Write down and mail that there is nothing to distribute."""
    await tasks.record_skip(work, found, names)
    await _tell_skip(work, found)
    return account.skipped(found)


async def _tell_skip(work: Work, found: Skipped) -> None:
    await tasks.send(letter.skipped(found, url=_link()))
    await tasks.record_mailed(work, found.business_date)


async def tell_trouble(process: str, wish: Wish, course: Course, error: Exception) -> None:
    """Mail that the run failed and where; the same trouble once an hour, however often the guard tries."""
    told = safe(error)
    day = course.other_day or wish.business_date
    trouble = Trouble(day, course.run_id, course.stage, str(told), is_ours(error), _link())
    get_run_logger().error(report.failed(trouble))
    if not failures.can_be_mailed(error):
        return
    try:
        await _mail_trouble(process, trouble, error, is_guarded=_is_guarded(wish, course, error))
    except Exception as unsent:  # noqa: BLE001 - the run ends with its own error, whatever becomes of the mail
        get_run_logger().error("nobody could be told: %s", safe(unsent))


def _is_guarded(wish: Wish, course: Course, error: Exception) -> bool:
    """Tell whether the guard starts a new run: it minds today's duty only, as long as nobody has finished it."""
    if isinstance(error, (permission.OtherCountDay, permission.DayMissed)):
        return False  # another run has finished the duty, or the day is over
    waits = course.other_day is not None and not heals(error)  # today is done, the other day needs a person
    return not waits and permission.is_due(wish.business_date, tasks.now())


async def _mail_trouble(process: str, trouble: Trouble, error: Exception, *, is_guarded: bool) -> None:
    if await tasks.was_told(process, trouble.error):
        return
    page = heading("prefect.flow-run.Failed", f"{type(safe(error)).__name__}: {trouble.error}")
    await tasks.send(letter.failed(trouble, runbook=page, is_guarded=is_guarded))
    await tasks.record_told(trouble.run_id)


def _link() -> str:
    return url_for("flow-run", obj_id=runtime.flow_run.id) or "" if runtime.flow_run.id else ""
