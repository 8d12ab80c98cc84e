"""Pop as it is deployed: the command line, the real worker, processes of their own."""

import asyncio
import subprocess
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterName
from prefect.client.schemas.objects import FlowRun

from deployments.stack import Stack
from deployments.surroundings import REPOSITORY
from flows.common.clock import Clock
from tests.pop.conftest import Outside

START_TIMEOUT_S = 90
FIRST = 10


def soon(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


async def prefect_cli(stack: Stack, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `prefect …` as a person does."""
    return await asyncio.to_thread(
        subprocess.run,
        ["prefect", *words],
        cwd=REPOSITORY,
        env={**stack.environment, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=START_TIMEOUT_S,
    )


async def run_by_cli(stack: Stack, name: str, deployment: str, *parameters: str) -> str:
    """Run a deployment, wait for its end, and return what was printed."""
    words = [word for parameter in parameters for word in ("-p", parameter)]
    done = await prefect_cli(
        stack, "deployment", "run", deployment, *words, "--flow-run-name", name, "--watch", "--watch-interval", "1"
    )  # fmt: skip
    return done.stdout + done.stderr


async def find(client: PrefectClient, name: str) -> FlowRun | None:
    found = await client.read_flow_runs(flow_run_filter=FlowRunFilter(name=FlowRunFilterName(any_=[name])))
    return next(iter(found), None)


async def test_a_dry_run_by_command_completes_and_sends_nothing(
    stack: Stack, prefect: PrefectClient, outside: Outside
) -> None:
    """`prefect deployment run 'pop/daily' -p dry_run=true`: the plan, and the game saw nothing."""
    name = f"dry-{uuid4().hex[:8]}"
    said = await run_by_cli(stack, name, "pop/daily", "dry_run=true")
    run = await find(prefect, name)
    assert run is not None, said
    assert run.state.is_completed(), said
    assert run.parameters == {"dry_run": True}
    assert outside.seen["connections"] == 0
    assert await outside.ledger("select * from metronome.duty") == []


async def test_a_second_run_ends_cancelled_whoever_stops_it(
    stack: Stack, prefect: PrefectClient, outside: Outside
) -> None:
    """A trial serves its accounts; beside it, a second one is stopped by the limit, a third by the lock."""
    names = [f"{name}-{uuid4().hex[:8]}" for name in ("first", "by-limit", "by-lock")]
    window = f"window_end={soon(60)}"
    first = asyncio.create_task(run_by_cli(stack, names[0], "pop/daily", f"limit={FIRST}", window))
    async with asyncio.timeout(START_TIMEOUT_S):
        while outside.seen["connections"] == 0:
            await Clock().sleep(0.2)
    await asyncio.gather(
        run_by_cli(stack, names[1], "pop/daily", "limit=3"),
        # Another deployment has a limit of its own: only the lock knows of the first.
        run_by_cli(stack, names[2], "pop/dry-run", "limit=3", "dry_run=false"),
    )
    while_both = outside.seen
    said = await first
    runs = [await find(prefect, name) for name in names]
    states = [run.state for run in runs]

    assert [state.name for state in states] == ["Completed", "Cancelled", "Cancelled"], (said, states)
    assert "limit" in states[1].message
    assert "Another run of pop holds its lock" in states[2].message
    # The others came while the first was at work, and the game saw the first alone.
    assert states[2].timestamp < states[0].timestamp
    assert while_both["connections"] < FIRST
    seen = outside.seen
    assert (seen["connections"], seen["accounts_served"], seen["pops"]) == (FIRST, FIRST, 100 * FIRST)
    assert seen["most_in_flight"] == 1
    assert seen["smallest_gap_s"] >= 0.5
    rows = await outside.ledger("select flow_run_id, taken_up from metronome.duty")
    assert [(row["flow_run_id"], row["taken_up"]) for row in rows] == [(runs[0].id, 1)]
    assert len(await outside.ledger("select * from pop.attempt")) == FIRST


async def test_a_slip_of_the_pen_is_told_by_the_command(
    stack: Stack, prefect: PrefectClient, outside: Outside
) -> None:
    """A parameter's name or value that cannot be right makes no run, and the command says which it is."""
    for parameter, wanted in (("cuont=5", "cuont"), ("count=0", "count")):
        name = f"slip-{uuid4().hex[:8]}"
        done = await prefect_cli(
            stack, "deployment", "run", "pop/daily", "-p", parameter, "--flow-run-name", name
        )
        assert done.returncode != 0
        assert wanted in done.stdout + done.stderr
        assert await find(prefect, name) is None


BOUNDS = {
    "count": {"type": "integer", "minimum": 1, "maximum": 10_000, "default": 100},
    "min_gap_s": {"type": "number", "minimum": 0.5, "maximum": 600, "default": 0.5},
    "window_end": {"type": "string", "format": "date-time"},
    "limit": {"type": "integer", "minimum": 1},
    "max_in_flight": {"type": "integer", "minimum": 1, "maximum": 4, "default": 1},
    "dry_run": {"type": "boolean", "default": False},
}


@pytest.mark.parametrize("name", ["pop/daily", "pop/dry-run"])
async def test_the_form_says_what_may_be_entered(prefect: PrefectClient, name: str) -> None:
    """Every parameter has its meaning, its default and its bounds in the UI's form, and the server keeps them."""
    deployment = await prefect.read_deployment_by_name(name)
    form = deployment.parameter_openapi_schema["properties"]
    assert deployment.enforce_parameter_schema
    assert set(form) == set(BOUNDS)
    for parameter, bounds in BOUNDS.items():
        field = form[parameter]
        # One that may be empty is written as a choice.
        either = field | next((each for each in field.get("anyOf", ()) if each["type"] != "null"), {})
        assert either | bounds == either, parameter
        assert len(field.get("description", "")) > 10, parameter
        assert "\n" not in field["description"]


async def test_the_schedule_is_every_midnight_utc_one_run_at_a_time(prefect: PrefectClient) -> None:
    """What the whole process stands on, as the server has it."""
    deployment = await prefect.read_deployment_by_name("pop/daily")
    (schedule,) = deployment.schedules
    assert (schedule.schedule.cron, schedule.schedule.timezone) == ("0 0 * * *", "UTC")
    assert deployment.global_concurrency_limit.limit == 1
    assert deployment.concurrency_options.collision_strategy.value == "CANCEL_NEW"
    assert {"pop", "alarm"} <= set(deployment.tags)
    assert deployment.description.startswith("Send `count` pops")
