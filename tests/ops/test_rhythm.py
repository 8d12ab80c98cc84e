"""A deployment that comes by its schedule is missed when it does not, and nobody has said why."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from prefect import get_client
from prefect.client.schemas.objects import StateType
from prefect.states import Cancelled, Completed, Failed, Pending, Running

from flows.ops import rules
from flows.ops.models import Facts, Phase, Pulse, Run, Trouble
from flows.ops.parameters import Rhythm
from flows.ops.rhythm import missed
from tests.ops.engine import Engine
from tests.ops.runs import NOON, PATIENCE, a_run

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

HOUR_S = 3600
HOURLY = Rhythm(deployment="payout/hourly")
ENDED = {Phase.COMPLETED, Phase.FAILED}
OPEN = sorted(set(Phase) - ENDED)


def told(*runs: Run, is_paused: bool = False) -> str:
    """What is said at noon; nothing when all is well."""
    alarm = missed(Pulse(HOURLY, is_paused, runs), NOON)
    return alarm.reason if alarm else ""


@pytest.mark.parametrize("phase", OPEN)
def test_a_run_that_never_ends_is_missed_after_two_hours(phase: Phase) -> None:
    """Whatever keeps it: a limit, a cancellation, no worker, a process that hangs."""
    done, due = a_run(Phase.COMPLETED, 3 * HOUR_S), a_run(phase, 2 * HOUR_S + 1)
    assert told(done, due) == (
        f"payout/hourly was due at 2030-05-05 09:59 UTC (its run is {due.state}), and no run of it has come to an end since."
    )
    assert told(done, a_run(phase, 2 * HOUR_S)) == ""


@pytest.mark.parametrize("phase", sorted(ENDED))
def test_one_that_ended_makes_up_for_those_before(phase: Phase) -> None:
    """A failure too: its own mail has told of it."""
    assert told(a_run(Phase.CANCELLED, 5 * HOUR_S), a_run(phase, 60)) == ""
    assert told(a_run(phase, 5 * HOUR_S), a_run(Phase.CANCELLED, 3 * HOUR_S)) != ""


def test_a_dry_run_pays_nobody() -> None:
    """It makes up for nothing, and nobody misses it."""
    away = a_run(Phase.CANCELLED, 3 * HOUR_S)
    assert told(away, a_run(Phase.COMPLETED, 60, is_dry=True)) != ""
    assert told(a_run(Phase.CANCELLED, 3 * HOUR_S, is_dry=True)) == ""


def test_a_pause_is_no_alarm_nor_is_the_time_after_it() -> None:
    """The operator wanted it; after it the first hour counts, however long the pause was."""
    assert told(a_run(Phase.SCHEDULED, 9 * HOUR_S), is_paused=True) == ""
    assert told(a_run(Phase.COMPLETED, 9 * HOUR_S), a_run(Phase.RUNNING, 600)) == ""
    assert told() == ""


runs = st.lists(
    st.builds(a_run, st.sampled_from(Phase), st.floats(-2 * HOUR_S, 24 * HOUR_S), is_dry=st.booleans()),
    max_size=8,
).map(tuple)


@given(runs)
def test_what_ended_within_the_patience_silences_it(found: tuple[Run, ...]) -> None:
    """And without anything that ended or is to come, the oldest decides."""
    assert told(*found, a_run(Phase.COMPLETED, 0)) == ""
    open_ = [run for run in found if not run.is_dry and run.phase not in ENDED and run.expected_utc <= NOON]
    assume(open_)
    oldest = min(run.expected_utc for run in open_)
    assert bool(told(*open_)) == (timedelta(hours=2) < NOON - oldest)


def test_it_ends_the_janitor_with_its_own_name() -> None:
    """Nothing is started or marked; the exception's name leads to its heading."""
    pulse = Pulse(HOURLY, runs=(a_run(Phase.CANCELLED, 3 * HOUR_S),))
    plan = rules.plan(Facts(NOON, 300, pulses=(pulse,)), PATIENCE)
    assert (plan.crashes, plan.verdicts) == ((), ())
    assert rules.needs_hand(plan)
    assert isinstance(rules.alarm(plan.alarms), rules.Overdue)
    blind = rules.plan(
        Facts(NOON, 300, pulses=(replace(pulse, problem="There is no deployment."),)), PATIENCE
    )
    assert [alarm.trouble for alarm in blind.alarms] == [Trouble.BLIND]


# ── Against a real server ────────────────────────────────────────────────────────────────────────


@pytest.fixture
def hourly(engine: Engine) -> Rhythm:
    """The engine's deployment, with the shortest patience that there is: five minutes."""
    return Rhythm(deployment=engine.deployment, late_s=300)


async def overdue(engine: Engine, rhythm: Rhythm) -> str:
    return (await engine.tick(duties=(), rhythms=(rhythm,))).message or ""


async def test_an_hour_that_was_turned_away_is_an_alarm_until_one_ends(
    engine: Engine, hourly: Rhythm
) -> None:
    """The janitor fails with it once an hour, shows it, and is content after the next run that ended."""
    away = await engine.run(Pending(), Running(), Cancelled(message="Deployment concurrency limit reached."))
    assert await overdue(engine, hourly) == ""
    await engine.expect(away, age_s=400)
    message = await overdue(engine, hourly)
    assert message.startswith(f"Flow run encountered an exception: Overdue: {engine.deployment} was due at ")
    assert f"{engine.deployment} | {engine.deployment} was due at" in (await engine.artifacts("janitor"))[0]
    failed = await engine.run(Pending(), Running(), Failed())
    assert "Overdue" not in await overdue(engine, hourly)
    assert (await engine.state(failed)).type is StateType.FAILED


async def test_a_paused_schedule_is_no_alarm(engine: Engine, hourly: Rhythm) -> None:
    """Neither by its deployment nor by its schedule."""
    away = await engine.run(Pending(), Running(), Cancelled())
    await engine.expect(away, age_s=400)
    async with get_client() as client:
        await client.pause_deployment(engine.deployment_id)
        assert "Overdue" not in await overdue(engine, hourly)
        await client.resume_deployment(engine.deployment_id)
    assert "Overdue" in await overdue(engine, hourly)


async def test_a_rhythm_without_its_deployment_is_told(engine: Engine) -> None:
    """It is not passed over."""
    await engine.run(Pending(), Running(), Completed())
    message = await overdue(engine, Rhythm(deployment=f"{engine.flow}/hourly"))
    assert f"GuardBlind: There is no deployment {engine.flow}/hourly: run `make apply`." in message
