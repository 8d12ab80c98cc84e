"""Distribution's decisions: facts -> Plan. Pure.

Source  docs/distribution.md, "Rules"
"""

import hmac
from base64 import b32encode
from collections.abc import Iterable, Sequence
from datetime import date

import numpy as np

from flows.distribution import iin, quality
from flows.distribution.cohort import Block, Cohort, Iins, Plan
from flows.distribution.days import PastDay, TableState
from flows.distribution.models import Campaign, Check, Skip, Wish


class NotReconciled(RuntimeError):
    """The tables do not hold what was planned."""

    heals = False


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
            f"After writing, {'; '.join(wrong)}. Somebody else wrote or deleted there: "
            "distribution-verify/on-demand compares them; the next run finishes the day."
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
            "them, so nothing was written there. Somebody else wrote or changed them: "
            "distribution-verify/on-demand compares them with the target; the next run finishes the day."
        )


def tokens(cohort: Cohort, salt: str, sample: int) -> list[str]:
    """Return keyed tokens of some users: the same user has the same one, and only we can make it."""
    chosen = cohort.iins[:: max(1, len(cohort) // sample)][:sample].tolist() if sample else []
    macs = (hmac.digest(salt.encode(), b"token" + user, "sha256") for user in chosen)
    return [b32encode(mac)[:12].decode().lower() for mac in macs]
