"""Distribution's decisions: facts -> Plan. Pure.

Source  docs/distribution.md, "Rules"
"""

import hmac
import unicodedata
from base64 import b32encode
from collections.abc import Iterable, Sequence
from datetime import date

import numpy as np

from flows.distribution import iin, quality
from flows.distribution.cohort import Block, Cohort, Iins, Plan
from flows.distribution.days import LedgerDay, PastDay, TableState
from flows.distribution.models import Campaign, Check, Skip, Wish


class ApprovalMissing(ValueError):
    """A real run by hand names two different people: who asked for it, and who approved it."""

    heals = False


class DateInFuture(ValueError):
    """The business date has not come yet."""

    heals = False


class OtherCountDay(ValueError):
    """The day is written already, for users of another COUNT_DAY."""

    heals = False


class NotReconciled(RuntimeError):
    """The tables do not hold what was planned."""

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


def skip(campaigns: Sequence[Campaign], cohort: Cohort | None = None) -> Skip | None:
    """Return why there is nothing to do; `cohort` is None as long as SPSS was not asked.

    >>> skip([])
    <Skip.NO_CAMPAIGNS: 'no_active_campaigns'>
    """
    if not campaigns:
        return Skip.NO_CAMPAIGNS
    return Skip.NO_USERS if cohort is not None and not len(cohort) else None


def cohort(raw: Iins, active_iins: Iins, salt: str) -> Cohort:
    """Return who can be distributed.

    Args:
        raw: as SPSS gave them, one for each row, UTF-8; empty where the row has none.
        active_iins: users to be left out, for they are assigned already.
        salt: key of the digest, which without one would tell who is in it.
    """
    trimmed = iin.trimmed(raw)
    lengths = np.strings.str_len(trimmed)
    fitting = trimmed[(lengths > 0) & (lengths <= iin.LENGTH)]
    known = iin.unique(fitting)
    iins = known[~np.isin(known, iin.unique(iin.trimmed(active_iins)), assume_unique=True)]
    return Cohort(
        iins,
        read=len(raw),
        blank=int((lengths == 0).sum()),
        too_long=int((lengths > iin.LENGTH).sum()),
        duplicates=len(fitting) - len(known),
        excluded=len(known) - len(iins),
        malformed=int((~iin.well_formed(iins)).sum()),
        digest=iin.digest(known, salt),
    )


def oddities(cohort: Cohort) -> tuple[Check, ...]:
    """Return what is odd about the source's rows; nothing, mostly."""
    if not cohort.too_long:
        return ()
    told = f"left out, more than {iin.LENGTH} bytes, which no table holds: {cohort.too_long:,} rows"
    return (Check("iin length", ok=False, told=told),)


def checks(day: date, cohort: Cohort, blocks: Sequence[Block], past: Iterable[PastDay]) -> tuple[Check, ...]:
    """Return all quality checks of a split; of `past`, only what came before that day counts."""
    before = [each for each in past if each.business_date < day]
    return (
        quality.sample_ratio(blocks, before),
        *quality.balance(blocks),
        quality.volume(len(cohort), before),
        quality.source(cohort.digest, before),
        quality.control(blocks),
    )


def plan(wish: Wish, seed: str, cohort: Cohort, blocks: Iterable[Block], checks: Iterable[Check]) -> Plan:
    """Return the plan: the blocks in order, whichever was ready first."""
    ordered = tuple(sorted(blocks, key=lambda block: (block.campaign.id, block.group)))
    assert sum(map(len, ordered)) == len(cohort), "a user is lost or doubled"
    return Plan(wish, seed, cohort, ordered, tuple(checks))


def check_reconciled(tables: Iterable[TableState]) -> None:
    """Refuse to call a day complete whose tables do not hold it.

    Raises:
        NotReconciled: a count differs.
    """
    wrong = [f"{t.database} {t.table} has {t.rows:,} of {t.expected:,} rows" for t in tables if not t.ok]
    if wrong:
        raise NotReconciled(
            f"After writing, {'; '.join(wrong)}. Somebody else wrote or deleted there: compare them by "
            "the statements verify_* of docs/distribution.md; the next run finishes the day."
        )


def check_room(mirror: str, *, there: int, missing: int, wanted: int) -> None:
    """Refuse to write into a mirror that would then hold more of the day than it shall.

    Args:
        mirror: its name.
        there: rows of the day's groups that it has.
        missing: users of the day who are not among them.
        wanted: users of the day.

    Raises:
        NotReconciled: rows are there that are not the day's, or are the day's and not recognised.
    """
    if missing and there + missing > wanted:
        raise NotReconciled(
            f"SPSS {mirror} has {there:,} rows of the day, yet {missing:,} of its {wanted:,} users are not among "
            "them, so nothing was written there. Somebody else wrote or changed them: compare them with the target "
            "by the statements verify_* of docs/distribution.md; the next run finishes the day."
        )


def tokens(cohort: Cohort, salt: str, sample: int) -> list[str]:
    """Return keyed tokens of some users: the same user has the same one, and only we can make it."""
    chosen = cohort.iins[:: max(1, len(cohort) // sample)][:sample].tolist() if sample else []
    macs = (hmac.digest(salt.encode(), b"token" + user, "sha256") for user in chosen)
    return [b32encode(mac)[:12].decode().lower() for mac in macs]
