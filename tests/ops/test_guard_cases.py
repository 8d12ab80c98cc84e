"""The guard's decision, case by case."""

from datetime import timedelta

import pytest

from flows.ops.guard import decide
from flows.ops.models import Alarm, Fine, Lock, Phase, Restart, Watch
from tests.ops.runs import (
    BY_LIMIT,
    BY_LOCK,
    DAY_S,
    DUTY,
    NOON,
    PATIENCE,
    a_run,
    at_noon,
)


@pytest.mark.parametrize("message", [BY_LIMIT, BY_LOCK])
def test_a_run_that_was_turned_away_is_no_cancellation(message: str) -> None:
    """A run turned away by limit or lock does not stand for an operator's will, and gives a new key."""
    crashed, away = a_run(Phase.CRASHED, 600), a_run(Phase.CANCELLED, 300, message=message)
    verdict = at_noon(crashed, away)
    assert isinstance(verdict, Restart)
    assert verdict.idempotency_key == f"guard:pop:2030-05-05:{away.id}"


def test_a_turned_away_run_does_not_hide_an_operators_cancel() -> None:
    """A run that the limit turned away after an operator's cancel changes nothing about the cancel."""
    cancelled = a_run(Phase.CANCELLED, 600, message="Flow run was cancelled.")
    assert isinstance(at_noon(cancelled, a_run(Phase.CANCELLED, 300, message=BY_LIMIT)), Fine)


def test_a_running_run_without_the_lock_is_replaced() -> None:
    """Running for long without the lock means that the process is gone: marked first, then replaced."""
    zombie = a_run(Phase.RUNNING, 61)
    assert at_noon(zombie) == Restart("its run is dead", (zombie.id,), 5, f"guard:pop:2030-05-05:{zombie.id}")


def test_a_young_run_gets_time_to_reach_its_lock() -> None:
    """A run that has just started is not taken for dead."""
    assert at_noon(a_run(Phase.RUNNING, 59)) == Fine("starting")


def test_a_lock_let_go_a_moment_ago_is_left_to_the_next_tick() -> None:
    """Between the lock's release and the run's last state nothing is decided."""
    run = a_run(Phase.RUNNING, 600)
    assert isinstance(at_noon(run, lock=Lock(False, flow_run_id=run.id, silent_s=2.0)), Fine)
    assert isinstance(at_noon(run, lock=Lock(False, flow_run_id=run.id, silent_s=6.0)), Restart)


def test_a_retry_whose_process_died_is_replaced() -> None:
    """A retry waits inside its process: overdue, it will never come."""
    due = NOON - timedelta(seconds=121)
    assert isinstance(at_noon(a_run(Phase.SCHEDULED, state="AwaitingRetry", due_utc=due)), Restart)
    assert isinstance(at_noon(a_run(Phase.SCHEDULED, state="AwaitingRetry", due_utc=NOON)), Fine)


def test_yesterdays_leftovers_do_not_stop_today() -> None:
    """A run left Running or Cancelling since yesterday neither counts as today's nor stops it."""
    zombie = a_run(Phase.RUNNING, 1.2 * DAY_S)
    stuck = a_run(Phase.CANCELLING, 1.1 * DAY_S)
    assert at_noon(stuck).reason == "nobody took up the day's work"
    assert at_noon(zombie, stuck).crash == (zombie.id,)


def test_repeated_failures_are_started_ever_later() -> None:
    """After the third failure within the hour the pauses double, up to a quarter of an hour."""
    failed = [a_run(Phase.FAILED, 60 * number) for number in range(1, 8)]
    delays = [at_noon(*failed[-count:]).delay_s for count in range(1, 8)]
    assert delays == [5, 5, 5, 30, 60, 120, 240]


def test_failures_of_yesterday_evening_are_forgotten() -> None:
    """Failures older than an hour cost no pause."""
    failed = [a_run(Phase.FAILED, 3601 + number) for number in range(9)]
    assert at_noon(*failed, a_run(Phase.FAILED, 5)).delay_s == 5


def test_a_completed_trial_is_not_the_days_work() -> None:
    """A completed run that did not finish the duty (a trial, a dry run) does not stop the day's run."""
    assert isinstance(at_noon(a_run(Phase.COMPLETED), a_run(Phase.COMPLETED, is_dry=True)), Restart)


@pytest.mark.parametrize(("silent_s", "kind"), [(119.0, Fine), (121.0, Alarm)])
def test_a_silent_holder_is_an_alarm(silent_s: float, kind: type) -> None:
    """A holder that records nothing for two minutes is frozen: a person must look."""
    assert isinstance(at_noon(lock=Lock(True, silent_s=silent_s)), kind)


def test_a_holder_left_from_yesterday_is_an_alarm() -> None:
    """A lock held at noon by a run that never took up today's work is frozen too."""
    assert isinstance(at_noon(lock=Lock(True, silent_s=None)), Alarm)


def test_what_cannot_be_seen_is_an_alarm() -> None:
    """Without the database the guard starts nothing and says why."""
    watch = Watch(DUTY, problem="DatabaseUnreachable: state-db: nothing answers")
    assert decide(watch, NOON, PATIENCE) == Alarm("DatabaseUnreachable: state-db: nothing answers")
