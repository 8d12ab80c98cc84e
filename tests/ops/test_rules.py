"""Which runs the janitor takes for dead, and when it leaves them alone."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from flows.ops import rules
from flows.ops.models import Alarm, Crash, Facts, Fine, Lock, Phase, Plan, Restart, Run, Trouble, Watch
from flows.ops.parameters import Duty, Patience

NOON = datetime(2030, 5, 5, 12, tzinfo=UTC)
PATIENCE = Patience()
TICK_S = 300
POP, OTHER = uuid4(), uuid4()
DUTY = Duty(process="pop", deployment="pop/daily")
ON_TIME = tuple(NOON - timedelta(seconds=TICK_S * number) for number in range(5))


def ago(seconds: float) -> datetime:
    return NOON - timedelta(seconds=seconds)


def a_run(phase: Phase, age_s: float, deployment: UUID = OTHER, **facts: object) -> Run:
    return Run(uuid4(), deployment, phase, phase.title(), ago(age_s), ago(age_s), **facts)


def crashed(*active: Run, ticks: tuple[datetime, ...] = ON_TIME, **facts: object) -> list[UUID]:
    plan = rules.plan(Facts(NOON, TICK_S, active, ticks_utc=ticks, **facts), PATIENCE)
    return [crash.run.id for crash in plan.crashes]


def test_a_run_stuck_pending_is_marked() -> None:
    """A run that stays Pending longer than the patience is marked Crashed, a younger one is not."""
    stuck, young = a_run(Phase.PENDING, 61), a_run(Phase.PENDING, 59, deployment=POP)
    assert crashed(stuck, young) == [stuck.id]


def test_a_silent_run_is_marked_while_the_janitor_was_heard() -> None:
    """A run without a heartbeat for the whole patience is dead, one heard since is not."""
    silent, heard = a_run(Phase.RUNNING, 5000), a_run(Phase.RUNNING, 5000, deployment=POP)
    assert crashed(silent, heard, last_beat_utc={heard.id: ago(890), silent.id: ago(910)}) == [silent.id]


def test_after_an_outage_nobody_is_marked() -> None:
    """When the janitor itself was not heard in time, silence says nothing about a run."""
    silent = a_run(Phase.RUNNING, 5000)
    assert crashed(silent, ticks=(ago(0), ago(700), ago(1000))) == []
    assert crashed(silent, ticks=(ago(0), ago(300), ago(600))) == []
    assert crashed(silent, ticks=()) == []


@given(st.lists(st.floats(0, 3000), max_size=12), st.integers(30, 600))
def test_a_hole_of_more_than_two_ticks_is_no_witness(ages_s: list[float], tick_s: int) -> None:
    """Whatever the ticks, a witnessed silence holds no moment further than two ticks from the next tick."""
    silent_s = rules.silence_s(PATIENCE, tick_s)
    if rules.is_witnessed([ago(age) for age in ages_s], NOON, silent_s, tick_s):
        heard = sorted([0.0, *ages_s])
        holes = [older - newer for newer, older in pairwise(heard) if newer < silent_s]
        assert max(heard) >= silent_s
        assert max(holes) <= 2 * tick_s + 0.001


@given(st.integers(60, 86_400), st.integers(1, 3600))
def test_an_unseen_outage_is_shorter_than_the_silence(silent_s: int, tick_s: int) -> None:
    """The longest outage that two ticks can hide, with a heartbeat on each side, is no silence yet."""
    assert rules.silence_s(Patience(silent_s=silent_s), tick_s) >= 2 * tick_s + 2 * rules.BEAT_S


def test_the_slot_of_a_successor_is_not_freed() -> None:
    """Beside a living run of the same limited deployment the dead one waits: marking would free its slot."""
    dead = a_run(Phase.RUNNING, 5000, is_limited=True)
    alive = a_run(Phase.RUNNING, 10, is_limited=True)
    assert crashed(dead, alive) == []
    assert crashed(dead) == [dead.id]


def test_a_held_lock_speaks_for_its_silent_run() -> None:
    """A run whose heartbeats do not arrive is alive as long as its duty's lock is held."""
    silent = a_run(Phase.RUNNING, 5000, POP)
    held = Watch(DUTY, Lock(True, silent_s=1.0), POP, runs=(silent,))
    unseen = Watch(DUTY, deployment_id=POP, runs=(silent,), problem="DatabaseUnreachable")
    assert crashed(silent, watches=(held,)) == []
    assert crashed(silent, watches=(unseen,)) == []


def test_a_dead_guarded_run_is_marked_once_and_first() -> None:
    """The guard's dead run comes first and only once, though it is stuck Pending as well."""
    stuck, other = a_run(Phase.PENDING, 500, POP), a_run(Phase.PENDING, 500)
    watch = Watch(DUTY, Lock(False), POP, runs=(stuck,))
    assert crashed(other, stuck, watches=(watch,)) == [stuck.id, other.id]


def test_a_restart_waits_until_its_dead_are_marked() -> None:
    """A run that could not be marked came to an end by itself: no successor before the next look."""
    dead = a_run(Phase.RUNNING, 500, POP)
    verdict = Restart("its run is dead", (dead.id,), 5, "key")
    plan = Plan((Crash(dead, "its lock is free"),), ((DUTY, verdict),))
    assert rules.ready(plan, set()) == []
    assert rules.ready(plan, {dead.id}) == [(DUTY, verdict)]


def test_an_alarm_says_what_is_frozen() -> None:
    """A frozen process outranks a blind guard in the exception's name; both are told."""
    frozen, blind = Alarm("pop is frozen.", Trouble.FROZEN), Alarm("state-db is away.")
    assert rules.alarm(Plan((), ((DUTY, Fine("at work")),)).alarms) is None
    assert isinstance(rules.alarm([blind]), rules.GuardBlind)
    both = rules.alarm(Plan((), ((DUTY, blind), (DUTY, frozen))).alarms)
    assert isinstance(both, rules.ProcessFrozen)
    assert str(both) == "state-db is away. pop is frozen."
