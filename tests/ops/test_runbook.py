"""Every exception and alert that a person may see has its heading, and the mail leads there."""

import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest

import blocks
import flows
from flows.common import runbook

PAGE = Path(__file__).parents[2] / runbook.PAGE
LINES = ("Means", "Impact", "Check", "Fix", "Never")
UNSEEN = {
    # Bases, and what its own process catches and counts.
    "Problem", "GameError", "Overwhelmed", "BadReply", "Refused", "Unwell", "LedgerProblem", "Alarm",
}  # fmt: skip


def exceptions() -> set[str]:
    """Return the names of all exceptions that blocks and flows define."""
    modules = [
        importlib.import_module(found.name)
        for package in (blocks, flows)
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    ]
    return {
        name
        for module in modules
        for name, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, Exception) and kind.__module__ == module.__name__
    }


def sections() -> dict[str, str]:
    """Return the page's sections by anchor."""
    _, *parts = re.split(r"^### (.+)$", PAGE.read_text("utf-8"), flags=re.MULTILINE)
    return {
        title.lower().replace(" ", "-"): body for title, body in zip(parts[::2], parts[1::2], strict=True)
    }


def test_every_exception_is_known() -> None:
    """The mapping knows exactly the exceptions that the code defines and a person may see."""
    assert exceptions() - UNSEEN == runbook.EXCEPTIONS


def test_every_heading_is_known() -> None:
    """The page has a heading for each exception and alert, and no other."""
    assert set(sections()) == {name.lower() for name in runbook.EXCEPTIONS} | runbook.ALERTS


@pytest.mark.parametrize("anchor", sorted(sections()))
def test_a_heading_has_its_five_lines(anchor: str) -> None:
    """Means, Impact, Check (a command), Fix, Never: one line each, in this order."""
    lines = [line for line in sections()[anchor].splitlines() if line.startswith("- ")]
    assert [re.match(r"- \*\*(\w+):\*\* \S", line).group(1) for line in lines] == list(LINES)
    assert "`" in lines[2]


@pytest.mark.parametrize("name", sorted(runbook.EXCEPTIONS))
def test_the_mail_leads_to_the_heading(name: str) -> None:
    """What the engine writes of an exception leads to its heading, also through a task and a janitor."""
    written = f"Flow run encountered an exception: {name}: something, see elsewhere"
    assert runbook.heading("prefect.flow-run.Failed", written) == f"docs/runbook.md#{name.lower()}"


@pytest.mark.parametrize(
    ("event", "message", "anchor"),
    [
        ("Failed", "Flow run encountered an exception: KeyError: 'x'", "failed-run"),
        ("Crashed", "Flow run process exited with non-zero status code -9.", "crashed-run"),
        ("Crashed", "The janitor found it dead: Pending for more than 60 s.", "stuck-pending"),
        ("TimedOut", "Flow run exceeded timeout of 5 second(s)", "timed-out-run"),
        ("Late", "", "late-run"),
    ],
)
def test_what_has_no_exception_leads_to_its_alert(event: str, message: str, anchor: str) -> None:
    """An event without one of our exceptions leads to the alert's heading, and the heading is there."""
    assert runbook.heading(f"prefect.flow-run.{event}", message) == f"docs/runbook.md#{anchor}"
    assert anchor in sections()
