"""The guard's look at what comes again and again by its own schedule: is a run missed, and nobody says so? Pure.

Such a process is not started by the guard, for its next run does what the last one left. What fails is mailed by
itself; what is turned away by the limit hour after hour, or cancelled, or never started, is not.

Source  docs/decisions.md, "Rhythms"
"""

from datetime import datetime, timedelta

from flows.ops.models import Alarm, Phase, Pulse, Run, Trouble

# An end that was seen: what it paid is in its report, why it did not is in its mail.
ENDED = {Phase.COMPLETED, Phase.FAILED}


def missed(pulse: Pulse, now_utc: datetime) -> Alarm | None:
    """Return an alarm when the first run after the last one that ended was due too long ago.

    A pause of the operator's makes no runs, and so none that are missed.
    """
    if pulse.problem is not None:
        return Alarm(pulse.problem)
    first = _first_open(pulse, now_utc)
    if pulse.is_paused or first is None:
        return None
    if now_utc - first.expected_utc <= timedelta(seconds=pulse.rhythm.late_s):
        return None
    return Alarm(
        f"{pulse.rhythm.deployment} was due at {first.expected_utc:%Y-%m-%d %H:%M} UTC (its run is {first.state}), and "
        "no run of it has come to an end since.",
        Trouble.OVERDUE,
    )


def _first_open(pulse: Pulse, now_utc: datetime) -> Run | None:
    """Return the oldest run that was due after the newest that ended."""
    due = sorted(
        (run for run in pulse.runs if not run.is_dry and run.expected_utc <= now_utc),
        key=lambda run: (run.expected_utc, run.id),
    )
    since = max((place for place, run in enumerate(due, 1) if run.phase in ENDED), default=0)
    return next(iter(due[since:]), None)
