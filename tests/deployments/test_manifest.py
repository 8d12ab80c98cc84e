"""prefect.yaml says what it should, and nothing in it is ignored in silence."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from dotenv import dotenv_values
from prefect.client.schemas.schedules import CronSchedule

from deployments import blocks, manifest
from deployments.manifest import Deployment, ManifestError
from deployments.surroundings import REPOSITORY, WATCHDOG_VARIABLES

DECLARED = manifest.read()
ENTRIES = [pytest.param(entry, id=f"{entry.entrypoint}-{entry.name}") for entry in DECLARED.deployments]


def test_names_that_people_and_scripts_depend_on() -> None:
    """The deployments that the documentation names are there."""
    names = {f"{entry.flow().name}/{entry.name}" for entry in DECLARED.deployments}
    assert names >= {
        "pop/daily",
        "pop/dry-run",
        "notify/on-failure",
        "janitor/every-5-min",
        "doctor/on-demand",
    }


@pytest.mark.parametrize("entry", ENTRIES)
def test_entry(entry: Deployment) -> None:
    """Every flow is one of ours, has a description, carries its tags, and takes the parameters given."""
    flow = entry.flow()
    assert entry.entrypoint.startswith("flows.")
    assert flow.description, "the docstring is what the UI shows"
    process = entry.entrypoint.split(".")[1]
    assert {process, flow.name} & set(entry.tags), "a run is found by its process"
    assert ("alarm" in entry.tags) == (flow.name != "notify")
    assert entry.parameters.keys() <= flow.parameters.properties.keys()


@pytest.mark.parametrize("entry", ENTRIES)
def test_schedules_are_valid_and_named(entry: Deployment) -> None:
    """Every cron and zone is one that the engine knows, under a slug of its own."""
    for schedule in entry.schedules:
        CronSchedule(cron=schedule.cron, timezone=schedule.timezone)
    assert len({schedule.slug for schedule in entry.schedules}) == len(entry.schedules)


@pytest.mark.parametrize(
    ("place", "key", "value"),
    [
        ((), "deploymentz", []),
        (("deployments", 0), "schedule", {"cron": "0 0 * * *"}),
        (("deployments", 0), "concurency_limit", 1),
        (("deployments", 0, "schedules", 0), "active", True),
        (("deployments", 0, "schedules", 0), "timezon", "UTC"),
        (("deployments", 0, "concurrency_limit"), "limit", 2),
        (("deployments", 0, "concurrency_limit"), "grace_period_seconds", 10),
        (("deployments", 0, "work_pool"), "work_queue", "fast"),
        (("deployments", 0), "tags", ["pop", "alarm"]),
        (("deployments", 0), "entrypoint", "flows/pop/flow.py:pop"),
    ],
)
def test_mistakes_are_refused(place: tuple[Any, ...], key: str, value: object, tmp_path: Path) -> None:
    """A key that the engine would ignore, or a value that it would take badly, stops `make apply`."""
    document = yaml.safe_load(manifest.FILE.read_text("utf-8"))
    spot = document
    for step in place:
        spot = spot[step]
    spot[key] = value
    broken = tmp_path / "prefect.yaml"
    broken.write_text(yaml.safe_dump(document))
    with pytest.raises(ManifestError, match=rf"prefect.yaml: .*({key}|needs the tag)"):
        manifest.read(broken)


def test_unknown_flow_is_refused() -> None:
    """An entrypoint that is not there is named, before anything is changed."""
    entry = DECLARED.deployments[0].model_copy(update={"entrypoint": "flows.pop.flow.pup"})
    with pytest.raises(ManifestError, match=r"flows\.pop\.flow\.pup cannot be loaded"):
        entry.flow()


def test_every_variable_is_in_the_example() -> None:
    """`.env.example` names exactly the variables that fill the Blocks; the watchdog needs no others."""
    used = {name for declaration in blocks.DECLARED for name in declaration.variables.values()}
    assert used == set(dotenv_values(REPOSITORY / ".env.example"))
    assert used >= WATCHDOG_VARIABLES
