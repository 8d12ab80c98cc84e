"""Runs and watches as the guard sees them, at noon of some day."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from flows.ops.guard import decide
from flows.ops.models import Lock, Phase, Run, Verdict, Watch
from flows.ops.parameters import Duty, Patience

NOON = datetime(2030, 5, 5, 12, tzinfo=UTC)
DAY_S = 86_400
DUTY = Duty(process="pop", deployment="pop/daily")
DEPLOYMENT = uuid4()
PATIENCE = Patience()
FREE = Lock(held=False)
BY_LIMIT = "Deployment concurrency limit reached."
BY_LOCK = "Another run of pop holds its lock and goes on; this one does nothing."
ENDED = (Phase.COMPLETED, Phase.FAILED, Phase.CRASHED, Phase.CANCELLED)


def a_run(phase: Phase, age_s: float = 3600, **facts: object) -> Run:
    """A run that was to start, and came into its state, so long before noon."""
    at = NOON - timedelta(seconds=age_s)
    given = {"id": uuid4(), "state": phase.title(), "since_utc": at, "expected_utc": at} | facts
    return Run(deployment_id=DEPLOYMENT, phase=phase, **given)


def a_watch(*runs: Run, lock: Lock = FREE, is_paused: bool = False) -> Watch:
    return Watch(DUTY, lock, DEPLOYMENT, is_paused, runs)


def at_noon(*runs: Run, lock: Lock = FREE) -> Verdict:
    return decide(a_watch(*runs, lock=lock), NOON, PATIENCE)
