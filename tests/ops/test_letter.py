"""What the failure mail says, and what it never says."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.ops.letter import Incident, write

RUN_ID = UUID("11111111-2222-3333-4444-555555555555")
FAILED = Incident(
    RUN_ID,
    "prefect.flow-run.Failed",
    deployment="pop/daily",
    run_name="brisk-otter",
    url="http://ui.example/runs/flow-run/1",
    state="Failed",
    message="Flow run encountered an exception: GameRefusesUs: five refusals in a row (HTTP 403)\nmore",
    expected_utc=datetime(2030, 5, 5, tzinfo=UTC),
    started_utc=datetime(2030, 5, 5, 0, 0, 3, tzinfo=UTC),
    parameters={"count": 100, "note": "token=hush-hush", "token": "hush-hush"},
    tags=("pop", "alarm"),
    is_guarded=True,
)
FACTS = [
    "pop/daily failed: GameRefusesUs: five refusals in a row (HTTP 403) more.",
    "brisk-otter",
    "http://ui.example/runs/flow-run/1",
    "2030-05-05 00:00:00 UTC",
    "2030-05-05 00:00:03 UTC",
    "count=100",
    "alarm, pop",
    "docs/runbook.md#gamerefusesus",
    "The guard starts a new run",
]


def bodies(incident: Incident) -> tuple[str, str]:
    mail = write(incident)
    return tuple(mail.get_body((kind,)).get_content() for kind in ("plain", "html"))


@pytest.mark.parametrize("fact", FACTS)
def test_the_mail_says(fact: str) -> None:
    """Text and HTML both tell what happened, where, when, what to do and what happens by itself."""
    plain, html = bodies(FAILED)
    assert fact.lower() in plain.lower()
    assert fact.lower() in html.lower()


def test_the_subject_is_one_line() -> None:
    """The subject names the deployment and the error."""
    expected = "[Metronome] pop/daily failed: GameRefusesUs: five refusals in a row (HTTP 403) more"
    assert write(FAILED)["Subject"] == expected


@given(st.text(min_size=1))
def test_any_error_text_fits_a_mail(message: str) -> None:
    """Whatever a library writes, the mail can be written, and no secret of a known shape is in it."""
    incident = Incident(
        RUN_ID, FAILED.event, deployment="pop/daily", message=f"{message} ws://h/?token=hush-hush"
    )
    assert b"hush-hush" not in write(incident).as_bytes()


def test_parameters_hide_secrets() -> None:
    """A parameter that looks like a secret, by name or by value, is not shown."""
    assert b"hush-hush" not in write(FAILED).as_bytes()


def test_markup_is_text() -> None:
    """What an error says is shown, not interpreted."""
    incident = Incident(RUN_ID, FAILED.event, deployment="pop/daily", message="<script>alert(1)</script>")
    assert "<script>" not in bodies(incident)[1]


def test_a_duplicate_is_recognisable() -> None:
    """The same run and event give the same Message-ID, another event another one."""
    late = Incident(RUN_ID, "prefect.flow-run.Late", deployment="pop/daily")
    assert write(FAILED)["Message-ID"] == write(FAILED)["Message-ID"]
    assert write(late)["Message-ID"] != write(FAILED)["Message-ID"]


def test_a_late_run_waits_for_a_worker() -> None:
    """A late run's mail does not promise a restart."""
    plain, _ = bodies(Incident(RUN_ID, "prefect.flow-run.Late", deployment="pop/daily", is_guarded=True))
    assert "pop/daily is late." in plain.lower()
    assert "as soon as a worker takes it" in plain


def test_without_a_guard_nothing_is_promised() -> None:
    """A run that nobody restarts is said to stay as it is, or to come by its schedule."""
    alone = Incident(RUN_ID, FAILED.event, deployment="doctor/on-demand")
    assert "Nothing starts it again" in bodies(alone)[0]
    soon = Incident(RUN_ID, FAILED.event, deployment="x/y", next_utc=datetime(2030, 5, 6, tzinfo=UTC))
    assert "Next by schedule: 2030-05-06 00:00:00 UTC" in bodies(soon)[0]


def test_a_deleted_run_is_told() -> None:
    """Of a run that is gone, the mail says so and names it."""
    plain, _ = bodies(Incident(RUN_ID, FAILED.event))
    assert "no longer there" in plain
    assert str(RUN_ID) in plain


@pytest.mark.parametrize(("event", "routine"), [("Cancelled", True), ("Failed", False), ("Late", False)])
def test_a_cancellation_is_routine(event: str, routine: bool) -> None:
    """Only a cancellation is no news."""
    assert Incident(RUN_ID, f"prefect.flow-run.{event}").is_routine is routine
