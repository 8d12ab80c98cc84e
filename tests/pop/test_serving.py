"""The loop: nothing in flight beyond the limit, nothing lost, nobody sends without a ledger."""

import asyncio
from dataclasses import replace
from random import Random

import pytest

from benchmarks.virtual_day import MIDNIGHT_UTC, VirtualClock, in_virtual_time
from flows.pop.day import Day
from flows.pop.models import Answer, Facts, Outcome, Wish
from flows.pop.pacing import Pacer
from flows.pop.rules import plan
from flows.pop.serving import Serving


class Outside:
    """A server and a ledger that count; the ledger can be away."""

    def __init__(self, takes_s=0.1):
        self.in_flight = self.most_in_flight = 0
        self.sent, self.ledger = [], []
        self.takes_s, self.away = takes_s, False

    async def send(self, account, seen):
        self.sent.append(account)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await asyncio.sleep(self.takes_s)
        finally:
            self.in_flight -= 1
        return Answer(Outcome.SERVED)

    async def record(self, attempts):
        if self.away:
            raise ConnectionError("away")
        self.ledger += [attempt.account for attempt in attempts]


def make_serving(outside, users=40, max_in_flight=1):
    facts = Facts(MIDNIGHT_UTC, [f"0x{n}" for n in range(users)], {})
    day = Day(plan(facts, Wish()), Pacer(users * 1.0, 0.5, 0.0, Random(1)))
    return Serving(day, VirtualClock(), outside.send, outside.record, max_in_flight)


@pytest.mark.parametrize("limit", [1, 4])
def test_no_more_connections_than_allowed(limit):
    """With answers slower than the pace, the limit is reached and never passed."""
    outside = Outside(takes_s=5.0)
    in_virtual_time(make_serving(outside, max_in_flight=limit).until(1000.0))
    assert outside.most_in_flight == limit


def test_all_that_was_sent_is_recorded():
    """The last answers too, and each once."""
    outside = Outside()
    in_virtual_time(make_serving(outside).until(1000.0))
    assert outside.ledger == outside.sent
    assert len(set(outside.sent)) == 40


def test_a_slot_ends_with_nothing_in_flight_and_the_next_goes_on():
    """Two slots serve everybody once."""
    outside = Outside(takes_s=3.0)
    serving = make_serving(outside, max_in_flight=4)

    async def two_slots():
        await serving.until(20.0)
        assert outside.in_flight == 0
        assert 0 < serving.day.left < 40
        await serving.until(1000.0)

    in_virtual_time(two_slots())
    assert sorted(outside.ledger) == sorted(set(outside.sent))
    assert serving.day.left == 0


def test_a_slot_lasts_until_its_end_while_somebody_is_left():
    """With one account an hour, the slots before it are empty and still take their time."""
    serving = make_serving(Outside(), users=1)
    serving.day.ends_at(7200.0)

    async def one_slot():
        await serving.until(900.0)
        assert serving.clock.monotonic_s() == pytest.approx(900.0)
        assert serving.day.left == 1

    in_virtual_time(one_slot())


def test_our_own_mistake_is_met_by_one_account_and_not_by_the_day():
    """An exception that nobody foresaw counts as a refusal: one is passed over, five in a row end the run."""
    outside = Outside()
    serving = make_serving(outside, users=10)
    proper = outside.send

    async def slip(account, seen):
        if account == serving.day.plan.queue[0]:
            raise LookupError("nobody foresaw it")
        return await proper(account, seen)

    serving = replace(serving, send=slip)
    in_virtual_time(serving.until(1000.0))
    assert serving.day.attempts == {"refused": 1, "served": 9}


def test_without_a_ledger_sending_stops_and_nothing_is_forgotten():
    """The lock may be lost with the ledger: another run may send now. A retry hands in what is owed."""
    outside = Outside(takes_s=0.1)
    serving = make_serving(outside)

    async def lose_and_find():
        outside.away = True
        with pytest.raises(ConnectionError):
            await serving.until(1000.0)
        sent = len(outside.sent)
        assert sent <= 5
        outside.away = False
        await serving.until(1000.0)

    in_virtual_time(lose_and_find())
    assert set(outside.ledger) == set(outside.sent)
    assert len(set(outside.ledger)) == 40
