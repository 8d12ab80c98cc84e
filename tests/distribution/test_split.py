"""The split: exact sizes, nobody lost or doubled, nobody favoured, and the same again tomorrow if asked again."""

import hashlib
from collections import Counter
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flows.distribution import iin, quality, split
from flows.distribution.models import Campaign, Group, Remainder
from tests.distribution import results

DAY = date(2030, 5, 17)
SALT = "salt of the tests"
SEED = split.seed(DAY, ["SC00000001", "SC00000002"], SALT)
EVEN = st.sampled_from([Remainder.LAST, Remainder.ROTATE])
policies = st.sampled_from(Remainder)
odd = st.binary(min_size=1, max_size=12).filter(lambda value: not value.endswith(b"\0"))
crowds = st.lists(st.from_regex(rb"[0-9]{12}", fullmatch=True) | odd, unique=True, max_size=120)


def campaigns(count):
    return [Campaign(f"SC{number:08}", "", DAY, DAY) for number in range(1, count + 1)]


def array(iins):
    return np.array(iins, dtype="S12")


def people(count, start=0):
    """Return as many well-formed IINs, born over sixty years, in the order of their birth dates."""
    born = np.linspace(0, 21_900, count).astype(int)
    days = (date(1945, 1, 1) + timedelta(days=int(days)) for days in born)
    return array([
        f"{day:%y%m%d}{(3 if day.year < 2000 else 5) + n % 2}{(n + start) % 100_000:05}".encode()
        for n, day in enumerate(days)
    ])  # fmt: skip


def table(blocks):
    return {block.theory_id: block.iins.tolist() for block in blocks}


@pytest.mark.parametrize(
    ("n", "policy", "day", "expected"),
    [
        (100, Remainder.LAST, 0, (33, 33, 34)),
        (101, Remainder.LAST, 0, (33, 34, 34)),
        (101, Remainder.LAST, 1, (33, 34, 34)),
        (2, Remainder.LAST, 0, (0, 1, 1)),
        (0, Remainder.ROTATE, 5, (0, 0, 0)),
        (101, Remainder.ALL_TO_LAST, 0, (33, 33, 35)),
        (100, Remainder.ROTATE, 0, (34, 33, 33)),
        (100, Remainder.ROTATE, 2, (33, 33, 34)),
    ],
)
def test_the_sizes_of_the_contract(n, policy, day, expected):
    """What is left over goes where the policy says."""
    assert split.sizes(n, 3, policy, day) == expected


@given(st.integers(0, 10**6), st.integers(1, 400), policies, st.integers(0, 10**6))
def test_sizes_add_up(n, parts, policy, offset):
    """Whatever the policy, everybody is in one part, and there are as many parts as asked for."""
    sizes = split.sizes(n, parts, policy, offset)
    assert (sum(sizes), len(sizes)) == (n, parts)


@given(st.integers(0, 10**6), st.integers(1, 400), EVEN, st.integers(0, 10**6))
def test_an_even_policy_differs_by_at_most_one(n, parts, policy, offset):
    """`last` and `rotate` give base or base + 1; `last` gives the extras to the last."""
    sizes = split.sizes(n, parts, policy, offset)
    assert max(sizes) - min(sizes) <= 1
    if policy is Remainder.LAST:
        assert list(sizes) == sorted(sizes)


def year(policy, arrivals, count):
    """Return what each group of each campaign got: days by campaigns by groups."""
    start = date(2030, 1, 1).toordinal()
    return np.array([day_sizes(policy, n, count, day) for day, n in enumerate(arrivals, start)])


def day_sizes(policy, n, count, day):
    blocks = results.blocks(np.full(n, b"1"), campaigns(count), policy, day)
    return np.array([len(block) for block in blocks]).reshape(count, len(Group))


@given(st.integers(0, 1000), st.integers(1, 12), st.integers(0, 10**6))
def test_no_group_and_no_campaign_gets_two_more_than_another_on_a_day(n, count, day):
    """Rotation is fair within each day already: where one campaign's extras end, the next one's begin."""
    got = day_sizes(Remainder.ROTATE, n, count, day)
    assert np.ptp(got.sum(axis=0)) <= 1
    assert np.ptp(got.sum(axis=1)) <= 1


@pytest.mark.parametrize("count", [1, 2, 3, 5, 7, 8, 10, 15])
@pytest.mark.parametrize("week", [[131] * 7, [26] * 7, [7] * 7, [211, 163, 158, 149, 150, 77, 41]], ids=str)
def test_rotation_favours_nobody_over_a_year(count, week):
    """Neither campaigns nor groups, nor a group of a campaign: also where a rotation would fall in step.

    Every day alike, or the same remainder on every Monday; numbers of campaigns that go with five or seven.
    """
    got = year(Remainder.ROTATE, [week[day % 7] for day in range(365)], count).sum(axis=0)
    assert np.ptp(got.sum(axis=0)) <= 8
    assert np.ptp(got.sum(axis=1)) <= 10
    assert np.ptp(got) <= 30


def test_a_year_of_last_gives_e_a_quarter_more_than_a():
    """About 150 users a day over ten campaigns: why `rotate` exists, with the ratios of the documentation."""
    arrivals = np.random.default_rng(1).poisson(150, 365).tolist()
    last, rotate = (
        year(policy, arrivals, 10).sum(axis=(0, 1)) for policy in (Remainder.LAST, Remainder.ROTATE)
    )
    assert 1.2 < last[4] / last[0] < 1.4
    assert rotate[4] / rotate[0] == pytest.approx(1, abs=0.003)


