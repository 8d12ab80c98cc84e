"""A sample of the crash campaign: `make chaos` runs the whole."""

from collections.abc import Iterator

import pytest

from tests.chaos import pop
from tests.chaos.arena import Arena, arena


@pytest.fixture(scope="module")
def outside() -> Iterator[Arena]:
    """A world and a stack that may be killed."""
    with arena() as outside:
        yield outside


def test_a_day_survives_kill_9(outside):
    """Flow, worker and server killed at once, pop comes back: everybody served, never two at once, no gap too small."""
    day = pop.play(outside, accounts=40, victims=["all"], seed=1)
    assert day.violations == []
    assert day.connections <= day.accounts + 4  # who was served in the last seconds may be served again
    assert day.runs >= 2  # a successor did it: the kill was not in vain
