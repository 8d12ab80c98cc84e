"""What the janitor and its guard see, and what they decide."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from uuid import UUID

from flows.ops.parameters import Duty, Rhythm


class Phase(StrEnum):
    """The types of the engine's states, by the engine's names."""

    SCHEDULED = "SCHEDULED"
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    CANCELLING = "CANCELLING"
    CANCELLED = "CANCELLED"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CRASHED = "CRASHED"
    PAUSED = "PAUSED"


ACTIVE = frozenset({Phase.PENDING, Phase.RUNNING, Phase.CANCELLING})


@dataclass(frozen=True)
class Run:
    """A flow run of a deployment, as the engine has it.

    Attributes:
        since_utc: when it came into its state.
        expected_utc: when it was first meant to start.
        due_utc: when a scheduled run is to start, or to try again.
        state: the state's name (AwaitingRetry and Late are names of SCHEDULED).
    """

    id: UUID
    deployment_id: UUID
    phase: Phase
    state: str
    since_utc: datetime
    expected_utc: datetime
    due_utc: datetime | None = None
    name: str = ""
    message: str = ""
    is_dry: bool = False
    is_limited: bool = False


@dataclass(frozen=True)
class Lock:
    """The duty of today in the database: the truth about whether somebody is at work.

    Attributes:
        silent_s: since the holder last recorded something; None when nobody took up today's work yet.
    """

    held: bool
    finished: bool = False
    flow_run_id: UUID | None = None
    silent_s: float | None = None


@dataclass(frozen=True)
class Watch:
    """A duty with everything known of it; `problem` says in one line why the rest is unknown."""

    duty: Duty
    lock: Lock = Lock(held=False)
    deployment_id: UUID | None = None
    is_paused: bool = False
    runs: tuple[Run, ...] = ()
    problem: str | None = None


@dataclass(frozen=True)
class Pulse:
    """A rhythm with its runs of the last day; `problem` says in one line why they are unknown."""

    rhythm: Rhythm
    is_paused: bool = False
    runs: tuple[Run, ...] = ()
    problem: str | None = None


@dataclass(frozen=True)
class Facts:
    """What one look around found.

    Attributes:
        active: runs of any deployment that hold a slot or may hold one.
        last_beat_utc: of the runs that have been running for long, where there was one.
        ticks_utc: the janitor's own heartbeats, as the server stored them.
    """

    now_utc: datetime
    tick_s: int
    active: tuple[Run, ...] = ()
    watches: tuple[Watch, ...] = ()
    pulses: tuple[Pulse, ...] = ()
    last_beat_utc: Mapping[UUID, datetime] = field(default_factory=dict)
    ticks_utc: tuple[datetime, ...] = ()


@dataclass(frozen=True)
class Fine:
    """Nothing to do for the duty."""

    reason: str


class Trouble(IntEnum):
    """What an alarm is about; of several the highest names the exception."""

    BLIND = 0
    OVERDUE = 1
    FROZEN = 2


@dataclass(frozen=True)
class Alarm:
    """A person must look; `reason` holds no figures that grow, so that the same alarm reads the same."""

    reason: str
    trouble: Trouble = Trouble.BLIND


@dataclass(frozen=True)
class Restart:
    """Start a new run, after the runs in `crash` are marked Crashed.

    Attributes:
        idempotency_key: one successor per predecessor, however often it is asked for.
    """

    reason: str
    crash: tuple[UUID, ...]
    delay_s: int
    idempotency_key: str


Verdict = Fine | Alarm | Restart


@dataclass(frozen=True)
class Crash:
    """A run to be marked Crashed."""

    run: Run
    reason: str


@dataclass(frozen=True)
class Plan:
    """What the janitor will do, in this order."""

    crashes: tuple[Crash, ...]
    verdicts: tuple[tuple[Duty, Verdict], ...]
    missed: tuple[tuple[Rhythm, Alarm], ...] = ()

    @property
    def alarms(self) -> tuple[Alarm, ...]:
        of_duties = tuple(verdict for _, verdict in self.verdicts if isinstance(verdict, Alarm))
        return (*of_duties, *(alarm for _, alarm in self.missed))


@dataclass(frozen=True)
class Finding:
    """What the doctor found out about one thing; `remedy` is empty when it is well."""

    name: str
    ok: bool
    what: str
    remedy: str = ""
