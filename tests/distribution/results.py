"""Days as they may come to the letters and reports, with counts that fit together."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from flows.distribution import split
from flows.distribution.cohort import Block, Iins
from flows.distribution.days import Result, Skipped, TableState, Trouble
from flows.distribution.models import Campaign, Check, Group, Numbers, Remainder, Share, Skip, Stage

DAY = date(2030, 5, 5)
RUN_ID = UUID("0190c0de-aaaa-7bbb-8ccc-abcdefabcdef")
MOMENT = datetime(2030, 5, 5, 9, 0, 12)
NAMES = ("Мягкое напоминание", "Звонок оператора", "Скидка на пеню")
CHECKS = (
    Check("sample ratio", ok=True, told="A–E over 4 days: 120, 121, 121, 122, 124, p = 0.998", p=0.998),
    Check("volume", ok=True, told="166 users; the median of the last 7 days is 158"),
    Check("registry groups", ok=False, told="no active row for SC00000002.5"),
)


def campaign(place: int, name: str) -> Campaign:
    return Campaign(f"SC{place:08}", name, date(2030, 5, 1), date(2030, 5, 31))


def share(place: int, name: str, users: int) -> Share:
    """Give one more to each of the last groups."""
    base, spare = divmod(users, len(Group))
    a, b, c, d, e = (base + (place >= len(Group) - spare) for place in range(len(Group)))
    return Share(campaign(place, name), (a, b, c, d, e))


def shares(campaigns: int, users: int) -> tuple[Share, ...]:
    each = users // campaigns if campaigns else 0
    return tuple(share(place + 1, NAMES[place % len(NAMES)], each) for place in range(campaigns))


def result(parts: tuple[Share, ...], **other: Any) -> Result:
    """Return a finished day over these shares, whose tables hold what they shall."""
    control, target = sum(part.control for part in parts), sum(part.target for part in parts)
    tables = (
        TableState("DSSB", "dssb_app.sc_local_control", control, control),
        TableState("DSSB", "dssb_app.sc_local_target", target, target),
        TableState("SPSS", "spss.sc_theory_users", target, target),
    )
    users = control + target
    numbers = Numbers(read=users + 14, blank=3, duplicates=5, excluded=6, malformed=2, distributed=users)
    fields = {"count_day": 5, "numbers": numbers, "checks": CHECKS, "took_s": 2.41, **other}
    return Result(DAY, RUN_ID, shares=parts, insert_datetime=MOMENT, tables=tables, **fields)


def three(**other: Any) -> Result:
    """Return the day that everybody knows: 166 users over three campaigns."""
    parts = tuple(share(place, NAMES[place - 1], users) for place, users in ((1, 55), (2, 55), (3, 56)))
    return result(parts, **other)


def blocks(
    ranked: Iins, campaigns: Sequence[Campaign], policy: Remainder, day_ordinal: int = 0
) -> tuple[Block, ...]:
    """Return the whole split, as the flow's tasks put it together."""
    ranges = split.over_campaigns(ranked, campaigns, policy, day_ordinal)
    return tuple(block for part in ranges for block in split.over_groups(part, policy))


def skipped(reason: Skip = Skip.NO_CAMPAIGNS, **other: Any) -> Skipped:
    return Skipped(DAY, RUN_ID, 5, reason, **other)


def trouble(stage: Stage = Stage.MIRRORING, *, is_expected: bool = True, **other: Any) -> Trouble:
    error = "spss-db: nobody answers at 10.0.0.7:1521 (ORA-12541)"
    return Trouble(DAY, RUN_ID, stage, **{"error": error, "is_expected": is_expected, **other})
