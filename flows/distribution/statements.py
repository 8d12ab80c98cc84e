"""Every statement that distribution sends, built for both databases. Pure.

No clock, no vendor's function, no literal: what varies is bound. tests/distribution/test_sql.py compiles each
of them for Oracle and lets a PL/SQL grammar read it.
"""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Insert, Select, Table, Update, and_, func, insert, or_, select, update

from flows.distribution.models import Status
from flows.distribution.tables import Dssb, Spss

KIND = "daily"
TABS = tuple(f"tab{number}" for number in range(1, 6))


def midnight(day: date) -> datetime:
    return datetime.combine(day, time())


def theories(dssb: Dssb, day: date) -> Select[Any]:
    """Registry rows that run on `day`: from their first calendar day to their last, both included."""
    columns = dssb.theories.c
    return (
        select(columns.theory_id, columns.theory_name, columns.theory_start_date, columns.theory_end_date)
        .where(columns.theory_start_date < midnight(day + timedelta(days=1)))
        .where(columns.theory_end_date >= midnight(day))
        .order_by(columns.theory_id)
    )


def theories_named(dssb: Dssb, theory_ids: Sequence[str]) -> Select[Any]:
    """Registry rows by their ids."""
    columns = dssb.theories.c
    return select(
        columns.theory_id, columns.theory_name, columns.theory_start_date, columns.theory_end_date
    ).where(columns.theory_id.in_(theory_ids))


def users(spss: Spss, count_day: int) -> Select[tuple[str]]:
    """The day's users, duplicates and blanks included."""
    return select(spss.source.c.iin).where(spss.source.c.count_day == count_day)


def assigned(table: Table, day: date) -> Select[tuple[str]]:
    """Users with an assignment that is still active on `day`."""
    return select(table.c.iin).where(table.c.date_end >= midnight(day))


def tabs(table: Table, theory_ids: Sequence[str]) -> Select[Any]:
    """TAB1-TAB5 of the latest row of each group."""
    latest = func.row_number().over(
        partition_by=table.c.theory_id, order_by=(table.c.insert_datetime.desc(), table.c.iin)
    )
    columns = [table.c[name] for name in ("theory_id", *TABS)]
    ranked = select(*columns, latest.label("place")).where(table.c.theory_id.in_(theory_ids)).subquery()
    return select(*(ranked.c[name] for name in ("theory_id", *TABS))).where(ranked.c.place == 1)


def counts(table: Table, insert_datetime: datetime) -> Select[Any]:
    """Rows of one run by group."""
    return (
        select(table.c.theory_id, func.count().label("users"))
        .where(table.c.insert_datetime == insert_datetime)
        .group_by(table.c.theory_id)
    )


def any_row(table: Table, insert_datetime: datetime) -> Select[Any]:
    """Tell whether a moment is already somebody's INSERT_DATETIME."""
    return select(func.count()).where(table.c.insert_datetime == insert_datetime)


def outbox(table: Table, insert_datetime: datetime) -> Select[Any]:
    """What the rows of one run have in common, by group."""
    columns = [table.c[name] for name in ("theory_id", "date_start", "date_end", *TABS)]
    return select(*columns).where(table.c.insert_datetime == insert_datetime).distinct()


def members(table: Table, theory_id: str, insert_datetime: datetime) -> Select[tuple[str]]:
    """The users of one group in one run."""
    return select(table.c.iin).where(
        and_(table.c.theory_id == theory_id, table.c.insert_datetime == insert_datetime)
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


def open_days(dssb: Dssb) -> Select[Any]:
    """Days that are written and not finished, or finished and not told."""
    run = dssb.run.c
    untold = and_(run.status == Status.COMPLETED.value, run.mailed_at.is_(None))
    return (
        select(dssb.run)
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
