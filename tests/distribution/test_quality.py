"""Quality checks: what is a warning, what is not, and that the p-values are right."""

from datetime import date, timedelta
from math import exp, lgamma, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.distribution import quality, split
from flows.distribution.cohort import Block
from flows.distribution.days import PastDay
from flows.distribution.models import Campaign, Group, Remainder
from tests.distribution import results

DAY = date(2030, 5, 17)


def campaign(number=1):
    return Campaign(f"SC{number:08}", "", DAY, DAY)


def array(iins):
    return np.array(iins, dtype="S12")


def sized(*sizes, number=1):
    """Return a campaign's blocks of so many users each, A to E."""
    return [Block(campaign(number), group, array([b"1"] * n)) for group, n in zip(Group, sizes, strict=True)]


def person(number, decade=8, seventh=3):
    return f"{decade}50101{seventh}{number:05}".encode()


def crowd(groups):
    """Return one campaign's blocks out of five lists of IINs."""
    return [Block(campaign(), group, array(iins)) for group, iins in zip(Group, groups, strict=True)]


def past(*days):
    """Return days before `DAY`, latest last, out of (users, digest) or (users, digest, counts)."""
    return [
        PastDay(DAY - timedelta(days=len(days) - place), users, digest, *(counts or [(users // 5,) * 5]))
        for place, (users, digest, *counts) in enumerate(days)
    ]


@pytest.mark.parametrize(
    ("chi_square", "degrees", "p"),
    [
        # Critical values as every table has them (NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.4).
        (3.841, 1, 0.05), (5.991, 2, 0.05), (7.815, 3, 0.05), (9.488, 4, 0.05), (11.070, 5, 0.05),
        (18.307, 10, 0.05), (31.410, 20, 0.05), (43.773, 30, 0.05), (55.758, 40, 0.05),
        (10.828, 1, 0.001), (18.467, 4, 0.001), (59.703, 30, 0.001), (73.402, 40, 0.001),
        (2.706, 1, 0.10), (13.277, 4, 0.01), (36.191, 19, 0.01),
    ],
)  # fmt: skip
def test_the_survival_function_gives_the_tables_values(chi_square, degrees, p):
    """Even and odd degrees of freedom, to the tables' three decimals."""
    assert quality.survival(chi_square, degrees) == pytest.approx(p, rel=0.001)


@given(st.floats(0, 1e4), st.integers(1, 200))
def test_the_survival_function_is_a_probability_that_falls(chi_square, degrees):
    """Between 0 and 1, 1 at 0, smaller for a larger chi-square, larger for more degrees of freedom."""
    p = quality.survival(chi_square, degrees)
    assert 0 <= p <= 1
    assert quality.survival(0, degrees) == 1
    assert quality.survival(chi_square + 1, degrees) <= p + 1e-12
    assert quality.survival(chi_square, degrees + 1) >= p - 1e-12


@given(st.floats(0, 1000))
def test_four_degrees_have_a_closed_form(chi_square):
    """e^(-x/2) (1 + x/2): the sample ratio's own case."""
    assert quality.survival(chi_square, 4) == pytest.approx(exp(-chi_square / 2) * (1 + chi_square / 2))


@pytest.mark.parametrize("degrees", [1, 3, 4, 5, 8, 39, 40])
def test_the_survival_function_is_the_tail_of_the_density(degrees):
    """What it loses between two points is the chi-square density between them, here by trapezia."""
    x = np.linspace(degrees, degrees + 10, 10_001)
    logarithm = (degrees / 2 - 1) * np.log(x) - x / 2 - degrees / 2 * log(2) - lgamma(degrees / 2)
    lost = quality.survival(degrees, degrees) - quality.survival(degrees + 10, degrees)
    assert lost == pytest.approx(np.trapezoid(np.exp(logarithm), x), rel=1e-6)


def test_a_large_chi_square_is_no_overflow():
    """A hopeless split has p = 0, and no error."""
    assert quality.survival(1e9, 5) == 0
    assert quality.survival(1e9, 40) < 1e-300


def test_a_small_bias_adds_up_to_an_alarm():
    """13 for 10 on one day is chance; on a hundred days it is not, and A to E are told."""
    assert quality.sample_ratio(sized(10, 10, 11, 12, 13), []).ok
    check = quality.sample_ratio(sized(10, 10, 11, 12, 13), past(*[(56, "", (10, 10, 11, 12, 13))] * 99))
    assert not check.ok
    assert check.p < 0.001
    assert "E/A = 1.300 over 100 days" in check.told


def test_a_year_of_last_alarms_and_a_year_of_rotate_does_not():
    """The measured cause: 150 users a day over ten campaigns."""
    arrivals = np.random.default_rng(2).poisson(150, 365).tolist()
    verdicts = {}
    for policy in (Remainder.LAST, Remainder.ROTATE):
        days = [sized_by(policy, users, DAY - timedelta(days=ago)) for ago, users in enumerate(arrivals)]
        counts = [tuple(np.sum([[len(b) for b in day[at::5]] for at in range(5)], axis=1)) for day in days]
        before = [PastDay(DAY, sum(each), "", each) for each in counts[1:]]
        verdicts[policy] = quality.sample_ratio(days[0], before)
    assert not verdicts[Remainder.LAST].ok
    assert verdicts[Remainder.ROTATE].ok


def sized_by(policy, users, day):
    campaigns = [campaign(number) for number in range(1, 11)]
    return results.blocks(array([b"1"] * users), campaigns, policy, day.toordinal())


def test_too_few_users_are_not_tested():
    """Chi-square says nothing about a handful: no alarm, no p."""
    check = quality.sample_ratio(sized(0, 0, 0, 1, 1), [])
    assert (check.ok, check.p) == (True, None)
    assert "no A" in check.told


def test_groups_of_one_decade_each_are_an_alarm():
    """A split by IIN is a split by birth date: the check sees it; sexes are even and pass."""
    groups = [[person(n, decade=5 + at, seventh=3 + n % 2) for n in range(100)] for at in range(5)]
    decade, sex = quality.balance(crowd(groups))
    assert (decade.name, decade.ok) == ("birth decade", False)
    assert decade.p < 1e-9
    assert (sex.name, sex.ok, sex.p) == ("sex", True, 1.0)


def test_a_group_of_men_is_an_alarm():
    """Decades are even and pass."""
    groups = [
        [person(n, decade=n % 10, seventh=3 if at == 0 else 3 + n % 2) for n in range(200)] for at in range(5)
    ]
    decade, sex = quality.balance(crowd(groups))
    assert (decade.ok, sex.ok) == (True, False)


def test_an_honest_split_passes():
    """Ranked by the hash, the p-values are neither tiny nor told with a person."""
    iins = array([person(n, decade=n * 7 // 20_000, seventh=3 + n % 2) for n in range(20_000)])
    blocks = results.blocks(split.rank(iins, "0" * 64), [campaign(1), campaign(2)], Remainder.LAST)
    decade, sex = quality.balance(blocks)
    assert decade.ok
    assert sex.ok
    assert 0.001 <= decade.p < 1
    assert decade.told.startswith("20,000 users whose IIN tells it, p = ")


@pytest.mark.parametrize(
    "odd", [b"", b"1", b"85010130000", b"85010100000x", b"850101000000", b"850101700000", b"850101900000"]
)
def test_an_iin_that_tells_no_birth_is_left_out(odd):
    """Not 12 digits, or a seventh digit without a century: no decade, no sex, no error."""
    groups = [[person(n, seventh=3 + n % 2) for n in range(50)] for _ in range(4)] + [[odd] * 50]
    _, sex = quality.balance(crowd(groups))
    assert sex.told.startswith("200 users")
    assert sex.ok


def test_the_centuries_are_told_apart():
    """05 is 1805, 1905 or 2005 by the seventh digit: three decades, not one."""
    groups = [[person(n, decade=0, seventh=1 + 2 * min(at, 2)) for n in range(50)] for at in range(5)]
    decade, sex = quality.balance(crowd(groups))
    assert not decade.ok
    assert (sex.ok, sex.p) == (True, None)


def test_rare_decades_are_taken_together():
    """A lone centenarian in one group is no alarm; thirty decades of one person each are no test."""
    groups = [[person(n) for n in range(100)] for _ in range(5)]
    groups[0][0] = person(0, decade=1)
    decade, _ = quality.balance(crowd(groups))
    assert decade.ok
    assert all(
        check.p is None for check in quality.balance(crowd([[person(1, decade=at)] for at in range(5)]))
    )


def test_rare_decades_together_can_alarm():
    """Five decades of 15 old users, all of them in one group: too few each, together plain."""
    groups = [[person(n) for n in range(100)] for _ in range(5)]
    groups[0] += [person(n, decade=n % 5) for n in range(75)]
    decade, _ = quality.balance(crowd(groups))
    assert not decade.ok


def test_an_empty_group_or_no_user_is_no_error():
    """With fewer users than groups, the tests say that there is too little."""
    for groups in ([[]] * 5, [[], [], [], [], [person(1)]]):
        assert all(check.ok and check.p is None for check in quality.balance(crowd(groups)))
    groups = [[], *[[person(n, seventh=3 + n % 2) for n in range(100)]] * 4]
    assert quality.balance(crowd(groups))[1].p == 1.0


@pytest.mark.parametrize(
    ("users", "ok"), [(499, False), (500, True), (1000, True), (2000, True), (2001, False)]
)
def test_the_volume_is_compared_with_a_week(users, ok):
    """Half to twice the median; one odd day among seven does not move it, nor do the days before them."""
    week = past(*[(1, "")] * 9, *[(1000, "")] * 3, (9, ""), *[(1000, "")] * 3)
    check = quality.volume(users, reversed(week))
    assert check.ok is ok
    assert check.told.endswith("the median of the last 7 days is 1,000")


def test_two_days_are_no_week():
    """A young ledger warns of nothing."""
    assert quality.volume(5, past((1000, ""), (1000, ""))).ok
    assert not quality.volume(5, past((1000, ""), (1000, ""), (1000, ""))).ok


def test_the_same_users_as_the_day_before_are_a_stale_source():
    """The latest day counts, not just any; the first day ever has none before it."""
    assert quality.source("now", []).ok
    assert quality.source("now", past((1, "now"), (1, "then"))).ok
    check = quality.source("now", reversed(past((1, "then"), (1, "now"))))
    assert not check.ok
    assert "2030-05-16" in check.told


def test_a_campaign_with_fewer_than_five_users_has_an_empty_group():
    """It is named; five users are enough."""
    check = quality.control([*sized(0, 1, 1, 1, 1, number=1), *sized(1, 1, 1, 1, 1, number=2)])
    assert not check.ok
    assert "in SC00000001" in check.told
    assert "SC00000002" not in check.told
    assert quality.control(sized(1, 1, 1, 1, 1)).ok
