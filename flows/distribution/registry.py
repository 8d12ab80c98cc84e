"""The registry: which campaigns run on a day, and what is odd about its rows. Pure.

Source  docs/distribution.md, "Rules"
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from flows.distribution.models import Campaign, Check, Group, Theory, listed

# A base id, and the group after the last dot. 48 and 2 are the 50 that THEORY_ID holds; the auditor's
# statement takes the ids as a list with commas.
_THEORY_ID = re.compile(r"([^.,\s]{1,48})(?:\.([1-5]))?")

CAMPAIGNS_MAX = 200  # five groups each are the 1,000 values that one IN list of Oracle's holds
IDS_MAX_BYTES = 4000  # of all ids with commas between: the ledger's column


class TooManyCampaigns(ValueError):
    """More campaigns run on a day than one statement or the ledger's row can name."""

    heals = False


def active(
    theories: Iterable[Theory], day: date, blank: Sequence[str] = ()
) -> tuple[tuple[Campaign, ...], tuple[Check, ...]]:
    """Return the campaigns that run on that day, ordered by id, and what is odd in their registry rows.

    First and last day are included. A campaign runs when one of its rows does, from the first of their
    first days to the last of their last. A row without a group counts as its campaign's, whose groups are then
    told to be missing; a row whose id is of another form is reported and ignored.

    Args:
        theories: rows that run on the day, and perhaps others.
        day: in Asia/Almaty.
        blank: what to call the rows that have no id or no dates; reported, too.

    Raises:
        TooManyCampaigns: see its docstring.
    """
    rows: dict[str, dict[str, Theory]] = {}
    malformed = []
    for theory in sorted(theories, key=lambda theory: theory.theory_id):
        if not theory.start <= day <= theory.end:
            continue
        if found := _THEORY_ID.fullmatch(theory.theory_id):
            rows.setdefault(found[1], {})[found[2] or ""] = theory
        else:
            malformed.append(repr(theory.theory_id))
    campaigns = tuple(_campaign(base, rows[base]) for base in sorted(rows))
    _check_number([campaign.id for campaign in campaigns])
    return campaigns, tuple(_oddities(rows, malformed, blank))


def _campaign(base: str, rows: dict[str, Theory]) -> Campaign:
    first, *_ = rows.values()
    start, end = min(row.start for row in rows.values()), max(row.end for row in rows.values())
    return Campaign(base, first.name, start, end)


def _check_number(ids: Sequence[str]) -> None:
    length_bytes = len(",".join(ids).encode())
    if len(ids) > CAMPAIGNS_MAX or length_bytes > IDS_MAX_BYTES:
        raise TooManyCampaigns(
            f"{len(ids):,} campaigns are active, whose ids take {length_bytes:,} bytes; {CAMPAIGNS_MAX} campaigns "
            f"and {IDS_MAX_BYTES:,} bytes are the most. End those in the registry that are over."
        )


def _oddities(
    rows: dict[str, dict[str, Theory]], malformed: Sequence[str], blank: Sequence[str]
) -> Iterator[Check]:
    if blank:
        yield Check("registry blanks", ok=False, told=f"ignored, no id or no dates: {listed(blank)}")
    if malformed:
        yield Check("registry ids", ok=False, told=f"ignored, no campaign's id: {listed(malformed)}")
    unlike = [base for base, own in rows.items() if len({(row.start, row.end) for row in own.values()}) > 1]
    if unlike:
        yield Check("registry dates", ok=False, told=f"rows differ in their dates: {listed(unlike)}")
    missing = [f"{base}.{group:d}" for base, own in rows.items() for group in Group if str(group) not in own]
    if missing:
        yield Check("registry groups", ok=False, told=f"no active row for {listed(missing)}")
