"""Distribution's decisions: facts -> Plan. Pure.

Source  docs/distribution.md, "Rules"
"""

import hmac
import re
import unicodedata
from base64 import b32encode
from collections.abc import Iterable, Iterator, Sequence
from datetime import date

import numpy as np

from flows.distribution import iin, quality
from flows.distribution.cohort import Block, Cohort, Iins, Plan
from flows.distribution.days import PastDay, TableState
from flows.distribution.models import Campaign, Check, Group, Skip, Theory, Wish

# A base id, and the group after the last dot. 48 and 2 are the 50 that THEORY_ID holds; the auditor's
# statement takes the ids as a list with commas.
_THEORY_ID = re.compile(r"([^.,\s]{1,48})(?:\.([1-5]))?")


class ApprovalMissing(ValueError):
    """A real run by hand names two different people: who asked for it, and who approved it."""

    heals = False


class DateInFuture(ValueError):
    """The business date has not come yet."""

    heals = False


class NotReconciled(RuntimeError):
    """After writing, the tables do not hold what was planned."""

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
    return "".join(unicodedata.normalize("NFKC", name).split()).casefold()


def check_date(business_date: date, today: date) -> None:
    """Refuse a day that has not come; a past one may be finished.

    Raises:
        DateInFuture: its users are not known yet.
    """
    if business_date > today:
        raise DateInFuture(
            f"business_date {business_date} has not come yet, today is {today} in Almaty: leave it empty."
        )


def active(theories: Iterable[Theory], day: date) -> tuple[tuple[Campaign, ...], tuple[Check, ...]]:
    """Return the campaigns that run on that day, ordered by id, and what is odd in their registry rows.

    First and last day are included. A campaign runs when one of its rows does, from the first of their
    first days to the last of their last. A row without a group counts as its campaign's, whose groups are then
    told to be missing; a row whose id is of another form is reported and ignored.
    """
    rows: dict[str, dict[str, Theory]] = {}
    malformed = []
    for theory in sorted(theories, key=lambda theory: theory.theory_id):
        if not theory.start <= day <= theory.end:
            continue
        if found := _THEORY_ID.fullmatch(theory.theory_id.strip()):
            rows.setdefault(found[1], {})[found[2] or ""] = theory
        else:
            malformed.append(repr(theory.theory_id))
    campaigns = tuple(_campaign(base, rows[base]) for base in sorted(rows))
    return campaigns, tuple(_oddities(rows, malformed))


def _campaign(base: str, rows: dict[str, Theory]) -> Campaign:
    first, *_ = rows.values()
    start, end = min(row.start for row in rows.values()), max(row.end for row in rows.values())
    return Campaign(base, first.name, start, end)


def _oddities(rows: dict[str, dict[str, Theory]], malformed: list[str]) -> Iterator[Check]:
    if malformed:
        yield Check("registry ids", ok=False, told=f"ignored, no campaign's id: {', '.join(malformed)}")
    unlike = [base for base, own in rows.items() if len({(row.start, row.end) for row in own.values()}) > 1]
    if unlike:
        yield Check("registry dates", ok=False, told=f"rows differ in their dates: {', '.join(unlike)}")
    missing = [f"{base}.{group:d}" for base, own in rows.items() for group in Group if str(group) not in own]
    if missing:
        yield Check("registry groups", ok=False, told=f"no active row for {', '.join(missing)}")


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
        active_iins: users to be left out, an assignment of theirs is still active.
        salt: key of the digest, which without one would tell who is in it.
    """
    trimmed = iin.trimmed(raw)
    named = trimmed[np.strings.str_len(trimmed) > 0]
    known = iin.unique(named)
    iins = known[~np.isin(known, iin.unique(iin.trimmed(active_iins)), assume_unique=True)]
    return Cohort(
        iins,
        read=len(raw),
        blank=len(raw) - len(named),
        duplicates=len(named) - len(known),
        excluded=len(known) - len(iins),
        malformed=int((~iin.well_formed(iins)).sum()),
        digest=iin.digest(known, salt),
    )


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


def tokens(cohort: Cohort, salt: str, sample: int) -> list[str]:
    """Return keyed tokens of some users: the same user has the same one, and only we can make it."""
    chosen = cohort.iins[:: max(1, len(cohort) // sample)][:sample].tolist() if sample else []
    macs = (hmac.digest(salt.encode(), b"token" + user, "sha256") for user in chosen)
    return [b32encode(mac)[:12].decode().lower() for mac in macs]
