"""A sample of the crash campaign on payout: `make chaos ARGS=payout` runs the whole."""

from collections.abc import Iterator
from functools import partial
from random import Random

import pytest

import sandbox
from deployments.stack import Stack
from sandbox.chain import ChainGuest
from tests.chaos import payout
from tests.chaos.attempt import End
from tests.chaos.ground import Duel, point
from tests.chaos.paying import PayoutGround, ground
from tests.chaos.wire import Point, Side

pytestmark = pytest.mark.skipif(
    not ChainGuest.is_possible(), reason="the chain's EVM has no wheel for this machine"
)

SETTLED = "update payout.account set paid"
# One run after the other is killed; each comes further than the one before it.
STEPS = [
    (("insert into payout.job",), Side.LOST, {"nothing in flight"}),
    (("COMMIT", "set reserved_run"), Side.LOST, {"reserved, not signed"}),
    (("COMMIT", payout.STORED), Side.BEFORE, {"reserved, not signed"}),
    ((payout.SENT,), Side.BEFORE, {"stored, not sent"}),
    ((payout.SENT,), Side.LOST, {"sent, not mined", "submitted"}),
    ((SETTLED,), Side.BEFORE, {"ended, not booked"}),
    (("COMMIT", SETTLED), Side.LOST, {"ended, not booked"}),
]


@pytest.fixture(scope="module")
def outside(world: sandbox.World, paying_world: sandbox.World, stack: Stack) -> Iterator[PayoutGround]:
    """Ledger, game and chain behind taps."""
    with ground(paying_world, stack) as outside:
        outside.scales.begin()
        yield outside
    outside.scales.outside.give_back()
    point(stack, world.env)  # as `make apply` left them


@pytest.fixture(scope="module")
def points(outside: PayoutGround) -> list[Point]:
    """All points of an undisturbed run."""
    return payout.record(outside)


def test_a_payout_survives_kill_9_at_each_of_its_steps(outside, points):
    """In reserve, before and after the store, before and after the send, mined but not booked: every coin once."""
    crashes = [payout.at(points, *words, side=side) for words, side, _ in STEPS]
    case = payout.play(outside, crashes, Random(1))
    assert case.violations == []
    assert case.struck == crashes
    for found, (_, _, wanted) in zip(case.windows, STEPS, strict=True):
        assert wanted & set(found)


def test_bad_weather_changes_nothing(outside):
    """Answers lost, fees that jump, reorganisations, a worker that fails: crashed at any time, every coin comes once."""
    case = payout.play(outside, [2.0, 3.0], Random(1), is_bad=True)
    assert case.violations == []
    assert case.seen
    assert outside.reconcile() is End.COMPLETED


def test_of_two_payouts_one_pays(outside, points):
    """Who comes while another stands before its send is cancelled; if that one has lost its lock, it pays instead."""
    send = payout.at(points, payout.SENT)
    locked = payout.duel(outside, partial(outside.face_to_face, send))
    assert locked == Duel([End.COMPLETED.name, End.CANCELLED.name], [])
    unlocked = payout.duel(outside, partial(outside.face_to_face, send, outside.scales.end_sessions))
    assert unlocked == Duel([End.COMPLETED.name] * 2, [])


def test_a_script_that_tries_again_is_found_out(outside):
    """Without a job in flight that is known beforehand the same crashes pay twice: the campaign can fail."""
    for case in payout.control(outside):
        assert any("more than earned" in wrong for wrong in case.violations)
