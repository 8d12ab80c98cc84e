"""What people read of distribution in the UI and in the log: models -> Markdown, tables, lines. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from flows.common.chart import Series, picture
from flows.distribution import account, frames
from flows.distribution.cohort import Plan
from flows.distribution.days import LedgerDay, Result, Skipped, Trouble
from flows.distribution.models import Check, Group, Numbers, Share
from flows.distribution.picture import COLOURS, split

DAYS = 14
WORDS = "DAILY USER DISTRIBUTION"
STARTED = f"🚀 STARTING {WORDS} PROCESS"


def ended(told: Mapping[str, Any]) -> str:
    """Return the log's last line for an account of the day; people search for its beginning."""
    day = f"{WORDS} of {told['business_date']}"
    if told["status"] == "skipped":
        return f"⏭️ Process skipped: {told.get('reason', 'nothing to do')} ({day})"
    return f"✅ Process completed successfully! ({day}: {told['users']:,} users)"


def failed(trouble: Trouble) -> str:
    """Return the log's last line for a run that failed; people search for its beginning."""
    day = f"{WORDS} of {trouble.business_date}"
    return f"❌ Process failed: {trouble.stage}: {account.shown(trouble.error, 400)} ({day})"


def preview(found: Plan | Skipped, told: Mapping[str, Any] | None = None) -> str:
    """Return the day as it would be written; `told` is the same for programs, and shown as JSON."""
    wish = found.wish if isinstance(found, Plan) else found
    beginning = f"# Preview of {wish.business_date}"
    note = [told["note"]] if told else ["Nothing was written."]
    if isinstance(found, Skipped):
        return "\n\n".join([f"{beginning}: nothing to distribute", *note, *_skipped(found), *_json(told)])
    return "\n\n".join(
        [
            f"{beginning}: {found.users:,} users over {_campaigns(found.shares)}",
            *note,
            _numbers(wish.count_day, found.numbers),
            *_split(found.shares),
            *_checks(found.checks),
            *_json(told),
        ]
    )


def preview_table(found: Plan | Skipped) -> frames.Rows:
    """Return the split as rows of a table: campaigns by groups, the last row for all."""
    if isinstance(found, Plan):
        return frames.split(found.shares)
    return frames.split([Share(campaign, (0, 0, 0, 0, 0)) for campaign in found.campaigns])


def result(result: Result) -> str:
    """Return the report of a finished day: what was written, where, and whether it is as it shall be."""
    title = (
        f"# Distribution on {result.business_date}: {result.users:,} users over {_campaigns(result.shares)}"
    )
    tables = [
        {"database": one.database, "table": one.table, "rows": one.rows, "expected": one.expected,
         "": "ok" if one.ok else "DIFFERS"}
        for one in result.tables
    ]  # fmt: skip
    return "\n\n".join(
        [
            title,
            _course(result),
            "## Databases",
            frames.markdown(tables),
            *_split(result.shares),
            *_checks(result.checks),
            "## Users",
            _numbers(result.count_day, result.numbers),
        ]
    )


def status(days: Iterable[LedgerDay], today: date, next_runs: Sequence[datetime] = ()) -> str:
    """Return the last days as the ledger has them, and when it goes on; times are Almaty's."""
    known = {day.business_date: day for day in days}
    dates = [today - timedelta(days=before) for before in range(DAYS)]
    told = known.get(today)
    state = f"{told.status}, {told.numbers.distributed:,} users" if told else "nothing in the ledger"
    parts = [f"# Distribution's last {DAYS} days", f"Today, {today}: {state}."]
    if next_runs:
        parts.append(f"Next runs: {', '.join(f'{run:%Y-%m-%d %H:%M}' for run in next_runs)} (Asia/Almaty).")
    course = _course_of([(each, known.get(each)) for each in reversed(dates)])
    return "\n\n".join([*parts, *course, frames.markdown(frames.days(known.values(), dates))])


def _skipped(found: Skipped) -> list[str]:
    why = f"{account.NOTES[found.reason]} Nothing was written. (`{found.reason}`)"
    campaigns = [
        {"campaign": one.id, "name": one.name, "from": f"{one.start}", "to": f"{one.end}"}
        for one in found.campaigns
    ]
    return [
        why,
        *([frames.markdown(campaigns)] if campaigns else []),
        *([_numbers(found.count_day, found.numbers)] if found.numbers else []),
        *_checks(found.checks),
    ]


def _campaigns(shares: Sequence[Share]) -> str:
    return f"{len(shares)} campaign{'' if len(shares) == 1 else 's'}"


def _course(result: Result) -> str:
    facts = {
        "written": f"{result.insert_datetime:%Y-%m-%d %H:%M:%S} (Asia/Almaty)",
        "took": f"{result.took_s:.1f} s" if result.took_s else "",
        "resumed": "this run finished what an earlier one left" if result.was_resumed else "",
        "by hand": frames.by_hand(result.requested_by, result.approved_by),
        "run": result.run_id,
    }
    return _facts({name: value for name, value in facts.items() if value})


def _numbers(count_day: int, numbers: Numbers) -> str:
    return _facts(
        {
            f"rows in SPSS with COUNT_DAY = {count_day}": numbers.read,
            "of these without an IIN": numbers.blank,
            "duplicates": numbers.duplicates,
            "left out, assigned already": numbers.excluded,
            "distributed": numbers.distributed,
            "of these with an IIN that is not 12 digits": numbers.malformed,
        }
    )


def _facts(facts: Mapping[str, Any]) -> str:
    return frames.markdown([{"": name, " ": value} for name, value in facts.items()])


def _split(shares: Sequence[Share]) -> list[str]:
    table = frames.markdown(frames.split(shares))
    return [part for part in ("## Campaigns and groups", split(shares), table) if part]


def _checks(checks: Sequence[Check]) -> list[str]:
    rows = [
        {"": "ok" if one["ok"] else "WARNING", "check": one["name"], "found": one["told"],
         "p": frames.NOTHING if one["p"] is None else f"{one['p']:.3g}"}
        for one in account.checks(checks)
    ]  # fmt: skip
    return ["## Quality checks", frames.markdown(rows)] if rows else []


def _json(told: Mapping[str, Any] | None) -> list[str]:
    return ["## For programs", f"```json\n{account.as_json(dict(told))}```"] if told else []


def _course_of(days: Sequence[tuple[date, LedgerDay | None]]) -> list[str]:
    """Return the picture of users per day and of the control group's part, if there were users."""
    counts = [day.counts if day else (0,) * len(Group) for _, day in days]
    if not any(map(sum, counts)):
        return []
    bars = [
        Series(f"group {group.name}", colour, [each[group - 1] for each in counts])
        for group, colour in COLOURS.items()
    ]
    parts = [100 * each[0] / sum(each) if any(each) else None for each in counts]
    line = Series("control group, %", "#334155", parts)
    return [picture("users per day and group", [f"{each:%m-%d}" for each, _ in days], bars, line)]
