"""What is written in two places is the same in both: page and code, manifest and code, script and tables."""

import re
from datetime import time

import pytest
import yaml

from deployments.surroundings import REPOSITORY
from flows.common.sql import script
from flows.distribution import permission, tables
from flows.ops import bank

PAGE = (REPOSITORY / "docs" / "distribution.md").read_text("utf-8")
MODULES = sorted((REPOSITORY / "flows" / "distribution").glob("*.py"))
MANIFEST = yaml.safe_load((REPOSITORY / "prefect.yaml").read_text("utf-8"))
OURS = ("sc_distribution_run", "sc_distribution_fence")


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_a_heading_that_a_module_names_is_there(module):
    """Whoever follows a source finds it."""
    cited = re.findall(r'docs/distribution\.md, "([^"]+)"', module.read_text("utf-8"))
    assert set(cited) <= set(re.findall(r"^## (.+)$", PAGE, re.MULTILINE))


def test_the_ledgers_columns_are_the_same_everywhere():
    """In the script that the owner runs, in our statements, in the doctor's look, and in this order."""
    created = {
        name: re.findall(r"^    (\w+) +(?:varchar|date|integer|timestamp)", body, re.MULTILINE)
        for name, body in re.findall(
            r"^create table (\w+) \((.+?)^\);", script("flows.distribution"), re.MULTILINE | re.DOTALL
        )
    }
    ledger = tables.dssb("DSSB_APP")
    ours = {table.name: [column.name for column in table.c] for table in (ledger.run, ledger.fence)}
    assert created == ours
    assert tuple(ours) == OURS
    assert tuple(ours["sc_distribution_run"]) == bank.RUN


def test_the_day_begins_at_the_same_hour_everywhere():
    """For the cron, for the guard, and for who runs it by hand."""
    crons = [
        (schedule["cron"], schedule["timezone"])
        for entry in MANIFEST["deployments"]
        if entry["entrypoint"] == "flows.distribution.flow.distribution"
        for schedule in entry.get("schedules", ())
    ]
    (janitor,) = (entry for entry in MANIFEST["deployments"] if entry["entrypoint"].endswith(".janitor"))
    (duty,) = (duty for duty in janitor["parameters"]["duties"] if duty["process"] == "distribution")
    opens = permission.OPENS
    assert crons == [(f"{opens.minute} {opens.hour} * * *", "Asia/Almaty")]
    assert (time.fromisoformat(duty["opens"]), duty["timezone"]) == (opens, "Asia/Almaty")