def test_the_seed_is_what_its_docstring_says():
    """Anybody who has the salt can make it anew with any tool."""
    text = f'["distribution-1","2030-05-17",["SC00000001","SC00000002"]]|{SALT}'
    assert hashlib.sha256(text.encode()).hexdigest() == SEED
    assert split.seed(DAY, ["SC00000002", "SC00000001", "SC00000002"], SALT) == SEED


def test_each_part_of_the_seed_counts():
    """Another day, campaign or salt, or the same letters cut elsewhere, is another seed."""
    seeds = [
        SEED,
        split.seed(DAY + timedelta(days=1), ["SC00000001", "SC00000002"], SALT),
        split.seed(DAY, ["SC00000001"], SALT),
        split.seed(DAY, ["SC00000001", "SC00000002"], "another"),
        split.seed(DAY, ["SC00000001SC00000002"], SALT),
        split.seed(DAY, ['SC00000001","SC00000002'], SALT),
        split.seed(DAY, ["SC00000001"], f'"SC00000002"]]|{SALT}'),
    ]
    assert len(set(seeds)) == len(seeds)


@given(crowds)
@example([b"000000000012", b"12", b"\x0012", b" 12", b"12 ", "д12".encode(), b"\xff12"])
def test_the_rank_is_the_order_of_the_digests(crowd):
    """It is what the definition says, for IINs with odd bytes and leading zeros too."""
    expected = sorted(crowd, key=lambda each: (hashlib.sha256(SEED.encode() + each).digest(), each))
    assert split.rank(array(crowd), SEED).tolist() == expected


def test_the_rank_minds_all_32_bytes_over_many_chunks():
    """Of so many digests, hundreds end in NUL bytes, which numpy drops from a value that is taken out."""
    crowd = people(3 * iin.CHUNK // 2)
    assert any(
        hashlib.sha256(SEED.encode() + each).digest().endswith(b"\0") for each in crowd.tolist()[:2000]
    )
    expected = sorted(crowd.tolist(), key=lambda each: hashlib.sha256(SEED.encode() + each).digest())
    assert split.rank(crowd, SEED).tolist() == expected


@given(crowds, st.integers(1, 7), policies, st.integers(0, 10**6))
def test_nobody_is_lost_or_doubled(crowd, count, policy, offset):
    """Five blocks for each campaign, in order; together they are the users, each once, each block sorted."""
    blocks = results.blocks(split.rank(array(crowd), SEED), campaigns(count), policy, offset)
    assert [(block.campaign.id, block.group) for block in blocks] == [
        (campaign.id, group) for campaign in campaigns(count) for group in Group
    ]
    assert Counter(each for block in blocks for each in block.iins.tolist()) == Counter(crowd)
    assert all(block.iins.tolist() == sorted(block.iins.tolist()) for block in blocks)


@given(crowds, st.integers(1, 7), EVEN, st.integers(0, 10**6))
def test_campaigns_and_groups_are_equal(crowd, count, policy, offset):
    """Campaigns differ by at most one user, and so do the groups within each."""
    blocks = results.blocks(split.rank(array(crowd), SEED), campaigns(count), policy, offset)
    sizes = np.array([len(block) for block in blocks]).reshape(count, len(Group))
    assert np.ptp(sizes.sum(axis=1)) <= 1
    assert (np.ptp(sizes, axis=1) <= 1).all()


@given(crowds, st.randoms(use_true_random=False), policies)
def test_the_order_of_the_source_does_not_matter(crowd, random, policy):
    """The same day and users give the same split, in whatever order the database returns them."""
    shuffled = random.sample(crowd, len(crowd))
    one, two = (
        results.blocks(split.rank(array(c), SEED), campaigns(3), policy, 9) for c in (crowd, shuffled)
    )
    assert table(one) == table(two)


def theory_places(crowd, day):
    """Return for each user, in the crowd's order, the group's place among all groups of that day."""
    seed = split.seed(day, ["SC00000001", "SC00000002"], SALT)
    blocks = results.blocks(split.rank(crowd, seed), campaigns(2), Remainder.LAST)
    places = {each: place for place, block in enumerate(blocks) for each in block.iins.tolist()}
    return np.array([places[each] for each in crowd.tolist()])


def p_of_contingency(one, two):
    counts = np.zeros((one.max() + 1, two.max() + 1))
    np.add.at(counts, (one, two), 1)
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / counts.sum()
    degrees = (counts.shape[0] - 1) * (counts.shape[1] - 1)
    return quality.survival(float(((counts - expected) ** 2 / expected).sum()), degrees)


def test_one_day_says_nothing_about_the_next():
    """The groups of the same users on two days are independent: a table of ten by ten shows no pattern."""
    crowd = people(20_000)
    days = [theory_places(crowd, DAY + timedelta(days=number)) for number in range(4)]
    assert all(p_of_contingency(one, two) > 0.001 for one, two in pairwise(days))
    assert p_of_contingency(days[0], days[0]) < 1e-9


def test_the_group_says_nothing_about_the_birth_date():
    """An IIN begins with the date of birth: cut by IIN, a group would be a generation."""
    crowd = people(20_000)
    years = np.arange(len(crowd)) * 20 // len(crowd)
    assert p_of_contingency(years, theory_places(crowd, DAY)) > 0.001
    assert p_of_contingency(years, np.arange(len(crowd)) * 10 // len(crowd)) < 1e-9


def test_a_range_tells_no_iin():
    """Printed, it is a campaign and a number; the users in it are still in rank order."""
    ranked = split.rank(people(1003), SEED)
    ranges = split.over_campaigns(ranked, campaigns(3), Remainder.ROTATE, 77)
    assert [repr(part) for part in ranges] == [
        f"<Range of {users} users of SC0000000{place}>" for place, users in ((1, 334), (2, 335), (3, 334))
    ]
    assert [each for part in ranges for each in part.iins.tolist()] == ranked.tolist()
