"""The guard's decision: is somebody at work on the duty, and if not, why not? Pure.

The lock is the truth about "somebody is at work"; the engine's states only say why nobody is.
Source  docs/decisions.md, "The guard"
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from flows.ops.models import Alarm, Fine, Lock, Phase, Restart, Run, Trouble, Verdict, Watch
from flows.ops.parameters import Duty, Patience

OPENS = timedelta(minutes=2)  # before, the cron's own run may be on its way
CLOSES = timedelta(minutes=3)  # a run started now would touch midnight, and so tomorrow's slot
SOON = timedelta(minutes=20)  # longer than the longest backoff
OVERDUE = timedelta(minutes=2)  # a retry waits inside its process: nobody else starts it
SETTLE_S = 5.0  # between letting go of the lock and the run's last state
RETAKE_S = 10.0  # a run that had the lock and runs again needs less than this to take it again

DELAY_S = 5
DELAY_MAX_S = 900
FREE_FAILURES = 3

BY_OPERATOR = {
    Phase.CANCELLED: "cancelled by operator, until the next cron",
    Phase.CANCELLING: "being cancelled by operator",
    Phase.PAUSED: "run paused by operator",
}
NOT_BY_OPERATOR = ("Deployment concurrency ", "Another run of ")  # the engine's limit; our DutyHeld


def decide(watch: Watch, now_utc: datetime, patience: Patience) -> Verdict:
    """Return what is to be done for a duty; its runs were read before its lock."""
    if watch.problem is not None:
        return Alarm(watch.problem)
    if watch.lock.finished:
        return Fine("the day's work is done")
    if watch.lock.held:
        return _held(watch, now_utc, patience)
    if not _is_open(watch.duty, now_utc):
        return Fine("outside its hours")
    if watch.is_paused:
        return Fine("paused by operator")
    return _idle(watch, now_utc, patience)


def _is_open(duty: Duty, now_utc: datetime) -> bool:
    """Tell whether a run may be started at this time of the duty's day.

    >>> from datetime import UTC
    >>> pop = Duty(process="pop", deployment="pop/daily")
    >>> [_is_open(pop, datetime(2030, 1, 1, *at, tzinfo=UTC)) for at in ((0, 1), (0, 2), (23, 56), (23, 57))]
    [False, True, True, False]
    """
    return duty.opens_after + OPENS <= duty.since_midnight(now_utc) < timedelta(days=1) - CLOSES


def _held(watch: Watch, now_utc: datetime, patience: Patience) -> Verdict:
    silent_s = _silence_s(watch, now_utc)
    if silent_s < patience.frozen_s:
        return Fine("at work")
    return Alarm(
        f"{watch.duty.process}: a run holds the lock but records nothing. Its process is frozen: find it and "
        "kill it, then the guard starts a new one.",
        Trouble.FROZEN,
    )


def _silence_s(watch: Watch, now_utc: datetime) -> float:
    """Return the holder's silence; one that never recorded today came from yesterday."""
    if watch.lock.silent_s is not None:
        return watch.lock.silent_s
    return (watch.duty.since_midnight(now_utc) - OPENS).total_seconds()


def _idle(watch: Watch, now_utc: datetime, patience: Patience) -> Verdict:
    runs = sorted((run for run in watch.runs if not run.is_dry), key=lambda run: (run.expected_utc, run.id))
    coming = _on_its_way(runs, watch.lock, now_utc, patience)
    if coming is not None:
        return coming
    dead = tuple(run for run in runs if is_dead(run, watch.lock, now_utc, patience))
    if any(run.id == watch.lock.flow_run_id for run in dead) and (watch.lock.silent_s or 0) < SETTLE_S:
        return Fine("let go of its lock a moment ago")
    reason, delay_s = "its run is dead", DELAY_S
    if not dead:
        last = _last(runs, watch.duty.midnight(now_utc))
        if last is not None and last.phase in BY_OPERATOR:
            return Fine(BY_OPERATOR[last.phase])
        reason, delay_s = _why(last), _delay_s(last, runs, now_utc)
    return Restart(reason, tuple(run.id for run in dead), delay_s, _key(watch.duty, runs, dead, now_utc))


def _on_its_way(runs: Iterable[Run], lock: Lock, now_utc: datetime, patience: Patience) -> Fine | None:
    for run in runs:
        if is_dead(run, lock, now_utc, patience):
            continue
        match run.phase:
            case Phase.SCHEDULED if (run.due_utc or run.expected_utc) <= now_utc + SOON:
                return Fine(f"on its way ({run.state})")
            case Phase.PENDING:
                return Fine("on its way (Pending)")
            case Phase.RUNNING:
                return Fine("starting")
    return None


def is_dead(run: Run, lock: Lock, now_utc: datetime, patience: Patience) -> bool:
    """Tell whether a run that does not hold its lock, nor anybody else, has no process any more.

    The last holder had its lock already, so that it has no start-up to be patient with.
    """
    age_s = (now_utc - run.since_utc).total_seconds()
    match run.phase:
        case Phase.PENDING:
            return age_s > patience.pending_s
        case Phase.RUNNING:
            return age_s > (RETAKE_S if run.id == lock.flow_run_id else patience.starting_s)
        case Phase.SCHEDULED if run.state == "AwaitingRetry":
            return now_utc - (run.due_utc or run.expected_utc) > OVERDUE
    return False


def _last(runs: Sequence[Run], midnight_utc: datetime) -> Run | None:
    """Return today's run whose end says why nobody is at work.

    One that the limit or the lock turned away says nothing; neither does a trial that completed.
    """
    silent = {Phase.SCHEDULED, Phase.COMPLETED}
    today = (run for run in reversed(runs) if run.expected_utc >= midnight_utc)
    return next((run for run in today if run.phase not in silent and not _is_turned_away(run)), None)


def _is_turned_away(run: Run) -> bool:
    return run.phase is Phase.CANCELLED and run.message.startswith(NOT_BY_OPERATOR)


def _why(last: Run | None) -> str:
    if last is None:
        return "nobody took up the day's work"
    return f"its run ended {last.state}"


def _delay_s(last: Run | None, runs: Iterable[Run], now_utc: datetime) -> int:
    if last is None or last.phase is not Phase.FAILED:
        return DELAY_S
    recent = now_utc - timedelta(hours=1)
    return backoff_s(sum(run.phase is Phase.FAILED and run.expected_utc > recent for run in runs))


def backoff_s(failures: int) -> int:
    """Return how long to wait after so many failures within the hour.

    >>> [backoff_s(failures) for failures in (1, 3, 4, 5, 8, 9, 99)]
    [5, 5, 30, 60, 480, 900, 900]
    """
    if failures <= FREE_FAILURES:
        return DELAY_S
    return min(30 << min(failures - FREE_FAILURES - 1, 10), DELAY_MAX_S)


def _key(duty: Duty, runs: Sequence[Run], dead: Sequence[Run], now_utc: datetime) -> str:
    """Name the restart after its predecessor, so that it is started once, however often it is asked for."""
    past = [run for run in runs if run.phase is not Phase.SCHEDULED or run in dead]
    return f"guard:{duty.process}:{duty.day(now_utc)}:{past[-1].id if past else 'none'}"
