"""The guard's decision, for any state of lock and runs."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import assume, given
from hypothesis import strategies as st

from flows.ops.guard import SOON, decide
from flows.ops.models import Fine, Lock, Phase, Restart, Run, Watch
from tests.ops.runs import (
    BY_LIMIT,
    BY_LOCK,
    DAY_S,
    DEPLOYMENT,
    DUTY,
    ENDED,
    FREE,
    NOON,
    PATIENCE,
    a_run,
)


@st.composite
def any_run(draw: st.DrawFn) -> Run:
    phase = draw(st.sampled_from(Phase))
    expected_s = draw(st.floats(-6 * 3600, 1.5 * DAY_S))
    in_state_s = draw(st.floats(0, 3600))
    named = {Phase.SCHEDULED: ["Scheduled", "Late", "AwaitingRetry"]}.get(phase, [phase.title()])
    return Run(
        id=UUID(int=draw(st.integers(0, 2**64))),
        deployment_id=DEPLOYMENT,
        phase=phase,
        state=draw(st.sampled_from(named)),
        since_utc=NOON - timedelta(seconds=in_state_s),
        expected_utc=NOON - timedelta(seconds=expected_s),
        due_utc=NOON - timedelta(seconds=expected_s) if phase is Phase.SCHEDULED else None,
        message=draw(st.sampled_from(["", "operator", BY_LIMIT, BY_LOCK])),
        is_dry=draw(st.booleans()),
    )


runs = st.lists(any_run(), max_size=8, unique_by=lambda run: run.id).map(tuple)
locks = st.builds(
    Lock,
    held=st.booleans(),
    finished=st.booleans(),
    silent_s=st.none() | st.floats(0, DAY_S, exclude_min=True),
)
watches = st.builds(Watch, st.just(DUTY), locks, st.just(DEPLOYMENT), st.booleans(), runs)
idle = st.builds(Watch, st.just(DUTY), st.just(FREE), st.just(DEPLOYMENT), st.just(False), runs)
moments = st.datetimes(NOON.replace(tzinfo=None, hour=0), NOON.replace(tzinfo=None, hour=23, minute=59)).map(
    lambda moment: moment.replace(tzinfo=UTC)
)


@given(watches, moments)
def test_nothing_is_started_beside_a_holder(watch: Watch, now_utc: datetime) -> None:
    """While the lock is held, or the day's work is done, no run is started."""
    assume(watch.lock.held or watch.lock.finished)
    assert not isinstance(decide(watch, now_utc, PATIENCE), Restart)


@given(idle, moments)
def test_an_operator_who_pauses_is_respected(watch: Watch, now_utc: datetime) -> None:
    """A paused deployment is never started."""
    assert isinstance(decide(replace(watch, is_paused=True), now_utc, PATIENCE), Fine)


@given(idle)
def test_an_operator_who_cancels_is_respected(watch: Watch) -> None:
    """A run cancelled by a person, with none after it and none dead, stays the last of its day."""
    ended = tuple(run for run in watch.runs if run.phase in ENDED and run.expected_utc <= NOON)
    cancelled = a_run(Phase.CANCELLED, age_s=0, message="Flow run was cancelled.")
    assert decide(replace(watch, runs=(*ended, cancelled)), NOON, PATIENCE) == Fine(
        "cancelled by operator, until the next cron"
    )


@given(idle)
def test_an_idle_duty_is_taken_up(watch: Watch) -> None:
    """With only ended runs that no operator ended, a new one is started, whatever there was."""
    ended = tuple(
        run
        for run in watch.runs
        if run.phase in ENDED and not (run.phase is Phase.CANCELLED and run.message in {"", "operator"})
    )
    assert isinstance(decide(replace(watch, runs=ended), NOON, PATIENCE), Restart)


@given(idle)
def test_no_state_is_idle_for_ever(watch: Watch) -> None:
    """An hour later the same runs are either replaced, or wait for a worker, or an operator stopped them."""
    stopped = {Phase.CANCELLED, Phase.CANCELLING, Phase.PAUSED}
    verdict = decide(watch, NOON + timedelta(hours=1, minutes=5), PATIENCE)
    waiting = any(run.phase is Phase.SCHEDULED and run.state != "AwaitingRetry" for run in watch.runs)
    assert isinstance(verdict, Restart) or waiting or any(run.phase in stopped for run in watch.runs)


@given(idle, moments)
def test_two_ticks_start_one_successor(watch: Watch, now_utc: datetime) -> None:
    """Once a successor is scheduled, the next tick finds it on its way; asked twice, the key is the same."""
    verdict = decide(watch, now_utc, PATIENCE)
    assume(isinstance(verdict, Restart))
    assert decide(watch, now_utc, PATIENCE) == verdict
    marked = [replace(run, phase=Phase.CRASHED) if run.id in verdict.crash else run for run in watch.runs]
    due = now_utc + timedelta(seconds=verdict.delay_s)
    successor = a_run(Phase.SCHEDULED, expected_utc=due, due_utc=due)
    assert isinstance(decide(replace(watch, runs=(*marked, successor)), now_utc, PATIENCE), Fine)
    assert timedelta(seconds=verdict.delay_s) < SOON


@given(idle, moments)
def test_only_the_dead_are_marked(watch: Watch, now_utc: datetime) -> None:
    """No ended, cancelled, paused or dry run is marked Crashed before a restart."""
    verdict = decide(watch, now_utc, PATIENCE)
    assume(isinstance(verdict, Restart))
    marked = [run for run in watch.runs if run.id in verdict.crash]
    assert {run.phase for run in marked} <= {Phase.PENDING, Phase.RUNNING, Phase.SCHEDULED}
    assert not any(run.is_dry for run in marked)


@given(idle, moments)
def test_midnight_is_left_alone(watch: Watch, now_utc: datetime) -> None:
    """Nothing is started in the first two and the last three minutes of a UTC day."""
    assume(not timedelta(minutes=2) <= now_utc - NOON.replace(hour=0) < timedelta(hours=23, minutes=57))
    assert not isinstance(decide(watch, now_utc, PATIENCE), Restart)
