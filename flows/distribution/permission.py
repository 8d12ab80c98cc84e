"""Which days may be run, and by whom: asked before anything is read. Pure.

Source  docs/distribution.md, "By hand"; docs/runbook.md has a heading for each exception
"""

import unicodedata
from datetime import date, datetime, time

from flows.distribution.days import LedgerDay

USUAL_COUNT_DAY = 5
OPENS = time(9)  # in Almaty: the schedule's hour, and from which on the guard minds the day (prefect.yaml)


class ApprovalMissing(ValueError):
    """A real run by hand names two different people: who asked for it, and who approved it."""

    heals = False


class DateInFuture(ValueError):
    """The business date has not come yet, or is not known to have begun: a day begins at its hour."""

    heals = False


class DayMissed(ValueError):
    """The scheduled run of a day starts on a later one."""

    heals = False


class OtherCountDay(ValueError):
    """The day is written already, for users of another COUNT_DAY."""

    heals = False


def check_approval(*, is_scheduled: bool, dry_run: bool, requested_by: str, approved_by: str) -> None:
    """Refuse a real run by hand without two names; case and spaces do not make two of one.

    Args:
        is_scheduled: started by the cron or by the guard, which need none.
        dry_run: changes nothing and needs none.
        requested_by: as typed.
        approved_by: as typed; recorded, not authenticated.

    Raises:
        ApprovalMissing: a name is missing, or both are the same.
    """
    if is_scheduled or dry_run:
        return
    names = {_person(requested_by), _person(approved_by)}
    if "" in names or len(names) == 1:
        raise ApprovalMissing(
            "A real run by hand needs requested_by and approved_by, two different people. Fill in both, "
            "or set dry_run to look without writing."
        )


def _person(name: str) -> str:
    signs = unicodedata.normalize("NFKC", name)
    return "".join(sign for sign in signs if sign.isprintable() and not sign.isspace()).casefold()


def check_date(business_date: date, today: date) -> None:
    """Refuse a day that has not come; a past one may be finished.

    Raises:
        DateInFuture: its users are not known yet.
    """
    if business_date > today:
        raise DateInFuture(
            f"business_date {business_date} has not come yet, today is {today} in Almaty: leave it empty."
        )


def check_hour(now: datetime, *, is_by_hand: bool, is_dated: bool) -> None:
    """Refuse to take what SPSS has at night for today's users; whoever names the day knows better.

    Args:
        now: Almaty's clock.
        is_by_hand: neither the cron's run nor the guard's.
        is_dated: the day was given.

    Raises:
        DateInFuture: the day begins at nine.
    """
    if is_by_hand and not is_dated and now.time() < OPENS:
        raise DateInFuture(
            f"{now:%Y-%m-%d} begins at {OPENS:%H:%M} in Almaty, now it is {now:%H:%M}: SPSS may still have "
            f"yesterday's users. Wait, or give business_date={now:%Y-%m-%d} if it has today's."
        )


def is_due(business_date: date, now: datetime) -> bool:
    """Tell whether it is today's work and its hour has come; that is what the guard minds."""
    return business_date == now.date() and now.time() >= OPENS


def check_punctual(due: date | None, today: date) -> None:
    """Refuse to do today's work in place of a missed day's; `due` is the schedule's day, None for other runs.

    Raises:
        DayMissed: names the run by hand that does it; its users have come further by now.
    """
    if due is not None and due < today:
        raise DayMissed(
            f"the run of {due} starts only on {today}: nothing was written for {due}. To do it, run "
            f"distribution/daily with business_date={due} and count_day=5 and as many more as days went by, "
            f"here count_day={USUAL_COUNT_DAY + (today - due).days}."
        )


def check_count_day(known: LedgerDay, count_day: int) -> None:
    """Refuse to call a day done whose users are others than those that are asked for.

    Raises:
        OtherCountDay: a day is distributed once.
    """
    if known.count_day != count_day:
        raise OtherCountDay(
            f"{known.business_date} was distributed with COUNT_DAY = {known.count_day} by run {known.run_id}, and "
            f"a day is distributed once: users with COUNT_DAY = {count_day} were not. Nothing was written."
        )
