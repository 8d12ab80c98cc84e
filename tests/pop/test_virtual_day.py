"""Whole days on a virtual clock, through the real loop, pacer and queue."""

import pytest

from benchmarks.virtual_day import Capacity, VirtualClock, play

HOUR_S = 3600.0
USERS = 100_000


def test_a_stall_of_half_an_hour_is_made_good_without_a_burst():
    """Everybody is served; the pace never exceeds 79 a minute where the fair share is 69."""
    course = play(USERS, clock=VirtualClock(6 * HOUR_S, HOUR_S / 2))
    assert course.served == USERS
    assert course.most_in_a_minute <= 79
    assert course.smallest_gap_s >= 0.5


def test_a_server_that_takes_two_in_five_seconds_for_two_hours_is_hardly_bothered():
    """At most 102 rejections, where a fixed interval gives 5,450; everybody is served."""
    course = play(USERS, Capacity(0.4, 8 * HOUR_S, 10 * HOUR_S))
    assert course.served == USERS
    assert 0 < course.rejections <= 102


def test_an_outage_of_two_hours_costs_few_attempts_and_nobody():
    """At most 39 rejections, where a fixed interval gives 8,334; everybody is served."""
    course = play(USERS, Capacity(0.0, 8 * HOUR_S, 10 * HOUR_S))
    assert course.served == USERS
    assert 0 < course.rejections <= 39


@pytest.mark.parametrize("max_in_flight", [1, 4])
def test_slow_answers_never_make_two_starts_closer_than_the_floor(max_in_flight):
    """More accounts than fit, answers of up to two seconds: the floor holds, and the limit in flight."""
    course = play(20_000, max_in_flight=max_in_flight, latency_s=lambda random: random.uniform(0.1, 2.0))
    assert course.smallest_gap_s >= 0.5
    assert course.served == 20_000
