"""The buckets keep Google's limits in any minute, and give everything that the limits allow."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from blocks.meet_quota import LIMITS, WINDOW_S, Bucket, Quota, Use

LIMIT = st.integers(1, 12)
PAUSES = st.lists(st.floats(0, 40), min_size=1, max_size=80)
ANSWERS = st.lists(st.floats(0, 8), min_size=80, max_size=80)


@given(limit=LIMIT, pauses=PAUSES, answers_s=ANSWERS)
def test_no_minute_has_more_than_the_limit(limit: int, pauses: list[float], answers_s: list[float]) -> None:
    """However slow the answers are: the server counts a request somewhere between its sending and its answer."""
    bucket, now_s, seen_s = Bucket(limit), 0.0, []
    for pause_s, answer_s in zip(pauses, answers_s, strict=False):
        now_s += pause_s
        now_s += bucket.wait_s(now_s)
        bucket.take()
        seen_s.append(now_s + answer_s)
        now_s += answer_s
        bucket.give_back(now_s)
    for first_s, last_s in zip(seen_s, seen_s[limit:], strict=False):
        assert last_s - first_s >= WINDOW_S - 1e-6


@given(limit=LIMIT)
def test_a_fresh_bucket_gives_all_at_once(limit: int) -> None:
    """The whole limit without waiting, then nothing for a minute, then the whole limit again."""
    bucket = Bucket(limit)
    for now_s in (0.0, WINDOW_S):
        for _ in range(limit):
            assert bucket.wait_s(now_s) == 0
            bucket.take()
        assert bucket.wait_s(now_s) == WINDOW_S
        for _ in range(limit):
            bucket.give_back(now_s)
        assert bucket.wait_s(now_s) == WINDOW_S


@given(limit=LIMIT, used_s=st.lists(st.floats(0, 59), min_size=1, max_size=12), rest_s=st.floats(0, 200))
def test_waiting_as_told_is_enough(limit: int, used_s: list[float], rest_s: float) -> None:
    """After the time that the bucket names there is a token, rested or not."""
    bucket = Bucket(limit)
    for at_s in sorted(used_s)[:limit]:
        bucket.take()
        bucket.give_back(at_s)
    bucket.rest(rest_s)
    free_s = 59 + bucket.wait_s(59)
    assert free_s >= rest_s
    assert bucket.wait_s(free_s + 1e-9) == 0


@given(hosts=st.integers(1, 14), factor=st.integers(1, 3), requests=st.integers(1, 150))
def test_a_project_and_its_hosts(hosts: int, factor: int, requests: int) -> None:
    """Together they make as many rooms at once as the project may, and none more than its own share."""
    names = [f"host-{number}" for number in range(hosts)]
    quota, used = Quota(names, factor), dict.fromkeys(names, 0)
    for _ in range(requests):
        host = quota.next_host(Use.CREATE, 0)
        if quota.wait_s(host, Use.CREATE, 0) > 0:
            break
        quota.take(host, Use.CREATE)
        used[host] += 1
    limits = LIMITS[Use.CREATE]
    most = factor * min(limits.per_project, hosts * limits.per_host)
    assert sum(used.values()) == min(requests, most)
    assert max(used.values()) - min(used.values()) <= 1


def test_the_limits_are_googles() -> None:
    """Per minute: 10 new rooms, 100 changes, 600 readings for an account; ten times that for a project."""
    assert [LIMITS[use] for use in (Use.CREATE, Use.WRITE, Use.READ)] == [(10, 100), (100, 1000), (600, 6000)]


def test_kinds_of_use_do_not_share() -> None:
    """Who made all the rooms of a minute may still close them."""
    quota = Quota(["host-1"])
    for _ in range(10):
        quota.take("host-1", Use.CREATE)
    assert quota.wait_s("host-1", Use.CREATE, 0) > 0
    assert quota.wait_s("host-1", Use.WRITE, 0) == quota.wait_s("host-1", Use.READ, 0) == 0


def test_a_host_that_rests_is_passed_over() -> None:
    """The other one makes the rooms, until it has none left; then it is the one that is ready first."""
    quota = Quota(["host-1", "host-2"])
    quota.rest("host-1", Use.CREATE, until_s=30)
    chosen = []
    for _ in range(11):
        chosen.append(quota.next_host(Use.CREATE, 0))
        quota.take(chosen[-1], Use.CREATE)
        quota.give_back(chosen[-1], Use.CREATE, 0)
    assert chosen == ["host-2"] * 10 + ["host-1"]
    assert all(first >= second for first, second in pairwise(chosen))
