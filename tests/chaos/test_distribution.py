"""A sample of the crash campaign on distribution: `make chaos ARGS=distribution` runs the whole."""

from collections.abc import Iterator

import pytest

import sandbox
from deployments.stack import Stack
from tests.chaos import distribution
from tests.chaos.attempt import End
from tests.chaos.banking import BankGround, ground
from tests.chaos.wire import Point


@pytest.fixture(scope="module")
def outside(world: sandbox.World, stack: Stack) -> Iterator[BankGround]:
    """Databases and mail sink behind taps."""
    with ground(world, stack) as outside:
        yield outside


@pytest.fixture(scope="module")
def points(outside: BankGround) -> list[Point]:
    """All points of an undisturbed day."""
    return distribution.record(outside)


@pytest.mark.parametrize("place", range(4), ids=("DSSB", "DSSB lost", "SPSS", "SPSS lost"))
def test_a_day_survives_kill_9_at_its_commits(outside, points, place):
    """Killed before or after a commit, with another source afterwards: one plan, every user exactly once."""
    commit = distribution.commits(points)[place]
    case = distribution.play(outside, [commit], is_changed=True)
    assert case.violations == []
    assert case.struck == [commit]
    assert case.mails == 1


def test_a_mail_whose_mark_is_lost_is_sent_again(outside, points):
    """At least once, and to be recognised by its Message-ID."""
    sent = next(point for point in reversed(points) if point.statement == "the mail itself")
    case = distribution.play(outside, [sent])
    assert case.violations == []
    assert case.mails == 2


def test_of_two_runs_one_wins(outside, points):
    """Who comes while another stands before its commit does nothing, even if the other has lost its lock."""
    duels = distribution.duels(outside, points)
    assert [duel.violations for duel in duels.values()] == [[], [], []]
    assert [duel.ends for duel in duels.values()][1:] == [[End.COMPLETED.name, End.CANCELLED.name]] * 2


def test_the_old_way_is_found_out(outside):
    """Row by row without a ledger, the same crash leaves users twice: the campaign can fail."""
    naive = outside.naive()
    points = distribution.record(naive)
    assert not any("too many" in wrong for wrong in outside.bank.held().wrong(outside.bank.users()))
    case = distribution.play(naive, [points[len(points) // 2]])
    assert any("rows too many for their users in SPSS" in wrong for wrong in case.violations)
    assert any("torn" in wrong for wrong in case.violations)
