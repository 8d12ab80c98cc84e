"""Every statement that distribution sends, built for both databases. Pure.

No clock, no vendor's function, no literal: what varies is bound. Blanks at the end are taken off ids and IINs,
for a CHAR column adds them, and Oracle compares them with what we bind. tests/distribution/test_sql.py compiles each
of them for Oracle and lets a PL/SQL grammar read it.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Insert,
    Select,
    String,
    Table,
    Update,
    and_,
    func,
    insert,
    or_,
    select,
    update,
)

from flows.distribution.models import Group, Status
from flows.distribution.tables import Dssb, Spss

KIND = "daily"
TABS = tuple(f"tab{number}" for number in range(1, 6))


def midnight(day: date) -> datetime:
    return datetime.combine(day, time())


def _bare(table: Table, name: str = "theory_id") -> ColumnElement[str]:
    return func.rtrim(table.c[name], type_=String())


def _groups(campaign_ids: Sequence[str]) -> list[str]:
    return [f"{base}.{group:d}" for base in campaign_ids for group in Group]


def theories(dssb: Dssb, day: date) -> Select[Any]:
    """Registry rows that run on `day`, first and last calendar day included, or do not say when they do."""
    start, end = dssb.theories.c.theory_start_date, dssb.theories.c.theory_end_date
    return (
        select(dssb.theories)
        .where(or_(start < midnight(day + timedelta(days=1)), start.is_(None)))
        .where(or_(end >= midnight(day), end.is_(None)))
        .order_by(dssb.theories.c.theory_id)
    )


def theories_named(dssb: Dssb, campaign_ids: Sequence[str]) -> Select[Any]:
    """Registry rows of these campaigns; two lists, for Oracle lets each have 1,000 values."""
    theory_id = _bare(dssb.theories)
    return select(dssb.theories).where(or_(theory_id.in_(campaign_ids), theory_id.in_(_groups(campaign_ids))))


def users(spss: Spss, count_day: int) -> Select[tuple[str]]:
    """The day's users, duplicates and blanks included."""
    return select(spss.source.c.iin).where(spss.source.c.count_day == count_day)


def assigned(table: Table, campaign_ids: Sequence[str], active_on: date | None) -> Select[tuple[str]]:
    """Users with a row of one of these campaigns, whose key is taken, or with any that is active on that day."""
    is_taken = _bare(table).in_(_groups(campaign_ids))
    if active_on is None:
        return select(table.c.iin).where(is_taken)
    return select(table.c.iin).where(or_(table.c.date_end >= midnight(active_on), is_taken))


def tabs(table: Table, campaign_ids: Sequence[str]) -> Select[Any]:
    """TAB1-TAB5 of the latest row of each group."""
    theory_id = _bare(table)
    latest = func.row_number().over(
        partition_by=theory_id, order_by=(table.c.insert_datetime.desc(), table.c.iin)
    )
    columns = [theory_id.label("theory_id"), *(table.c[name] for name in TABS), latest.label("place")]
    ranked = select(*columns).where(theory_id.in_(_groups(campaign_ids))).subquery()
    return select(*(ranked.c[name] for name in ("theory_id", *TABS))).where(ranked.c.place == 1)


def counts(table: Table, insert_datetime: datetime) -> Select[Any]:
    """Rows of one run by group."""
    theory_id = _bare(table)
    return (
        select(theory_id.label("theory_id"), func.count().label("users"))
        .where(table.c.insert_datetime == insert_datetime)
        .group_by(theory_id)
    )


def any_row(table: Table, insert_datetime: datetime) -> Select[Any]:
    """Tell whether a moment is already somebody's INSERT_DATETIME."""
    return select(func.count()).where(table.c.insert_datetime == insert_datetime)


def outbox(table: Table, insert_datetime: datetime) -> Select[Any]:
    """What rows of one run have in common; a group has several of these where somebody changed some rows."""
    columns = [table.c[name] for name in ("date_start", "date_end", *TABS)]
    return (
        select(_bare(table).label("theory_id"), *columns)
        .where(table.c.insert_datetime == insert_datetime)
        .distinct()
    )


def members(table: Table, insert_datetime: datetime, shared: Mapping[str, Any]) -> Select[tuple[str]]:
    """The users of one run whose rows have these values, NULLs included; `theory_id` is one of them."""
    columns = {**table.c, "theory_id": _bare(table)}
    return (
        select(_bare(table, "iin"))
        .where(table.c.insert_datetime == insert_datetime)
        .where(*(columns[name] == value for name, value in shared.items()))
    )


def fence(dssb: Dssb) -> Select[Any]:
    """Lock the fence's row, or be told at once that somebody has it."""
    return select(dssb.fence.c.kind).where(dssb.fence.c.kind == KIND).with_for_update(nowait=True)


def day(dssb: Dssb, business_date: date) -> Select[Any]:
    """The ledger's row of a day."""
    return select(dssb.run).where(dssb.run.c.business_date == business_date).where(dssb.run.c.kind == KIND)


def days(dssb: Dssb, since: date, until: date) -> Select[Any]:
    """The ledger's rows from `since` until `until`, both included, latest first."""
    run = dssb.run.c
    return (
        select(dssb.run)
        .where(run.kind == KIND, run.business_date >= since, run.business_date <= until)
        .order_by(run.business_date.desc())
    )


def past(dssb: Dssb, since: date, until: date) -> Select[Any]:
    """The numbers of the days that were distributed from `since` until `until`, both included, latest first."""
    run = dssb.run.c
    groups = (run.users_a, run.users_b, run.users_c, run.users_d, run.users_e)
    return (
        select(run.business_date, run.users, run.cohort_digest, *groups)
        .where(run.kind == KIND, run.business_date >= since, run.business_date <= until, run.users > 0)
        .where(run.status.in_([Status.APPLIED.value, Status.COMPLETED.value]))
        .order_by(run.business_date.desc())
    )


def open_days(dssb: Dssb, besides: date) -> Select[tuple[date]]:
    """Days that are written and not finished, or not told; but `besides`, if it was skipped, is tried anew."""
    run = dssb.run.c
    is_over = and_(run.status == Status.SKIPPED.value, run.business_date != besides)
    untold = and_(or_(run.status == Status.COMPLETED.value, is_over), run.mailed_at.is_(None))
    return (
        select(run.business_date)
        .where(run.kind == KIND, or_(run.status == Status.APPLIED.value, untold))
        .order_by(run.business_date)
    )


def begin(dssb: Dssb, values: dict[str, Any]) -> Insert:
    """A day's first row."""
    return insert(dssb.run).values(kind=KIND, **values)


def advance(dssb: Dssb, business_date: date, since: Sequence[Status], values: dict[str, Any]) -> Update:
    """Change a day's row, if it is in one of the states `since`."""
    run = dssb.run.c
    return (
        update(dssb.run)
        .where(run.business_date == business_date, run.kind == KIND)
        .where(run.status.in_([status.value for status in since]))
        .values(**values)
    )


def apply(dssb: Dssb, business_date: date, run_id: str, applied_at: datetime) -> Update:
    """Call a planned day applied, if it is still this run's."""
    mine = advance(
        dssb, business_date, [Status.PLANNED], {"status": Status.APPLIED.value, "applied_at": applied_at}
    )
    return mine.where(dssb.run.c.run_id == run_id)
