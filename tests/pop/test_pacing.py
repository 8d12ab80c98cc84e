"""The pacer's promises, whatever the server answers and however late the machine is."""

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.pop.pacing import PAUSE_MAX_S, Pacer

MIN_GAP_S = 0.5
delays_s = st.floats(0, 3)
events = st.lists(
    st.tuples(delays_s, delays_s, st.sampled_from(["served", "overloaded", "restarting", "bad"])),
    min_size=2,
    max_size=60,
)


def drive(pacer, happenings):
    """Start as the loop does: when due, plus a delay; then an answer, after another."""
    starts_s, now_s = [], pacer.slot_s
    for number, (late_s, answer_s, event) in enumerate(happenings):
        left = len(happenings) - number
        now_s = max(now_s, pacer.next_start_s(left)) + late_s
        pacer.started(now_s, left)
        starts_s.append(now_s)
        now_s += answer_s
        if event == "served":
            pacer.succeeded(now_s)
        elif event != "bad":
            pacer.overloaded(now_s, restarting=event == "restarting")
    return starts_s


@given(events, st.integers(0, 100_000), st.integers(0, 9))
def test_no_two_starts_are_ever_closer_than_the_floor(happenings, end_s, seed):
    """No burst, whatever was missed and however short the time is."""
    starts_s = drive(Pacer(float(end_s), MIN_GAP_S, 0.0, Random(seed)), happenings)
    gaps_s = [later - earlier for earlier, later in pairwise(starts_s)]
    assert min(gaps_s) >= MIN_GAP_S - 1e-9
    assert starts_s[0] >= MIN_GAP_S - 1e-9


@given(st.integers(1, 400), st.integers(0, 9))
def test_everybody_fits_into_the_time_that_is_left(users, seed):
    """With room for all at the smallest gap, the last start is before the end."""
    end_s = (users + 1) * MIN_GAP_S * 1.3
    starts_s = drive(Pacer(end_s, MIN_GAP_S, 0.0, Random(seed)), [(0.0, 0.0, "served")] * users)
    assert starts_s[-1] < end_s


@given(st.integers(20, 200), st.integers(0, 9))
def test_what_a_stall_missed_is_spread_over_the_rest(users, seed):
    """After a stall of a third of the time, the pace rises to the new share and not above."""
    end_s = users * 10.0
    happenings = [(0.0, 0.0, "served")] * users
    happenings[1] = (end_s / 3, 0.0, "served")
    starts_s = drive(Pacer(end_s, MIN_GAP_S, 0.0, Random(seed)), happenings)
    after = starts_s[1:]
    share_s = (end_s - after[0]) / (users - 1)
    gaps_s = [later - earlier for earlier, later in pairwise(after)]
    assert min(gaps_s) >= 0.85 * share_s
    assert starts_s[-1] < end_s


def test_the_answer_to_when_stays_the_same_until_something_happens():
    """Asking twice changes nothing: the jitter of a gap is drawn once."""
    pacer = Pacer(1000.0, MIN_GAP_S, 0.0, Random(1))
    assert pacer.next_start_s(10) == pacer.next_start_s(10)


def test_a_pause_doubles_up_to_its_limit_and_success_ends_it():
    """1, 2, 4 … seconds, at most 300; after a success it begins at 1 again."""
    pacer, pauses_s = Pacer(1e6, MIN_GAP_S, 0.0, Random(1)), []
    for _ in range(12):
        pacer.overloaded(0.0)
        pauses_s.append(pacer._not_before_s)
    assert pauses_s[:3] == [1.0, 2.0, 4.0]
    assert pauses_s[-1] == PAUSE_MAX_S
    pacer.succeeded(1000.0)
    pacer.overloaded(1000.0)
    assert pacer._not_before_s == 1001.0


def test_retry_after_is_honoured_over_our_own_pause():
    """The server knows best when it is ready."""
    pacer = Pacer(1e6, MIN_GAP_S, 0.0, Random(1))
    pacer.overloaded(10.0, 1800.0)
    assert pacer.next_start_s(5) >= 1810.0


@pytest.mark.parametrize("seed", range(5))
def test_a_restarting_server_gets_a_random_pause(seed):
    """Close 1012: all clients come back, so each waits 5-30 s of its own."""
    pacer = Pacer(1e6, MIN_GAP_S, 0.0, Random(seed))
    pacer.overloaded(0.0, restarting=True)
    assert 5.0 <= pacer._not_before_s <= 30.0


def test_the_rate_falls_at_once_and_recovers_slowly():
    """Five overloads lower two starts a second to one in three seconds; ten minutes of success bring it back."""
    pacer = Pacer(0.0, MIN_GAP_S, 0.0, Random(1))
    for _ in range(5):
        pacer.overloaded(0.0)
    assert pacer.floor_s == pytest.approx(2.98, abs=0.01)
    for now_s in range(10, 610, 10):
        pacer.succeeded(float(now_s))
    assert 1 / 0.9 < pacer.floor_s < 1 / 0.7


def test_the_gap_counts_from_when_the_server_saw_us():
    """A handshake of 200 ms moves the next start: the server never sees two within the gap."""
    pacer = Pacer(0.0, MIN_GAP_S, 0.0, Random(1))
    pacer.started(1.0, 5)
    pacer.seen(1.2)
    assert pacer.next_start_s(4) == pytest.approx(1.7)
