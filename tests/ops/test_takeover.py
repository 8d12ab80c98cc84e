"""The guard against a real server, a real database and real locks: who is replaced, and when."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from prefect.states import Cancelled, Cancelling, Crashed, Failed, Pending, Running, State
from sqlalchemy import text

from blocks import database
from deployments import blocks
from flows.common import duty
from flows.ops.parameters import Duty
from sandbox import World
from tests.ops.engine import Engine

pytestmark = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.usefixtures("daytime"),
]
FREEZE = text("update metronome.duty set heartbeat_utc = now() - interval '3 minutes'")


async def test_nobody_at_work_starts_one_run(engine: Engine) -> None:
    """An idle duty gets one run; the next tick finds it on its way."""
    await engine.tick()
    await engine.tick()
    (run,) = await engine.runs()
    assert run.state.is_scheduled()
    assert {"guard", "ours"} <= set(run.tags)
    assert run.idempotency_key == f"guard:{engine.process}:{datetime.now(UTC):%Y-%m-%d}:none"


async def test_a_zombie_is_marked_before_its_successor_starts(engine: Engine) -> None:
    """A run that is Running without its lock is marked, its slot is free, and one successor is scheduled."""
    zombie = await engine.run(Pending(), Running(), age_s=100)
    state = await engine.tick()
    assert await state.aresult() == "1 marked Crashed, 1 started"
    first, successor = await engine.runs()
    assert first.id == zombie
    assert first.state.is_crashed()
    assert await engine.slots() == 0
    assert successor.state.is_scheduled()
    assert successor.idempotency_key.endswith(str(zombie))
    assert first.state.timestamp < successor.created


async def test_a_crashed_successor_gets_a_successor(engine: Engine) -> None:
    """Each run that dies is followed by one new run, never by the same run again."""
    for dead in range(3):
        await engine.tick()
        runs = await engine.runs()
        assert len(runs) == dead + 1
        await engine.bring(runs[-1].id, Crashed())
    assert len({run.idempotency_key for run in await engine.runs()}) == 3


async def test_while_the_lock_is_held_nothing_is_touched(engine: Engine) -> None:
    """A holder that records is left alone, though the server has not heard of its run for long."""
    run = await engine.run(Pending(), Running(), age_s=5000)
    await engine.hear_janitor()
    async with duty.hold(engine.process, datetime.now(UTC).date(), run):
        await engine.tick()
    assert (await engine.state(run)).is_running()
    assert len(await engine.runs()) == 1


async def test_a_frozen_holder_fails_the_janitor_once(engine: Engine) -> None:
    """A holder that records nothing is an alarm, told once an hour, after the other work was done."""
    stuck = await Engine.with_stuck_run()
    async with duty.hold(engine.process, datetime.now(UTC).date(), None):
        async with database.session(duty.BLOCK) as session:
            await session.execute(FREEZE)
            await session.commit()
        first, second = await engine.tick(), await engine.tick()
    assert first.is_failed()
    assert "ProcessFrozen" in first.message
    assert second.is_completed()
    assert (await stuck.state((await stuck.runs())[0].id)).is_crashed()
    assert await engine.runs() == []


async def test_a_finished_day_is_left_alone(engine: Engine) -> None:
    """When the day's work is done, nothing is started until the next day."""
    async with duty.hold(engine.process, datetime.now(UTC).date(), None) as held:
        await held.finish()
    await engine.tick()
    assert await engine.runs() == []


@pytest.mark.parametrize("states", [(Cancelled(message="by me"),), (Pending(), Running(), Cancelling())])
async def test_an_operators_cancel_holds(engine: Engine, states: tuple[State, ...]) -> None:
    """A run cancelled by a person is not started again that day."""
    await engine.run(*states)
    await engine.tick()
    assert len(await engine.runs()) == 1


async def test_a_run_turned_away_by_the_limit_is_no_cancel(engine: Engine) -> None:
    """A run that the engine's limit cancelled leaves the duty idle, so another one is started."""
    await engine.run(Cancelled(message="Deployment concurrency limit reached."))
    await engine.tick()
    assert [run.state.is_scheduled() for run in await engine.runs()] == [False, True]


async def test_a_paused_schedule_holds(engine: Engine) -> None:
    """A deployment without an active schedule is not started."""
    await engine.deploy(schedule_active=False)
    await engine.tick()
    assert await engine.runs() == []


async def test_failures_back_off(engine: Engine) -> None:
    """The fourth failure within an hour is followed by a run half a minute later, not at once."""
    for _ in range(4):
        await engine.run(Pending(), Running(), Failed())
    await engine.tick()
    *_, successor = await engine.runs()
    wait = successor.state.state_details.scheduled_time - successor.created
    assert timedelta(seconds=20) < wait <= timedelta(seconds=31)


async def test_without_its_database_the_guard_says_so(engine: Engine, world: World) -> None:
    """With state-db away nothing is started, the rest is done, and the janitor fails with one clear line."""
    broken = blocks.build(world.env | {"STATE_DB_PASSWORD": "wrong"})["state-db"]
    await broken.save("state-db", overwrite=True)
    stuck = await Engine.with_stuck_run()
    state = await engine.tick()
    assert state.is_failed()
    assert "GuardBlind: DatabaseAccessDenied: state-db" in state.message
    assert (await stuck.state((await stuck.runs())[0].id)).is_crashed()
    assert await engine.runs() == []


async def test_a_missing_deployment_is_an_alarm(engine: Engine) -> None:
    """A duty whose deployment is not there is told, not passed over."""
    state = await engine.tick(duties=(Duty(process="pop", deployment=f"{uuid4().hex}/daily"),))
    assert state.is_failed()
    assert "make apply" in state.message
