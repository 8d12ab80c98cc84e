"""`make apply` makes the server what the repository declares, and says what it did."""

import subprocess
import sys
from datetime import timedelta

import httpx
import pytest
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import DeploymentScheduleCreate, DeploymentUpdate
from prefect.client.schemas.schedules import CronSchedule
from prefect.events.actions import DoNothing
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture

from deployments.stack import Stack
from deployments.surroundings import REPOSITORY
from sandbox import World
from tests.steps import apply


def _said(text: str) -> dict[str, str]:
    """What happened to each thing."""
    return {" ".join(line.split()[1:]): line.split()[0] for line in text.splitlines()}


def test_second_time_changes_nothing(stack: Stack) -> None:
    """Applying again finds everything unchanged: Blocks with their secrets, tables, deployments, automations."""
    said = _said(apply(stack))
    assert set(said.values()) == {"unchanged"}
    assert {"block state-db", "schema state-db: pop", "deployment pop/daily"} <= said.keys()


async def _touch(prefect: PrefectClient, name: str, *, schedule_active: bool, paused: bool) -> None:
    """Do by hand what an operator may do: change a parameter, pause a schedule, pause a deployment."""
    known = await prefect.read_deployment_by_name(name)
    await prefect.update_deployment(known.id, DeploymentUpdate(parameters={}, tags=["metronome"]))
    await prefect.update_deployment_schedule(known.id, known.schedules[0].id, active=schedule_active)
    await (prefect.pause_deployment if paused else prefect.resume_deployment)(known.id)


@pytest.mark.parametrize(("schedule_active", "paused"), [(False, False), (False, True), (True, True)])
async def test_drift_is_mended_and_a_pause_survives(
    stack: Stack, prefect: PrefectClient, schedule_active: bool, paused: bool
) -> None:
    """What was changed by hand is put back; a schedule or deployment that an operator paused stays paused."""
    name = "janitor/every-5-min"
    await _touch(prefect, name, schedule_active=schedule_active, paused=paused)
    try:
        said = _said(apply(stack))
        again = await prefect.read_deployment_by_name(name)
    finally:
        await _touch(prefect, name, schedule_active=False, paused=False)
        apply(stack)
    assert [thing for thing, change in said.items() if change != "unchanged"] == [f"deployment {name}"]
    assert sorted(again.tags) == ["alarm", "janitor", "metronome"]
    assert again.parameters["duties"]
    assert (again.schedules[0].active, again.paused) == (schedule_active, paused)


async def test_what_is_gone_is_pruned(stack: Stack, prefect: PrefectClient) -> None:
    """Ours that is no longer declared goes: deployments by tag, schedules, automations; others' things stay."""
    flow_id = await prefect.create_flow_from_name("stranger")
    await prefect.create_deployment(flow_id, "old", tags=["metronome"])
    theirs = await prefect.create_deployment(flow_id, "theirs", tags=["other"])
    daily = await prefect.read_deployment_by_name("pop/daily")
    noon = DeploymentScheduleCreate(
        schedule=CronSchedule(cron="0 12 * * *", timezone="UTC"), active=False, slug="noon"
    )
    await prefect.create_deployment_schedules(daily.id, [(noon.schedule, noon.active)])
    await prefect.create_automation(_automation("metronome: old"))
    other = await prefect.create_automation(_automation("somebody's own"))
    said = _said(apply(stack))
    assert {thing for thing, change in said.items() if change == "pruned"} == {
        "deployment stranger/old",
        "schedule pop/daily: None",
        "automation metronome: old",
    }
    assert await prefect.read_automation(other) is not None
    assert (await prefect.read_deployment(theirs)).name == "theirs"
    await prefect.delete_deployment(theirs)
    await prefect.delete_automation(other)


def _automation(name: str) -> AutomationCore:
    trigger = EventTrigger(
        expect={"nothing.ever"}, posture=Posture.Reactive, threshold=1, within=timedelta(seconds=0)
    )
    return AutomationCore(name=name, trigger=trigger, actions=[DoNothing()])


def test_new_secret_is_saved_and_not_shown(stack: Stack) -> None:
    """A changed secret updates its Block alone; neither the old nor the new one is printed."""
    said = apply(stack, POP_GAME_TOKEN="fresh-token-8712")
    assert "fresh-token-8712" not in said
    assert [thing for thing, change in _said(said).items() if change == "updated"] == ["block pop-game"]
    assert _said(apply(stack))["block pop-game"] == "updated"


def _refused(stack: Stack, **variables: str) -> list[str]:
    """Apply with wrong variables; return the lines of complaint."""
    before = httpx.post(f"{stack.api_url}/block_documents/filter", json={"include_secrets": True}).json()
    done = subprocess.run(
        [sys.executable, "-m", "deployments.apply"],
        cwd=REPOSITORY,
        env={**stack.environment, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    after = httpx.post(f"{stack.api_url}/block_documents/filter", json={"include_secrets": True}).json()
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert before == after
    return done.stderr.splitlines()


def test_missing_variables_are_all_named(stack: Stack, world: World) -> None:
    """Every variable that is missing is named with its Block and the remedy, and nothing is changed."""
    names = {name for name in world.env if name != "SANDBOX_ADMIN_URL" and "_POSTGRES_" not in name}
    lines = _refused(stack, **dict.fromkeys(names, ""))
    # A SID may be missing where there is a service name, and a key where there is a keystore.
    optional = {
        "SMTP_USERNAME", "SMTP_PASSWORD", "ORACLE_SID", "SPSS_ORACLE_SID", "JOBS_WS_URL", "JOBS_OPERATOR_KEY",
        "BROKER_PORT", "BROKER_VHOST", "BROKER_KEY_TO_US", "BROKER_KEY_TO_BOT", "BROKER_QUEUE", "BROKER_DECLARE",
        "MEET_ENDPOINT", "MEET_QUOTA_FACTOR",
    }  # fmt: skip
    assert {line.split()[0] for line in lines} == names - optional
    assert lines[0] == (
        "DB_USER is empty, for block 'pop-db': set it in .env (see .env.example) and run `make apply` again"
    )


@pytest.mark.parametrize(
    ("name", "value", "block"),
    [
        ("DB_PORT", "5432x9", "pop-db"),
        ("POP_GAME_URL", "http://game.example/?token=hush", "pop-game"),
        ("SMTP_TYPE", "TLSISH", "mail"),
        ("ALERT_RECIPIENTS", "nobody-here", "mail-settings"),
        ("JOBS_CONTRACT", "0x5fbdb2315678", "jobs-contract"),
        ("PAYOUT_USERS", "players without a schema", "payout-settings"),
    ],
)
def test_wrong_values_are_named_not_shown(stack: Stack, name: str, value: str, block: str) -> None:
    """A value that cannot be right is refused in one line that names the variable and hides the value."""
    (line,) = _refused(stack, **{name: value})
    assert line.startswith(f"{name} is wrong, for block {block!r}: ")
    assert value not in line
