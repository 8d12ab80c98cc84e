"""Split: who gets where. Pure and vectorised; the same day, users and salt give the same.

Users are ranked by a hash that nobody can foresee without the salt, and cut into contiguous ranges: a range
for each campaign, in it a block for each group. The statement `audit` in queries.sql derives the same.

Source  docs/distribution.md, "Rules"
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import accumulate

import numpy as np

from flows.distribution import iin
from flows.distribution.cohort import Block, Iins, Range
from flows.distribution.models import Campaign, Group, Remainder

VERSION = "distribution-1"  # another way to rank or to cut is another version

# ROTATE turns a wheel by a part of a turn each day that is no fraction: 1/φ for campaigns, √2 - 1 for groups.
# The days spread evenly over the places then, also every seventh day or every fifth by itself, whatever
# rhythm the numbers of users have. Source: Knuth, The Art of Computer Programming, volume 3, 6.4, theorem S.
WHEEL = 2**32
CAMPAIGNS_STEP, GROUPS_STEP = 2_654_435_769, 1_779_033_704


def sizes(n: int, parts: int, policy: Remainder, offset: int = 0) -> tuple[int, ...]:
    """Return how many of `n` each of `parts` gets.

    Args:
        n: to be divided.
        parts: at least one.
        policy: who gets what is left over.
        offset: where the extras begin under ROTATE; it may grow without end.

    >>> [sizes(n, 3, Remainder.LAST) for n in (99, 100, 101)]
    [(33, 33, 33), (33, 33, 34), (33, 34, 34)]
    >>> [sizes(101, 3, Remainder.ROTATE, offset) for offset in (0, 1, 2)]
    [(34, 34, 33), (33, 34, 34), (34, 33, 34)]
    """
    base, spare = divmod(n, parts)
    if policy is Remainder.ALL_TO_LAST:
        return (base,) * (parts - 1) + (base + spare,)
    first = offset if policy is Remainder.ROTATE else parts - spare
    return tuple(base + ((place - first) % parts < spare) for place in range(parts))


def seed(business_date: date, campaign_ids: Iterable[str], salt: str) -> str:
    """Return the day's seed: hex SHA-256 of a JSON array of what is known, a bar, and the salt.

    The array quotes its parts and ends by itself, so that no two days have one text: without the salt it
    is, say, `["distribution-1","2030-01-31",["SC00000001","SC00000002"]]|`.
    """
    known = [VERSION, business_date.isoformat(), sorted(set(campaign_ids))]
    text = f"{json.dumps(known, separators=(',', ':'))}|{salt}"
    return hashlib.sha256(text.encode()).hexdigest()


def rank(iins: Iins, seed: str) -> Iins:
    """Return the users in the order of SHA-256(seed ‖ IIN), whatever order they come in."""
    ordered = np.sort(iins)  # and a stable sort: a tie of digests is broken by IIN
    return ordered[np.argsort(_digests(ordered, seed), kind="stable")]


def _digests(iins: Iins, seed: str) -> Iins:
    """Return the digests, `S32`: they compare by all 32 bytes; taken out, one loses its trailing NULs."""
    prefix, sha256 = seed.encode(), hashlib.sha256
    digests = np.empty(len(iins), "S32")
    at = 0
    for chunk in iin.chunks(iins):
        joined = b"".join([sha256(prefix + each).digest() for each in chunk])
        digests[at : at + len(chunk)] = np.frombuffer(joined, "S32")
        at += len(chunk)
    return digests


def over_campaigns(
    ranked: Iins, campaigns: Sequence[Campaign], policy: Remainder, day_ordinal: int
) -> tuple[Range, ...]:
    """Return each campaign's range of the ranked users, in the order of the campaigns.

    The extras of a campaign's groups begin where those of the campaign before ended, so that on no day a group
    gets two users more than another.

    Args:
        ranked: in the order of `rank`.
        campaigns: at least one.
        policy: who gets what is left over.
        day_ordinal: of the business date; only ROTATE minds it.
    """
    first = _turned(day_ordinal, CAMPAIGNS_STEP, len(campaigns))
    counts = sizes(len(ranked), len(campaigns), policy, first)
    *starts, _ = accumulate(counts, initial=_turned(day_ordinal, GROUPS_STEP, len(Group)))
    return tuple(map(Range, campaigns, _cut(ranked, counts), starts))


def _turned(day_ordinal: int, step: int, parts: int) -> int:
    """Return at which of `parts` places the wheel stands on a day."""
    return day_ordinal * step % WHEEL * parts // WHEEL


def over_groups(part: Range, policy: Remainder) -> tuple[Block, ...]:
    """Return a campaign's five blocks, each sorted by IIN: both databases load in the key's order."""
    parts = _cut(part.iins, sizes(len(part.iins), len(Group), policy, part.first_extra))
    return tuple(Block(part.campaign, group, np.sort(iins)) for group, iins in zip(Group, parts, strict=True))


def _cut(iins: Iins, counts: Sequence[int]) -> list[Iins]:
    return np.split(iins, np.cumsum(counts)[:-1])
