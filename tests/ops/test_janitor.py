"""The janitor against a real server: what it marks, what it leaves alone, what it shows."""

import pytest
from prefect.states import Pending, Running

from tests.ops.engine import Engine

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


async def test_a_stuck_pending_run_frees_its_slot(engine: Engine) -> None:
    """A run that stays Pending is marked Crashed, its slot is free, and a second tick finds nothing."""
    stuck = await engine.run(Pending(), age_s=61)
    assert await engine.slots() == 1
    state = await engine.tick(duties=())
    assert await state.aresult() == "1 marked Crashed, 0 started"
    assert (await engine.state(stuck)).is_crashed()
    assert await engine.slots() == 0
    assert await (await engine.tick(duties=())).aresult() == "0 marked Crashed, 0 started"


async def test_a_young_pending_run_is_left_alone(engine: Engine) -> None:
    """A run that is just being started is none of the janitor's business."""
    young = await engine.run(Pending())
    await engine.tick(duties=())
    assert (await engine.state(young)).is_pending()


async def test_a_silent_run_is_marked_when_the_janitor_was_heard(engine: Engine) -> None:
    """Without heartbeats, and with the janitor's own in time, a Running run is marked and its slot is free."""
    silent = await engine.run(Pending(), Running(), age_s=5000)
    await engine.hear_janitor()
    await engine.tick(duties=())
    assert (await engine.state(silent)).is_crashed()
    assert "no heartbeat" in (await engine.state(silent)).message
    assert await engine.slots() == 0


async def test_a_heard_run_is_left_alone(engine: Engine) -> None:
    """A Running run that was heard within the patience stays Running."""
    heard = await engine.run(Pending(), Running(), age_s=5000)
    await engine.hear_janitor()
    await engine.hear(heard, 850, 1500, flow=engine.flow)
    await engine.tick(duties=())
    assert (await engine.state(heard)).is_running()


@pytest.mark.usefixtures("daytime")
async def test_a_dry_run_changes_nothing(engine: Engine) -> None:
    """A dry run shows what would be done and does none of it."""
    zombie = await engine.run(Pending(), Running(), age_s=100)
    await engine.tick(dry_run=True)
    assert (await engine.state(zombie)).is_running()
    assert len(await engine.runs()) == 1
    shown = (await engine.artifacts("janitor"))[0]
    assert "would be marked Crashed" in shown
    assert f"start {engine.deployment} in 5 s" in shown


@pytest.mark.usefixtures("daytime")
async def test_what_was_done_is_shown(engine: Engine) -> None:
    """A tick that did something publishes one table of what was seen, decided and done."""
    await engine.run(Pending(), Running(), age_s=100)
    await engine.tick()
    shown = (await engine.artifacts("janitor"))[0]
    assert "its lock is free | marked Crashed" in shown
    assert f"{engine.process} | its run is dead | start {engine.deployment} in 5 s" in shown


async def test_a_quiet_tick_shows_nothing(engine: Engine) -> None:
    """A tick that found nothing leaves no artifact."""
    before = len(await engine.artifacts("janitor"))
    await engine.tick(duties=())
    assert len(await engine.artifacts("janitor")) == before
