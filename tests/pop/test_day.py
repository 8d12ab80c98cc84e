"""A day in memory: the queue, the one deferred retry, the refusals."""

from datetime import UTC, datetime
from random import Random

import pytest

from flows.pop.day import Day
from flows.pop.models import Answer, Facts, Outcome, Wish
from flows.pop.pacing import Pacer
from flows.pop.rules import GameRefusesUs, plan

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SERVED, OVERWHELMED = Answer(Outcome.SERVED), Answer(Outcome.OVERWHELMED, "HTTP 503")
BAD, REFUSED = Answer(Outcome.BAD_REPLY, "binary"), Answer(Outcome.REFUSED, "HTTP 401")


def make_day(users):
    facts = Facts(NOON, [f"0x{n}" for n in range(users)], {})
    return Day(plan(facts, Wish()), Pacer(40_000.0, 0.5, 0.0, Random(1)))


def play(day, *answers):
    taken = []
    for answer in answers:
        now_s = day.next_start_s()
        taken.append(day.start(now_s))
        day.answered(taken[-1], NOON, answer, now_s + 0.1)
    return taken


def test_an_overwhelmed_account_is_tried_once_more_at_the_end():
    """One deferred retry, after everybody else; never a third."""
    day = make_day(2)
    taken = play(day, OVERWHELMED, SERVED, OVERWHELMED)
    assert taken == [day.plan.queue[0], day.plan.queue[1], day.plan.queue[0]]
    assert day.next_start_s() is None


def test_a_bad_reply_is_not_tried_again_and_does_not_slow_down():
    """The server can cope; what it said was wrong."""
    day = make_day(3)
    play(day, SERVED)
    before_s = day.next_start_s()
    pace = day._pacer.rate
    play(day, BAD)
    assert (day.left, day._pacer.rate) == (1, pace)
    assert before_s < day.next_start_s()


def test_five_refusals_in_a_row_are_our_fault():
    """Four may be bad accounts; the fifth is a bad token."""
    day = make_day(20)
    play(day, REFUSED, REFUSED, REFUSED, REFUSED, SERVED, REFUSED, REFUSED, REFUSED, REFUSED)
    with pytest.raises(GameRefusesUs, match=r"5 accounts in a row \(HTTP 401\)"):
        play(day, REFUSED)


def test_an_account_that_was_refused_before_is_no_news():
    """Five banned accounts must not end every run of every day."""
    names = [f"0x{n}" for n in range(8)]
    facts = Facts(NOON, names, {}, refused=frozenset(names[:6]))
    day = Day(plan(facts, Wish()), Pacer(40_000.0, 0.5, 0.0, Random(1)))
    taken = play(day, SERVED, SERVED, *[REFUSED] * 6)
    assert set(taken[:2]) == {"0x6", "0x7"}
    assert day.attempts == {"served": 2, "refused": 6}


def test_every_answer_waits_to_be_recorded():
    """Failures too: the auditor asks why."""
    day = make_day(3)
    play(day, SERVED, OVERWHELMED, BAD)
    assert [attempt.outcome for attempt in day.unrecorded] == ["served", "overwhelmed", "bad reply"]
    assert [attempt.reason for attempt in day.unrecorded] == ["", "HTTP 503", "binary"]


def test_an_attempt_that_was_cut_off_is_first_again():
    """Nothing is lost when a slot ends in the middle of an exchange."""
    day = make_day(2)
    account = day.start(day.next_start_s())
    day.put_back(account)
    assert (day.left, day.start(day.next_start_s())) == (2, account)


def test_the_window_closes_for_those_who_are_left():
    """After the end nobody starts, however many wait."""
    day = make_day(5)
    day.ends_at(0.1)
    assert day.next_start_s() is None
    assert day.left == 5
