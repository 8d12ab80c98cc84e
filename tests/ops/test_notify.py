"""The failure mail, from a run on a real server through a real SMTP server."""

from typing import Any
from uuid import uuid4

import httpx
import pytest
from prefect import flow, get_client
from prefect.states import Cancelled, Crashed, Failed, Pending, Running

from blocks import database
from flows.ops.flow import notify
from sandbox import World
from tests.ops.engine import Engine

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

MESSAGE = (
    "Flow run encountered an exception: DatabaseUnreachable: pop-db: postgresql://me:hush-hush@db/x is away"
)


async def mails(world: World) -> list[dict[str, Any]]:
    """Return what the sink has; the first mail first."""
    async with httpx.AsyncClient() as client:
        return (await client.get(f"{world.admin_url}/mail")).json()


async def told(world: World, run_id: object, event: str) -> dict[str, Any]:
    """Run notify and return the one mail that it sent."""
    before = len(await mails(world))
    await notify(run_id, f"prefect.flow-run.{event}")
    (mail,) = (await mails(world))[before:]
    return mail


async def test_a_failed_run_is_mailed(engine: Engine, world: World) -> None:
    """The mail names deployment, error, link and runbook, goes to the recipients, and holds no secret."""
    run_id = await engine.run(Pending(), Running(), Failed(message=MESSAGE), token="hush-hush", count=7)
    mail = await told(world, run_id, "Failed")
    assert mail["subject"].startswith(f"[Metronome] {engine.deployment} failed: DatabaseUnreachable: pop-db")
    for fact in ("docs/runbook.md#databaseunreachable", f"runs/flow-run/{run_id}", "count=7", "UTC"):
        assert fact in mail["text"]
        assert fact in mail["html"]
    assert "hush-hush" not in str(mail)


async def test_a_crashed_run_is_mailed(engine: Engine, world: World) -> None:
    """A crash that the janitor marked points to the heading about dead runs."""
    run_id = await engine.run(Pending(), Crashed(message="The janitor found it dead: its lock is free."))
    assert "docs/runbook.md#crashed-run" in (await told(world, run_id, "Crashed"))["text"]


async def test_a_late_run_is_mailed(engine: Engine, world: World) -> None:
    """A late run's mail says that it has not started."""
    mail = await told(world, await engine.run(), "Late")
    assert mail["subject"] == f"[Metronome] {engine.deployment} is late"
    assert "not yet" in mail["text"]


async def test_a_deleted_run_is_mailed(engine: Engine, world: World) -> None:
    """A run that has been deleted meanwhile does not make notify fail; the mail says so."""
    run_id = await engine.run()
    async with get_client() as client:
        await client.delete_flow_run(run_id)
    assert "no longer there" in (await told(world, run_id, "Failed"))["subject"]
    assert "deleted" in (await told(world, uuid4(), "Failed"))["text"]


async def test_a_run_without_a_deployment_is_mailed(applied: None, world: World) -> None:
    """A run started by hand from Python is named by its flow."""

    @flow(name="by-hand")
    def by_hand() -> None:
        raise ZeroDivisionError("one by nought")

    state = by_hand(return_state=True)
    mail = await told(world, state.state_details.flow_run_id, "Failed")
    assert mail["subject"] == "[Metronome] by-hand failed: ZeroDivisionError: one by nought"
    assert "docs/runbook.md#failed-run" in mail["text"]


async def test_a_guarded_run_is_said_to_come_back(engine: Engine, world: World) -> None:
    """Where the janitor's deployment names the run's deployment, the mail says that the guard restarts it."""
    async with get_client() as client:
        flow_id = await client.create_flow_from_name("janitor")
        duties = [{"process": "x", "deployment": engine.deployment}]
        await client.create_deployment(flow_id, "every-5-min", parameters={"duties": duties})
    run_id = await engine.run(Pending(), Running(), Failed(message="no"))
    assert "The guard starts a new run" in (await told(world, run_id, "Failed"))["text"]


async def test_a_cancelled_run_is_not_mailed(engine: Engine, world: World) -> None:
    """A cancellation is routine."""
    before = len(await mails(world))
    run_id = await engine.run(Cancelled(message="Deployment concurrency limit reached."))
    assert await notify(run_id, "prefect.flow-run.Cancelled") == "routine, no mail"
    assert len(await mails(world)) == before


async def test_a_real_problem_finds_its_heading(engine: Engine, world: World) -> None:
    """What the engine itself writes of one of our exceptions leads to its heading."""

    @flow(name="by-problem")
    async def by_problem() -> None:
        raise database.TableMissing(block="pop-db", reason="42P01")

    state = await by_problem(return_state=True)
    mail = await told(world, state.state_details.flow_run_id, "Failed")
    assert "docs/runbook.md#tablemissing" in mail["text"]
