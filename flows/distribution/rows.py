"""What rows of DSSB mean, and what becomes of a plan in the ledger's row. Pure."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date, datetime
from typing import Any, TypeVar
from uuid import UUID

from flows.common.redaction import one_line
from flows.distribution.cohort import Plan
from flows.distribution.days import LedgerDay, PastDay, Skipped
from flows.distribution.models import NO_NUMBERS, Check, Group, Numbers, Status, Theory

Row = Mapping[Any, Any]
"""A row as SQLAlchemy gives it, by the columns' names."""

T = TypeVar("T")

COUNTS = ("users_a", "users_b", "users_c", "users_d", "users_e")
STEPS = ("planned", "applied", "completed", "mailed")
CHECKS_MAX = 4000
TOLD_MAX = (400, 200, 100, 50)  # characters of each check, the first that fits them all

_NUMBERS = {
    "read": "rows_read",
    "blank": "rows_blank",
    "duplicates": "rows_duplicate",
    "excluded": "users_excluded",
    "malformed": "users_malformed",
    "distributed": "users",
}


class LedgerRowWrong(ValueError):
    """The ledger's row of a day holds what no run of ours writes."""

    heals = False


def day(row: Row) -> LedgerDay:
    """Return the ledger's day; a row that was only begun has no numbers.

    Raises:
        LedgerRowWrong: somebody else wrote it.
    """
    ids = row["campaign_ids"]
    return LedgerDay(
        business_date=row["business_date"],
        run_id=_parsed(row, "run_id", UUID),
        status=_parsed(row, "status", Status),
        count_day=int(row["count_day"]),
        campaign_ids=tuple(ids.split(",")) if ids else (),
        seed=row["seed"] or "",
        digest=row["cohort_digest"] or "",
        numbers=Numbers(**{field: int(row[column] or 0) for field, column in _NUMBERS.items()}),
        counts=_counts(row),
        checks=_parsed(row, "checks", _read_checks),
        requested_by=row["requested_by"] or "",
        approved_by=row["approved_by"] or "",
        **{name: row[name] for name in ("insert_datetime", *(f"{step}_at" for step in STEPS))},
    )


def _parsed(row: Row, column: str, parse: Callable[[Any], T]) -> T:
    """The value itself is not told: whoever wrote it may have written anything."""
    try:
        return parse(row[column])
    except (AttributeError, TypeError, ValueError):
        raise LedgerRowWrong(
            f"sc_distribution_run, business_date {row['business_date']}: column {column} holds what no run of "
            "ours writes. Its owner corrects the row, or deletes it if the day was not ours."
        ) from None


def _counts(row: Row) -> tuple[int, int, int, int, int]:
    a, b, c, d, e = (int(row[name] or 0) for name in COUNTS)
    return a, b, c, d, e


def _read_checks(told: str | None) -> tuple[Check, ...]:
    return tuple(Check(**check) for check in json.loads(told or "[]"))


def past_day(row: Row) -> PastDay:
    """Return what the quality checks look back on."""
    return PastDay(row["business_date"], int(row["users"]), row["cohort_digest"] or "", _counts(row))


def planned(plan: Plan, insert_datetime: datetime, now: datetime, names: tuple[str, str]) -> dict[str, Any]:
    """Return the ledger's columns for a plan."""
    counts = (sum(len(block) for block in plan.blocks if block.group is group) for group in Group)
    return {
        "count_day": plan.wish.count_day,
        "remainder": plan.wish.remainder.value,
        "campaign_ids": ",".join(share.campaign.id for share in plan.shares),
        "seed": plan.seed,
        "cohort_digest": plan.cohort.digest,
        **dict(zip(COUNTS, counts, strict=True)),
        "insert_datetime": insert_datetime,
        **_begun(Status.PLANNED, plan.numbers, plan.checks, now, names),
    }


def skipped(found: Skipped, now: datetime, names: tuple[str, str]) -> dict[str, Any]:
    """Return the ledger's columns for a day without anything to do; nothing of an earlier plan stays there."""
    of_a_plan = ("remainder", "seed", "cohort_digest", *COUNTS, "insert_datetime")
    return {
        "count_day": found.count_day,
        "campaign_ids": ",".join(campaign.id for campaign in found.campaigns) or None,
        **dict.fromkeys(of_a_plan),
        **_begun(Status.SKIPPED, found.numbers or NO_NUMBERS, found.checks, now, names),
    }


def _begun(
    status: Status, numbers: Numbers, checks: Sequence[Check], now: datetime, names: tuple[str, str]
) -> dict[str, Any]:
    known = asdict(numbers)
    return {
        "status": status.value,
        **{column: known[field] for field, column in _NUMBERS.items()},
        "checks": _as_json(checks),
        "requested_by": names[0],
        "approved_by": names[1],
        "planned_at": now,
        "mailed_at": None,
    }


def _as_json(checks: Sequence[Check]) -> str:
    """All of them, each in as few words as the column asks for."""
    shorter = (
        json.dumps([asdict(replace(check, told=one_line(check.told, limit))) for check in checks])
        for limit in TOLD_MAX
    )
    return next(told for told in shorter if len(told) <= CHECKS_MAX)


def theories(found: Iterable[Row]) -> tuple[list[Theory], list[str]]:
    """Return the registry's rows, and what to call those that have no id or no dates."""
    whole, blank = [], []
    for row in found:
        id_, start, end = row["theory_id"], row["theory_start_date"], row["theory_end_date"]
        if id_ is None or start is None or end is None:
            blank.append("a row without an id" if id_ is None else id_.strip())
        else:
            whole.append(Theory(id_.strip(), row["theory_name"] or "", _day(start), _day(end)))
    return whole, blank


def _day(value: date) -> date:
    """The bank's dates are midnights; PostgreSQL has a type for days alone."""
    return value.date() if isinstance(value, datetime) else value
