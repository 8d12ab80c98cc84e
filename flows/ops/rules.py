"""The janitor's plan: which runs have no process any more, and what each duty needs. Pure.

Source  docs/decisions.md, "The janitor"
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

from flows.ops import rhythm
from flows.ops.guard import decide
from flows.ops.models import (
    ACTIVE,
    Alarm,
    Crash,
    Facts,
    Finding,
    Fine,
    Phase,
    Plan,
    Restart,
    Run,
    Trouble,
    Verdict,
)
from flows.ops.parameters import Duty, Patience

BEAT_S = 60  # flows.heartbeat_frequency in pyproject.toml


class ProcessFrozen(RuntimeError):
    """A run holds its lock but records nothing: its process is frozen."""


class GuardBlind(RuntimeError):
    """The guard cannot see whether a duty is being done."""


class Overdue(RuntimeError):
    """A deployment's runs do not come, or do not come to an end, and no run of it has said why."""


class SystemUnwell(RuntimeError):
    """The doctor found something broken."""


KINDS = {Trouble.BLIND: GuardBlind, Trouble.OVERDUE: Overdue, Trouble.FROZEN: ProcessFrozen}


def plan(facts: Facts, patience: Patience) -> Plan:
    """Decide what is marked Crashed and what is started; the same facts give the same plan."""
    verdicts = tuple((watch.duty, decide(watch, facts.now_utc, patience)) for watch in facts.watches)
    missed = tuple(
        (pulse.rhythm, alarm)
        for pulse in facts.pulses
        if (alarm := rhythm.missed(pulse, facts.now_utc)) is not None
    )
    known = {run.id: run for watch in facts.watches for run in watch.runs}
    guarded = [Crash(known[id_], "its lock is free") for id_ in _before_restart(verdicts)]
    rest = [crash for crash in _suspects(facts, patience) if crash.run.id not in _ids(guarded)]
    return Plan((*guarded, *_harmless(rest, facts.active)), verdicts, missed)


def _before_restart(verdicts: Iterable[tuple[Duty, Verdict]]) -> list[UUID]:
    return [id_ for _, verdict in verdicts if isinstance(verdict, Restart) for id_ in verdict.crash]


def _ids(crashes: Iterable[Crash]) -> set[UUID]:
    return {crash.run.id for crash in crashes}


def _suspects(facts: Facts, patience: Patience) -> list[Crash]:
    """Return the stale Pending and the silent Running, but no run whose duty's lock is held.

    The lock is the better witness: heartbeats go to the server, and the way there may be what is broken.
    """
    pending_from = facts.now_utc - timedelta(seconds=patience.pending_s)
    held = {watch.deployment_id for watch in facts.watches if watch.lock.held or watch.problem}
    stale = [run for run in facts.active if run.phase is Phase.PENDING and run.since_utc < pending_from]
    silent = [run for run in _silent(facts, patience) if run.is_dry or run.deployment_id not in held]
    return [
        *(Crash(run, f"Pending for more than {patience.pending_s} s") for run in stale),
        *(Crash(run, f"no heartbeat for more than {patience.silent_s} s") for run in silent),
    ]


def _silent(facts: Facts, patience: Patience) -> list[Run]:
    silent_s = silence_s(patience, facts.tick_s)
    if not is_witnessed(facts.ticks_utc, facts.now_utc, silent_s, facts.tick_s):
        return []
    since = facts.now_utc - timedelta(seconds=silent_s)
    long = long_running(facts.active, facts.now_utc, silent_s)
    return [run for run in long if facts.last_beat_utc.get(run.id, run.since_utc) < since]


def silence_s(patience: Patience, tick_s: int) -> int:
    """Return the silence that counts: longer than any outage that two ticks in time can hide."""
    return max(patience.silent_s, 2 * tick_s + 2 * BEAT_S)


def long_running(runs: Iterable[Run], now_utc: datetime, silent_s: int) -> list[Run]:
    """Return the runs that have been Running for so long that a heartbeat is due."""
    since = now_utc - timedelta(seconds=silent_s)
    return [run for run in runs if run.phase is Phase.RUNNING and run.since_utc < since]


def is_witnessed(ticks_utc: Sequence[datetime], now_utc: datetime, silent_s: int, tick_s: int) -> bool:
    """Tell whether the silence of a run is the run's own: the janitor was heard all the time.

    A janitor's heartbeat in the store proves that scheduler, worker, server and event store all worked at
    that moment. From the beginning of the silence until now there must be no hole longer than two ticks;
    after an outage this takes `silent_s` to come true, and by then healthy runs have been heard again.
    """
    heard = [*sorted(tick for tick in ticks_utc if tick <= now_utc), now_utc]
    hole = timedelta(seconds=2 * tick_s)
    gaps = pairwise(heard)
    since = now_utc - timedelta(seconds=silent_s)
    return heard[0] <= since and all(late - early <= hole for early, late in gaps if late > since)


def _harmless(crashes: Sequence[Crash], active: Sequence[Run]) -> list[Crash]:
    """Keep those whose slot is still their own: marking any other would free its successor's slot."""
    ids = _ids(crashes)
    alive = {run.deployment_id for run in active if run.phase in ACTIVE and run.id not in ids}
    return [crash for crash in crashes if not (crash.run.is_limited and crash.run.deployment_id in alive)]


def alarm(alarms: Sequence[Alarm]) -> RuntimeError | None:
    """Return the exception with which the janitor ends, so that the failure mail tells of it."""
    if not alarms:
        return None
    worst = max(alarm.trouble for alarm in alarms)
    return KINDS[worst](" ".join(alarm.reason for alarm in alarms))


def needs_hand(plan: Plan) -> bool:
    """Tell whether there is anything to do or to show; most ticks see nothing."""
    return bool(plan.crashes or plan.missed) or any(
        not isinstance(verdict, Fine) for _, verdict in plan.verdicts
    )


def ready(plan: Plan, marked: Collection[UUID]) -> list[tuple[Duty, Restart]]:
    """Return the restarts whose dead predecessors are really marked.

    One that came to an end by itself meanwhile says something new: the next tick decides.
    """
    restarts = [(duty, verdict) for duty, verdict in plan.verdicts if isinstance(verdict, Restart)]
    return [(duty, verdict) for duty, verdict in restarts if set(verdict.crash) <= set(marked)]


def diagnose(findings: Iterable[Finding]) -> SystemUnwell | None:
    """Return the exception with which the doctor ends when something is broken."""
    broken = [f"{finding.name} ({finding.what})" for finding in findings if not finding.ok]
    return SystemUnwell(f"{len(broken)} broken: {'; '.join(broken)}") if broken else None
