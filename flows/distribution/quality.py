"""Quality: is the split what it claims to be, and are these today's users? Pure; only counts and p leave.

Source  docs/distribution.md, "Quality"
"""

from collections.abc import Iterable
from math import erfc, exp, lgamma, log, sqrt
from statistics import median

import numpy as np

from flows.distribution.cohort import Block
from flows.distribution.days import PastDay
from flows.distribution.iin import Integers, births
from flows.distribution.models import Check, Group, listed

ALARM_P = 0.001
EXPECTED_MIN = 5  # users expected in a cell; with fewer, chi-square is no longer a good measure
VOLUME_DAYS, VOLUME_DAYS_MIN = 7, 3
VOLUME_LOW, VOLUME_HIGH = 0.5, 2.0


def survival(chi_square: float, degrees: int) -> float:
    """Return how likely chance alone gives such a chi-square or a larger one.

    Exact: the regularised incomplete gamma function Q(1, x) = e⁻ˣ or Q(½, x) = erfc √x, and steps from Q(a, x)
    to Q(a + 1, x). Source: NIST Digital Library of Mathematical Functions, 8.8.6.

    >>> [round(survival(chi_square, degrees), 4) for chi_square, degrees in ((9.4877, 4), (16.919, 9))]
    [0.05, 0.05]
    """
    x = chi_square / 2
    a, q = (0.5, erfc(sqrt(x))) if degrees % 2 else (1.0, exp(-x))
    while x > 0 and a < degrees / 2:
        q += exp(a * log(x) - x - lgamma(a + 1))
        a += 1
    return min(q, 1.0)


def sample_ratio(blocks: Iterable[Block], past: Iterable[PastDay]) -> Check:
    """Compare the groups' sizes over all days, this one included: a bias too small for a day adds up."""
    days = np.array([*(day.counts for day in past), _by_group(blocks)], dtype=np.int64)
    counts = days.sum(axis=0)
    ratio = f"E/A = {counts[-1] / counts[0]:.3f}" if counts[0] else "no A"
    told = f"{ratio} over {len(days):,} days (A to E: {', '.join(f'{count:,}' for count in counts)})"
    return _tested("sample ratio", _p_of_equal(counts), told)


def _by_group(blocks: Iterable[Block]) -> tuple[int, ...]:
    counts = dict.fromkeys(Group, 0)
    for block in blocks:
        counts[block.group] += len(block)
    return tuple(counts.values())


def _p_of_equal(counts: Integers) -> float | None:
    expected = counts.sum() / len(counts)
    if expected < EXPECTED_MIN:
        return None
    return survival(float(((counts - expected) ** 2).sum() / expected), len(counts) - 1)


def balance(blocks: Iterable[Block]) -> tuple[Check, Check]:
    """Compare the groups' users by decade of birth and by sex, both read from the IIN."""
    decades = np.zeros((len(Group), 210), dtype=np.int64)
    sexes = np.zeros((len(Group), 2), dtype=np.int64)
    for block in blocks:
        decade, is_male = births(block.iins)
        decades[block.group - 1] += np.bincount(decade, minlength=decades.shape[1])
        sexes[block.group - 1] += np.bincount(is_male, minlength=sexes.shape[1])
    told = f"{int(sexes.sum()):,} users whose IIN tells it"
    return (
        _tested("birth decade", _p_of_independence(decades), told),
        _tested("sex", _p_of_independence(sexes), told),
    )


def _p_of_independence(table: Integers) -> float | None:
    """Return the p of a contingency table, its rare columns taken together; None when there is too little."""
    table = table[table.sum(axis=1) > 0]
    if not table.size:
        return None
    needed = EXPECTED_MIN * table.sum() / table.sum(axis=1).min()
    is_rare = table.sum(axis=0) < needed
    table = np.column_stack((table[:, ~is_rare], table[:, is_rare].sum(axis=1)))
    table = table[:, table.sum(axis=0) >= needed]
    degrees = (table.shape[0] - 1) * (table.shape[1] - 1)
    if degrees < 1:
        return None
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    return survival(float(((table - expected) ** 2 / expected).sum()), degrees)


def _tested(name: str, p: float | None, told: str) -> Check:
    if p is None:
        return Check(name, ok=True, told=f"{told}: too few for a test")
    return Check(name, p >= ALARM_P, f"{told}, p = {p:.3g}", p)


def volume(users: int, past: Iterable[PastDay]) -> Check:
    """Compare the number of users with the median of the last seven days that the ledger knows."""
    days = sorted(past, key=lambda day: day.business_date)[-VOLUME_DAYS:]
    if len(days) < VOLUME_DAYS_MIN:
        return Check("volume", ok=True, told=f"{users:,} users; too few days to compare with")
    usual = median(day.users for day in days)
    ok = VOLUME_LOW * usual <= users <= VOLUME_HIGH * usual
    return Check("volume", ok, f"{users:,} users; the median of the last {len(days)} days is {usual:,.0f}")


def source(digest: str, past: Iterable[PastDay]) -> Check:
    """Compare the users with those of the day before: the very same ones were not loaded today."""
    before = max(past, key=lambda day: day.business_date, default=None)
    if before is None or before.digest != digest:
        return Check("source", ok=True, told="not the users of the day before")
    told = f"the same users as on {before.business_date}: SPSS has probably not been loaded since"
    return Check("source", ok=False, told=told)


def control(blocks: Iterable[Block]) -> Check:
    """Tell of campaigns with fewer users than groups: one group at least is empty, mostly A."""
    totals: dict[str, int] = {}
    for block in blocks:
        totals[block.campaign.id] = totals.get(block.campaign.id, 0) + len(block)
    small = [campaign for campaign, users in totals.items() if users < len(Group)]
    if not small:
        return Check("control group", ok=True, told="every group of every campaign has users")
    told = f"fewer than {len(Group)} users, so a group without any, in {listed(small)}"
    return Check("control group", ok=False, told=told)
