"""What rows of DSSB mean, and what becomes of a plan in the ledger's row. Pure."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import date, datetime
from typing import Any
from uuid import UUID

from flows.distribution.cohort import Plan
from flows.distribution.days import LedgerDay, Result, TableState
from flows.distribution.models import Campaign, Check, Group, Numbers, Share, Status, Theory

Row = Mapping[Any, Any]
"""A row as SQLAlchemy gives it, by the columns' names."""

Counts = tuple[Mapping[str, int], Mapping[str, int], Mapping[str, int]]
"""Rows of a day by theory id: control, target, mirror."""

COUNTS = ("users_a", "users_b", "users_c", "users_d", "users_e")
CHECKS_MAX = 4000


def day(row: Row) -> LedgerDay:
    """Return the ledger's day; a row that was only begun has no numbers."""
    a, b, c, d, e = (int(row[name] or 0) for name in COUNTS)
    return LedgerDay(
        business_date=row["business_date"],
        run_id=UUID(row["run_id"]),
        status=Status(row["status"]),
        count_day=int(row["count_day"]),
        seed=row["seed"] or "",
        digest=row["cohort_digest"] or "",
        numbers=_numbers(row),
        counts=(a, b, c, d, e),
        checks=tuple(Check(**check) for check in json.loads(row["checks"] or "[]")),
        requested_by=row["requested_by"] or "",
        approved_by=row["approved_by"] or "",
        **{name: row[name] for name in ("insert_datetime", *(f"{step}_at" for step in STEPS))},
    )


STEPS = ("planned", "applied", "completed", "mailed")
_NUMBERS = {
    "read": "rows_read",
    "blank": "rows_blank",
    "duplicates": "rows_duplicate",
    "excluded": "users_excluded",
    "malformed": "users_malformed",
    "distributed": "users",
}


def _numbers(row: Row) -> Numbers:
    return Numbers(**{field: int(row[column] or 0) for field, column in _NUMBERS.items()})


def planned(plan: Plan, insert_datetime: datetime, now: datetime, names: tuple[str, str]) -> dict[str, Any]:
    """Return the ledger's columns for a plan."""
    numbers = asdict(plan.numbers)
    counts = (sum(len(block) for block in plan.blocks if block.group is group) for group in Group)
    return {
        "status": Status.PLANNED.value,
        "remainder": plan.wish.remainder.value,
        "campaign_ids": ",".join(share.campaign.id for share in plan.shares),
        "seed": plan.seed,
        "cohort_digest": plan.cohort.digest,
        **{column: numbers[field] for field, column in _NUMBERS.items()},
        **dict(zip(COUNTS, counts, strict=True)),
        "insert_datetime": insert_datetime,
        "checks": _checks(plan.checks),
        "requested_by": names[0],
        "approved_by": names[1],
        "planned_at": now,
        "mailed_at": None,
    }


def _checks(checks: tuple[Check, ...]) -> str:
    """All of them; where that is too long for the column, only those that warn."""
    told = json.dumps([asdict(check) for check in checks])
    if len(told) <= CHECKS_MAX:
        return told
    warnings = [asdict(check) for check in checks if not check.ok]
    while len(json.dumps(warnings)) > CHECKS_MAX:
        warnings.pop()
    return json.dumps(warnings)


def theory(row: Row) -> Theory:
    """Return a registry row; the bank's dates are midnights."""
    start, end = row["theory_start_date"], row["theory_end_date"]
    return Theory(row["theory_id"], row["theory_name"] or "", start.date(), end.date())


def tables(day: LedgerDay, counts: Counts, names: tuple[str, str, str]) -> tuple[TableState, ...]:
    """Return the state of control, target and mirror; `names` as people know them."""
    control, target, mirror = counts
    told = zip(("DSSB", "DSSB", "SPSS"), names, (control, target, mirror), strict=True)
    wanted = (day.counts[0], sum(day.counts[1:]), sum(day.counts[1:]))
    return tuple(
        TableState(database, name, sum(rows.values()), expected)
        for (database, name, rows), expected in zip(told, wanted, strict=True)
    )


def unlike(counts: Counts, mirror_name: str) -> tuple[TableState, ...]:
    """Return the groups that are not mirrored row for row, as parts of the mirror."""
    _, target, mirror = counts
    both = ((id_, mirror.get(id_, 0), target.get(id_, 0)) for id_ in sorted({*target, *mirror}))
    return tuple(
        TableState("SPSS", f"{mirror_name} ({id_})", rows, expected)
        for id_, rows, expected in both
        if rows != expected
    )


def result(
    day: LedgerDay,
    counts: Counts,
    theories: Iterable[Theory],
    states: tuple[TableState, ...],
    *,
    was_resumed: bool,
) -> Result:
    """Return what a finished day came to: the ledger's word and the tables' own counts."""
    assert day.insert_datetime is not None, "a day that is finished was planned"
    began, ended = day.planned_at or day.insert_datetime, day.completed_at or day.insert_datetime
    return Result(
        business_date=day.business_date,
        run_id=day.run_id,
        count_day=day.count_day,
        shares=shares(counts, theories),
        numbers=day.numbers,
        insert_datetime=day.insert_datetime,
        tables=states,
        checks=day.checks,
        was_resumed=was_resumed,
        requested_by=day.requested_by,
        approved_by=day.approved_by,
        took_s=(ended - began).total_seconds(),
    )


def shares(counts: Counts, theories: Iterable[Theory]) -> tuple[Share, ...]:
    """Return what each campaign got, as the databases have it."""
    control, target, _ = counts
    written = {**control, **target}
    known = {theory.theory_id: theory for theory in theories}
    found = []
    for base in sorted({id_.rpartition(".")[0] for id_ in written}):
        ids = [f"{base}.{group:d}" for group in Group]
        a, b, c, d, e = (written.get(id_, 0) for id_ in ids)
        found.append(Share(_campaign(base, [known[id_] for id_ in ids if id_ in known]), (a, b, c, d, e)))
    return tuple(found)


def _campaign(base: str, rows: list[Theory]) -> Campaign:
    """A campaign that the registry does not know any more keeps its id."""
    if not rows:
        return Campaign(base, "", date.min, date.min)
    return Campaign(base, rows[0].name, min(row.start for row in rows), max(row.end for row in rows))
