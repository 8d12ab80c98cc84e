"""Distribution's effects: one per task, each with its retries.

Users' identifiers travel in numpy arrays and plain objects: the engine neither walks through them nor keeps them.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from email.message import EmailMessage
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
from prefect import get_run_logger, task

from blocks import bulk, database, mail
from blocks.bulk import Rows
from flows.common import failures
from flows.common.clock import Clock
from flows.common.retries import PATIENT
from flows.common.sealed import sealed
from flows.distribution import outcome, registry, rows, rules, statements
from flows.distribution.cohort import Iins, Plan
from flows.distribution.days import LedgerDay, PastDay, Skipped, TableState
from flows.distribution.ledger import BLOCK as DSSB
from flows.distribution.models import Campaign, Check, Tabs, Theory
from flows.distribution.work import SPSS, Work

ALMATY = ZoneInfo("Asia/Almaty")
PEOPLE = "campaign-mail"
LONG: dict[str, Any] = {**PATIENT, "timeout_seconds": 1800}


def now() -> datetime:
    """Return Almaty's wall clock to the second, without a zone: as both databases keep it."""
    return Clock().utc().astimezone(ALMATY).replace(microsecond=0, tzinfo=None)


@task(**PATIENT)
@sealed
async def fetch_campaigns(work: Work, day: date) -> tuple[tuple[Campaign, ...], tuple[Check, ...]]:
    """Read the campaigns that run on `day` from the registry, and what is odd about its rows."""
    async with database.session(DSSB) as session:
        found = await session.execute(statements.theories(work.dssb, day))
        theories, blank = rows.theories(found.mappings())
    return registry.active(theories, day, blank)


@task(**LONG)
@sealed
async def fetch_users(work: Work, count_day: int) -> Iins:
    """Read the day's users from SPSS, as they are."""
    async with database.session(SPSS) as session:
        return await bulk.read_column(session, statements.users(work.spss, count_day))


@task(**LONG)
@sealed
async def fetch_assigned(work: Work, campaigns: Sequence[Campaign], active_on: date | None) -> Iins:
    """Read the users who were in one of these campaigns, or are in any that is active on that day."""
    ids = [campaign.id for campaign in campaigns]
    async with database.session(DSSB) as session:
        asked = [statements.assigned(table, ids, active_on) for table in work.dssb.assignments]
        return np.concatenate([await bulk.read_column(session, each) for each in asked])


@task(**PATIENT)
@sealed
async def fetch_tabs(work: Work, campaigns: Sequence[Campaign]) -> dict[str, Tabs]:
    """Read TAB1-TAB5 of the groups' latest rows, by theory id."""
    ids = [campaign.id for campaign in campaigns]
    async with database.session(DSSB) as session:
        asked = [statements.tabs(table, ids) for table in work.dssb.assignments]
        found = [row for each in asked for row in await session.execute(each)]
    return {theory_id: tuple(tabs) for theory_id, *tabs in found}


@task(**PATIENT)
@sealed
async def fetch_past(work: Work, day: date) -> list[PastDay]:
    """Read the days before from the ledger."""
    return await work.ledger.past(day)


@task(**PATIENT)
@sealed
async def record_plan(work: Work, plan: Plan, names: tuple[str, str]) -> datetime:
    """Write the plan's numbers into the ledger and return the INSERT_DATETIME of its rows."""
    moment = await work.free_moment(now())
    await work.ledger.plan(plan, moment, now(), names)
    return moment


@task(**LONG)
@sealed
async def write_dssb(
    work: Work, plan: Plan, tabs: Mapping[str, Tabs], insert_datetime: datetime, applied: asyncio.Event
) -> None:
    """Write control, target and the ledger's word for it: one transaction."""
    await work.write(plan, tabs, insert_datetime, now())
    applied.set()


@task(**LONG)
@sealed
async def mirror_spss(
    work: Work, target: Sequence[Rows], insert_datetime: datetime, applied: asyncio.Event
) -> None:
    """Write the target rows that SPSS does not have yet, and commit once DSSB has them for certain."""
    get_run_logger().info("%d rows written", await work.mirror(target, insert_datetime, applied))


@task(**LONG)
@sealed
async def fetch_outbox(work: Work, day: LedgerDay) -> list[Rows]:
    """Read from DSSB what an earlier run wrote there."""
    assert day.insert_datetime is not None, "a day that is applied was planned"
    return await work.outbox(day.insert_datetime)


@task(**LONG)
@sealed
async def reconcile(work: Work, day: LedgerDay) -> tuple[outcome.Counts, tuple[TableState, ...]]:
    """Count the day's rows in all three tables, compare, and call the day completed.

    Raises:
        NotReconciled: they do not hold what was planned.
    """
    assert day.insert_datetime is not None, "a day that is applied was planned"
    counts = await work.counts(day.insert_datetime)
    tables = outcome.tables(day, counts, work.names)
    rules.check_reconciled([*tables, *outcome.unlike(counts, work.names[2])])
    await work.ledger.complete(day.business_date, now())
    return counts, tables


@task(**PATIENT)
@sealed
async def fetch_theories(work: Work, campaign_ids: Sequence[str]) -> list[Theory]:
    """Read the names of a day's campaigns from the registry."""
    async with database.session(DSSB) as session:
        found = await session.execute(statements.theories_named(work.dssb, campaign_ids))
        return rows.theories(found.mappings())[0]


@task(**PATIENT)
async def send(message: EmailMessage) -> None:
    """Mail it to the campaigns' people."""
    await mail.send(message, PEOPLE)


@task(**PATIENT)
@sealed
async def fetch_day(work: Work, day: date) -> LedgerDay | None:
    """Read how far a day has come."""
    return await work.ledger.day(day)


@task(**PATIENT)
@sealed
async def fetch_days(work: Work, since: date, until: date) -> list[LedgerDay]:
    """Read the days in between from the ledger, latest first."""
    return await work.ledger.days(since, until)


@task(**PATIENT)
@sealed
async def fetch_open_days(work: Work, besides: date) -> list[date]:
    """Read what earlier runs left: written and not finished, or not told; a skip of `besides` is tried anew."""
    return await work.ledger.open_days(besides)


@task(**PATIENT)
@sealed
async def record_skip(work: Work, found: Skipped, names: tuple[str, str]) -> None:
    """Write down that the day has nothing to distribute."""
    await work.ledger.skip(found, now(), names)


@task(**PATIENT)
@sealed
async def record_mailed(work: Work, day: date) -> None:
    """Write down that the day is told."""
    await work.ledger.mailed(day, now())


@task(**PATIENT)
async def was_told(flow: str, message: str) -> bool:
    """Tell whether a run has failed with this very message within the hour, and it was mailed."""
    return await failures.was_told(flow, message)


@task(**PATIENT)
async def record_told(run_id: UUID) -> None:
    """Mark the run as one whose failure was mailed."""
    await failures.record_told(run_id)
