"""What people read of pop: models -> Markdown. Pure."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta

from flows.common.chart import Series, picture
from flows.pop.day import Day
from flows.pop.models import Bin, Plan, Slot, Summary, Wish

BINS = 48


def plan(plan: Plan, wish: Wish) -> str:
    """Return the plan as a person checks it before anything is sent."""
    kind = "a trial: it does not count as the day's run" if wish.is_trial else "everybody"
    return f"""# Pop's plan for {plan.day}: {len(plan.queue):,} accounts

| | |
|--|--|
| scope | {kind} |
| already served today | {plan.served_before:,} |
| to serve | {len(plan.queue):,} |
| the window has room for | {plan.fits:,} |
| window | {plan.now_utc:%H:%M:%S} to {plan.end_utc:%H:%M:%S} UTC |
| distance between starts | {plan.gap_s:.3f} s (never below {wish.min_gap_s} s) |
| expected end | {plan.expected_end_utc:%H:%M:%S} UTC |
| pops for each account | {plan.count} |
| connections at once | at most {wish.max_in_flight} |
| rows dropped (duplicates, no address) | {plan.dropped:,} |
"""


def slot_line(slot: Slot, day: Day) -> str:
    """Return one log line: where the day stands at the end of a slot."""
    gap = "none yet" if day.smallest_gap_s is None else f"{day.smallest_gap_s:.3f} s"
    tally = {str(outcome): number for outcome, number in day.attempts.items()}
    return f"{slot}: {day.served} served so far, {day.left} left, smallest gap {gap}; {_tally(tally)}"


def since(plan: Plan, wish: Wish) -> datetime:
    """Return where the picture begins: the whole day, earlier runs included, or this trial alone."""
    return plan.now_utc if wish.is_trial else datetime.combine(plan.day, time(), UTC)


def bin_width(plan: Plan, since_utc: datetime) -> timedelta:
    """Return the width of the picture's bars: whole seconds, `BINS` of them over the window."""
    return timedelta(seconds=max(1, round((plan.end_utc - since_utc).total_seconds() / BINS)))


def summary(
    summary: Summary,
    plan: Plan,
    bins: Sequence[Bin],
    reasons: Sequence[tuple[str, str, int]],
    width: timedelta,
) -> str:
    """Return the run's report: one sentence, one table, one picture, and why attempts failed."""
    gap = "–" if summary.smallest_gap_s is None else f"{summary.smallest_gap_s:.3f} s"
    return f"""# Pop on {summary.day}: {summary.served + summary.served_before:,} accounts served

{_sentence(summary)}

| | |
|--|--|
| served by this run | {summary.served:,} |
| served earlier today | {summary.served_before:,} |
| not served | {summary.unserved:,} |
| connections | {_tally(summary.attempts)} |
| smallest distance between starts | {gap} |
| window | {plan.now_utc:%H:%M:%S} to {plan.end_utc:%H:%M:%S} UTC |

## The day's course

{_picture(bins, width)}

{_reasons(reasons)}"""


def _sentence(summary: Summary) -> str:
    if not summary.planned:
        return "Everybody was served before this run."
    if not summary.unserved:
        return "Everybody of the plan was served."
    return f"{summary.unserved:,} of {summary.planned:,} were not served; tomorrow they are first."


def _tally(attempts: Mapping[str, int]) -> str:
    names = {"exhausted": "served, quota used up"}
    parts = (f"{number:,} {names.get(outcome, outcome)}" for outcome, number in sorted(attempts.items()))
    return ", ".join(parts) or "none"


def _picture(bins: Sequence[Bin], width: timedelta) -> str:
    if not bins:
        return "Nothing was sent."
    by_start = {one.start_utc: one for one in bins}
    first, last = min(by_start), max(by_start)
    empty = [first + width * place for place in range((last - first) // width + 1)]
    course = [by_start.get(start, Bin(start, 0, 0, 0, None, None)) for start in empty]
    form = "%H:%M" if width >= timedelta(minutes=5) else "%H:%M:%S"
    bars = [
        Series("served", "#16a34a", [one.served for one in course]),
        Series("rejected (overwhelmed)", "#f59e0b", [one.rejected for one in course]),
        Series("bad reply or refused", "#dc2626", [one.failed for one in course]),
    ]
    line = Series("smallest gap, s", "#2563eb", [one.smallest_gap_s for one in course])
    return picture(
        "attempts and gaps over the day", [f"{one.start_utc:{form}}" for one in course], bars, line
    )


def _reasons(reasons: Sequence[tuple[str, str, int]]) -> str:
    if not reasons:
        return ""
    rows = "\n".join(f"| {outcome} | {reason} | {attempts:,} |" for outcome, reason, attempts in reasons)
    return f"## Why attempts failed today\n\n| outcome | reason | attempts |\n|--|--|--|\n{rows}\n"
