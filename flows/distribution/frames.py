"""The tables that people read, put together by pandas: shares or the ledger's days -> rows -> Markdown. Pure.

pandas takes a second to import: only the functions that need it do.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from flows.distribution import account
from flows.distribution.days import LedgerDay
from flows.distribution.models import Group, Share

Rows = list[dict[str, Any]]

NOTHING = "–"
GROUPS = [group.name for group in Group]
NUMBERS = ["total", *GROUPS, "control", "target"]
_MARKUP = re.compile(r"([\\`*_\[\]<>|~&])")


def split(shares: Sequence[Share]) -> Rows:
    """Return campaigns by groups: a row for each campaign, and a last one for all."""
    import pandas as pd  # type: ignore[import-untyped]  # noqa: PLC0415

    columns = ["campaign", "name", *NUMBERS, "from", "to"]
    campaigns = pd.DataFrame([_campaign(one) for one in account.campaigns(shares)], columns=columns)
    total = campaigns[NUMBERS].sum().to_frame().T.assign(campaign="all", name="", **{"from": "", "to": ""})
    return _rows(pd.concat([campaigns, total], ignore_index=True).astype(dict.fromkeys(NUMBERS, int)))


def _campaign(one: dict[str, Any]) -> dict[str, Any]:
    first, last = (str(one[end] or NOTHING) for end in ("start", "end"))
    about = {"campaign": one["id"], "name": one["name"], "from": first, "to": last}
    return {**about, **one["groups"], **{name: one[name] for name in ("control", "target", "total")}}


def days(ledger: Iterable[LedgerDay], dates: Sequence[date]) -> Rows:
    """Return a row for each of `dates`; one that the ledger does not have is a row too."""
    import pandas as pd  # noqa: PLC0415

    known = pd.DataFrame([_day(day) for day in ledger], columns=["day", *_DAY], dtype=object)
    wanted = pd.Index(dates, name="day", dtype=object)
    return _rows(known.set_index("day").reindex(wanted, fill_value=NOTHING).reset_index())


_DAY = ("status", "users", *GROUPS, "mailed", "control share", "by hand", "written", "completed", "run")


def _day(day: LedgerDay) -> dict[str, Any]:
    users = day.numbers.distributed
    return {
        "day": day.business_date,
        "status": day.status.value,
        "users": users,
        **dict(zip(GROUPS, day.counts, strict=True)),
        "mailed": _time(day.mailed_at),
        "control share": f"{day.counts[0] / users:.1%}" if users else NOTHING,
        "by hand": by_hand(day.requested_by, day.approved_by) or NOTHING,
        "written": _time(day.insert_datetime),
        "completed": _time(day.completed_at),
        "run": day.run_id,
    }


def _time(moment: datetime | None) -> str:
    return f"{moment:%m-%d %H:%M}" if moment else NOTHING


def by_hand(requested_by: str, approved_by: str) -> str:
    """Return who is behind a run by hand; empty for a scheduled one."""
    names = [account.shown(name) or "nobody" for name in (requested_by, approved_by)]
    if not (requested_by or approved_by):
        return ""
    return f"asked for by {names[0]}, approved by {names[1]} (recorded, not authenticated)"


def _rows(frame: Any) -> Rows:
    rows: Rows = frame.to_dict("records")
    return rows


def markdown(rows: Rows) -> str:
    """Return the rows as a Markdown table, numbers to the right; what they hold is text, never markup."""
    if not rows:
        return ""
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    head = [_MARKUP.sub(r"\\\1", name) for name in columns]
    sides = ["--:" if _are_numbers(values) else "--" for values in columns.values()]
    lines = [head, sides, *([_cell(value) for value in row.values()] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _are_numbers(values: Sequence[Any]) -> bool:
    known = [value for value in values if value != NOTHING]
    return bool(known) and all(isinstance(value, int) for value in known)


def _cell(value: Any) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return _MARKUP.sub(r"\\\1", account.shown(value) if isinstance(value, str) else str(value))
