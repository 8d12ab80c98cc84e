"""A duty's day is its own zone's, and its work may not begin before its hour."""

from datetime import UTC, datetime, time, timedelta
from uuid import UUID

import pytest
from pydantic import ValidationError

from flows.ops.guard import decide
from flows.ops.models import Fine, Lock, Phase, Restart, Run, Watch
from flows.ops.parameters import Duty, Patience

ALMATY = Duty(process="x", deployment="x/daily", timezone="Asia/Almaty", opens=time(9))
NINE_UTC = datetime(2030, 5, 5, 4, tzinfo=UTC)


def verdict(minutes: float, *runs: Run) -> str:
    """What the guard says so many minutes after nine in Almaty, where nobody is at work."""
    watch = Watch(ALMATY, Lock(held=False), UUID(int=1), runs=runs)
    return type(decide(watch, NINE_UTC + timedelta(minutes=minutes), Patience())).__name__


def failed(minutes: float) -> Run:
    at = NINE_UTC + timedelta(minutes=minutes)
    return Run(UUID(int=2), UUID(int=1), Phase.CANCELLED, "Cancelled", at, at, message="operator")


@pytest.mark.parametrize(
    ("minutes", "wanted"),
    [(-500, Fine), (-1, Fine), (1, Fine), (3, Restart), (14 * 60 + 56, Restart), (14 * 60 + 58, Fine)],
)
def test_the_guard_starts_nothing_outside_the_hours(minutes, wanted):
    """Not before nine in Almaty, nor when midnight there is near."""
    assert verdict(minutes) == wanted.__name__


def test_yesterdays_cancel_is_over_at_almatys_midnight():
    """An operator's cancel holds for the zone's day, not for the UTC day."""
    today, yesterday_there = failed(-8 * 60), failed(-10 * 60)
    assert today.expected_utc.date() == yesterday_there.expected_utc.date()
    assert verdict(5, today) == Fine.__name__
    assert verdict(5, yesterday_there) == Restart.__name__


def test_a_wrong_zone_is_refused():
    """The form says which word is wrong."""
    with pytest.raises(ValidationError, match="no such zone: 'Asia/Nowhere'"):
        Duty(process="x", deployment="x/daily", timezone="Asia/Nowhere")
