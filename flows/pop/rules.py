"""Pop's decisions: facts -> Plan -> Summary. Pure.

Source  docs/pop.md, "Rules"
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta

from flows.pop.models import Facts, Outcome, Plan, Slot, Summary, Wish

# The last start of a day is this long before midnight UTC. The engine takes tomorrow's slot up to 10 s
# early and cancels tomorrow's run if today's still has it: see docs/decisions.md, "The end of a day".
DAY_END_MARGIN = timedelta(seconds=90)
SLOT = timedelta(minutes=15)
TRIAL_SLACK = timedelta(seconds=30)  # for a few failures
REFUSALS_MAX = 5


class WindowPast(ValueError):
    """window_end leaves no time to send."""


class NobodyToServe(RuntimeError):
    """The game's database has no marketing account."""


class GameRefusesUs(RuntimeError):
    """Five accounts in a row were refused: address, token or Origin are wrong."""

    heals = False


class NobodyAnswered(RuntimeError):
    """A whole pass over the accounts served nobody."""


def window_end(now_utc: datetime, wish: Wish) -> datetime:
    """Return when the window closes: as asked, else shortly before the next midnight UTC.

    A trial without a window of its own is short: somebody waits for it.

    Raises:
        WindowPast: the time asked for is past, or after today's last moment.
    """
    midnight_utc = datetime.combine(now_utc.date() + timedelta(days=1), time(), UTC)
    latest = midnight_utc - DAY_END_MARGIN
    end = latest
    if wish.window_end is not None:
        end = wish.window_end.replace(tzinfo=wish.window_end.tzinfo or UTC).astimezone(UTC)
    elif wish.limit is not None:
        end = min(latest, now_utc + TRIAL_SLACK + wish.limit * timedelta(seconds=wish.min_gap_s) * 2)
    if not now_utc < end <= latest:
        raise WindowPast(
            f"window_end {end:%Y-%m-%d %H:%M:%S} UTC must be after now ({now_utc:%H:%M:%S}) and not after "
            f"{latest:%Y-%m-%d %H:%M:%S} UTC, today's last moment: leave it empty for the whole day."
        )
    return end


def plan(facts: Facts, wish: Wish) -> Plan:
    """Decide who is served until when.

    Raises:
        WindowPast: there is no time left.
    """
    now_utc, day = facts.now_utc, facts.now_utc.date()
    if facts.day not in {None, day}:
        raise WindowPast(f"Midnight UTC passed while {facts.day} was being planned: start again for {day}.")
    end_utc = window_end(now_utc, wish)
    accounts = addresses(facts.accounts)
    queue = order(accounts, facts, day)[: wish.limit]
    window_s = (end_utc - now_utc).total_seconds()
    return Plan(
        day=day,
        now_utc=now_utc,
        end_utc=end_utc,
        queue=queue,
        served_before=sum(_is_served_on(facts, account, day) for account in accounts),
        dropped=len(facts.accounts) - len(accounts),
        fits=min(len(queue), int(window_s / wish.min_gap_s)),
        gap_s=max(wish.min_gap_s, window_s / (len(queue) + 1)),
        count=wish.count,
        refused=facts.refused,
    )


def addresses(rows: Sequence[str | None]) -> set[str]:
    """Return the distinct addresses; rows without one are dropped.

    Raises:
        NobodyToServe: there is none.

    >>> sorted(addresses(["0xb", "0xa", " ", None, "0xb"]))
    ['0xa', '0xb']
    """
    found = {stripped for row in rows if row and (stripped := row.strip())}
    if not found:
        raise NobodyToServe(
            "The game's database has no marketing account with an address: pop would be idle for a day. "
            "Ask its owner about pop.user, satisified_requirement = 'MARKETING_USER'."
        )
    return found


def order(accounts: set[str], facts: Facts, day: date) -> tuple[str, ...]:
    """Return the accounts not yet served today: never served first, then the longest ago.

    Those that the server refused last time come last: five of them at the head would end every run.
    Ties are broken by a hash that changes each day, so that nobody is always the one who does not fit.
    """
    left = (account for account in accounts if not _is_served_on(facts, account, day))
    never = datetime.min.replace(tzinfo=UTC)
    return tuple(
        sorted(
            left, key=lambda a: (a in facts.refused, facts.last_served_utc.get(a, never), _daily_hash(day, a))
        )
    )


def _is_served_on(facts: Facts, account: str, day: date) -> bool:
    served_utc = facts.last_served_utc.get(account)
    return served_utc is not None and served_utc.astimezone(UTC).date() == day


def _daily_hash(day: date, account: str) -> bytes:
    return hashlib.sha256(f"{day}|{account}".encode()).digest()


def slots(start_utc: datetime, end_utc: datetime) -> Iterator[Slot]:
    """Yield the quarters of an hour from `start_utc` to `end_utc`, the first and the last cut to fit."""
    midnight = datetime.combine(start_utc.date(), time(), UTC)
    while start_utc < end_utc:
        boundary = midnight + SLOT * ((start_utc - midnight) // SLOT + 1)
        yield Slot(start_utc, min(boundary, end_utc))
        start_utc = boundary


def check_refusals(in_a_row: int, reason: str) -> None:
    """Raise GameRefusesUs when the server refused so often in a row that it must be us."""
    if in_a_row >= REFUSALS_MAX:
        raise GameRefusesUs(
            f"The game server refused {in_a_row} accounts in a row ({reason}): address, token or Origin are "
            "wrong. Correct POP_GAME_* in .env and run `make apply`; the guard starts pop again."
        )


def is_duty_done(wish: Wish, left: int) -> bool:
    """Return whether the day needs no other run: everybody had their turn, or the day is over."""
    return not wish.is_trial and (left == 0 or wish.window_end is None)


def preview(plan: Plan) -> Summary:
    """Return what a dry run comes to: the plan's numbers, and nothing done."""
    return Summary(
        plan.day, len(plan.queue), plan.served_before, 0, len(plan.queue), {}, None, is_dry_run=True
    )


def summarise(plan: Plan, attempts: Counter[Outcome], smallest_gap_s: float | None) -> Summary:
    """Return what the run came to.

    Raises:
        NobodyAnswered: something was tried, and nobody was served all day.
    """
    served = sum(number for outcome, number in attempts.items() if outcome.is_served)
    if attempts and not served and not plan.served_before:
        raise NobodyAnswered(
            f"{attempts.total()} attempts, nobody served ({_count(attempts)}). Ask the game's operators "
            "whether their server is up; the guard starts pop again."
        )
    return Summary(
        day=plan.day,
        planned=len(plan.queue),
        served_before=plan.served_before,
        served=served,
        unserved=len(plan.queue) - served,
        attempts={str(outcome): number for outcome, number in attempts.items()},
        smallest_gap_s=smallest_gap_s,
    )


def _count(attempts: Counter[Outcome]) -> str:
    return ", ".join(f"{number} {outcome}" for outcome, number in attempts.most_common())
