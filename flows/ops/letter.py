"""The mail that tells of a flow run in trouble: Incident -> EmailMessage. Pure.

Everything that a library or a person may have written goes through `one_line`, which redacts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from html import escape
from typing import Any
from uuid import UUID

from flows.common.redaction import one_line
from flows.common.runbook import heading

PREFIX = "Flow run encountered an exception: "
VERBS = {"Failed": "failed", "Crashed": "crashed", "TimedOut": "took too long", "Late": "is late"}
PARAMETER_CHARS = 120


@dataclass(frozen=True)
class Incident:
    """A flow run in trouble, as the engine has it when the mail is written.

    Attributes:
        event: what happened, an event's name such as prefect.flow-run.Failed.
        deployment: its `flow/deployment`, or the flow's name alone; empty for a run that was deleted.
        is_guarded: the janitor starts it again by itself.
        next_utc: when its schedule comes next.
    """

    flow_run_id: UUID
    event: str
    deployment: str = ""
    run_name: str = ""
    url: str | None = None
    state: str = ""
    message: str = ""
    expected_utc: datetime | None = None
    started_utc: datetime | None = None
    ended_utc: datetime | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    is_guarded: bool = False
    next_utc: datetime | None = None

    @property
    def kind(self) -> str:
        return self.event.rpartition(".")[2]

    @property
    def is_routine(self) -> bool:
        """A cancellation is somebody's will, or the limit's; neither is news."""
        return self.kind in {"Cancelled", "Cancelling"}


def write(incident: Incident) -> EmailMessage:
    """Return the mail; the same run and event give the same Message-ID, so that a duplicate is recognised."""
    rows = _rows(incident)
    mail = EmailMessage()
    mail["Subject"] = one_line(f"[Metronome] {_what(incident)}", 180)
    mail["Message-ID"] = (
        f"<{incident.flow_run_id}.{one_line(incident.kind, 40) or 'event'}@metronome.invalid>"
    )
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(_text(incident, rows))
    mail.add_alternative(_html(incident, rows), subtype="html")
    return mail


def _what(incident: Incident) -> str:
    if not incident.deployment:
        return f"a flow run that is no longer there: {incident.kind}"
    error = _error(incident)
    verb = VERBS.get(incident.kind, f"is {incident.kind}")
    return f"{incident.deployment} {verb}" + (f": {error}" if error else "")


def _error(incident: Incident) -> str:
    return one_line(incident.message.removeprefix(PREFIX), 110) if incident.kind != "Late" else ""


def _rows(incident: Incident) -> list[tuple[str, str]]:
    rows = [
        ("Run", incident.run_name or str(incident.flow_run_id)),
        ("Link", incident.url or "set PREFECT_UI_URL to have one"),
        ("State now", incident.state),
        ("Was to start", _utc(incident.expected_utc)),
        ("Started", _utc(incident.started_utc) or "not yet"),
        ("Ended", _utc(incident.ended_utc)),
        ("Error", one_line(incident.message.removeprefix(PREFIX), 400)),
        ("Parameters", _parameters(incident.parameters)),
        ("Tags", ", ".join(sorted(incident.tags))),
        ("What to do", heading(incident.event, incident.message)),
        ("By itself", _next(incident)),
    ]
    if not incident.deployment:
        rows = [("Run", str(incident.flow_run_id)), ("State now", "deleted: nothing more is known of it")]
    return [(name, one_line(value, 500)) for name, value in rows if value]


def _utc(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else ""


def _parameters(parameters: Mapping[str, Any]) -> str:
    # Name and value together, so that `token: …` is known by its name.
    pairs = (one_line(f"{name}={value!r}", PARAMETER_CHARS) for name, value in sorted(parameters.items()))
    return ", ".join(pairs)


def _next(incident: Incident) -> str:
    then = f" Next by schedule: {_utc(incident.next_utc)}." if incident.next_utc else ""
    if incident.kind == "Late":
        return f"It starts as soon as a worker takes it; nobody starts another one meanwhile.{then}"
    if incident.is_guarded:
        return f"The guard starts a new run within 5 minutes, later after repeated failures.{then}"
    return then.strip() or "Nothing starts it again by itself."


def _text(incident: Incident, rows: list[tuple[str, str]]) -> str:
    width = max(len(name) for name, _ in rows)
    lines = [f"{name:<{width}}  {value}" for name, value in rows]
    return "\n".join([_sentence(incident), "", *lines, ""])


def _sentence(incident: Incident) -> str:
    sentence = one_line(_what(incident), 200)
    return sentence + ("" if sentence.endswith((".", "…")) else ".")


def _html(incident: Incident, rows: list[tuple[str, str]]) -> str:
    cells = "".join(
        f'<tr><td style="padding:2px 12px 2px 0;color:#666">{escape(name)}</td>'
        f"<td>{_linked(value) if name == 'Link' else escape(value)}</td></tr>"
        for name, value in rows
    )
    return f"<html><body><p><b>{escape(_sentence(incident))}</b></p><table>{cells}</table></body></html>"


def _linked(value: str) -> str:
    shown = escape(value)
    return f'<a href="{shown}">{shown}</a>' if value.startswith(("http://", "https://")) else shown
