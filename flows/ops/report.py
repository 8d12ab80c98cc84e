"""What the janitor and the doctor show: models -> Markdown and tables. Pure."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from uuid import UUID

from flows.ops.models import Alarm, Crash, Finding, Fine, Plan, Restart, Verdict
from flows.ops.parameters import Duty


def janitor(now_utc: datetime, plan: Plan, marked: Collection[UUID] | None, started: Iterable[str]) -> str:
    """Return one table of what was seen, decided and done; `marked` is None for a dry run."""
    rows = [_crash(crash, marked) for crash in plan.crashes]
    rows += [_verdict(duty, verdict) for duty, verdict in plan.verdicts]
    rows += [(rhythm.deployment, alarm.reason, "alarm") for rhythm, alarm in plan.missed]
    title = f"# Janitor, {now_utc:%Y-%m-%d %H:%M} UTC{'' if marked is not None else ' (dry run)'}"
    head = "| what | seen | decided |\n|--|--|--|"
    table = "\n".join(f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows)
    runs = ", ".join(started)
    return "\n".join([title, "", head, table, *(["", f"Started: {runs}"] if runs else ())])


def _crash(crash: Crash, marked: Collection[UUID] | None) -> tuple[str, str, str]:
    if marked is None:
        done = "would be marked Crashed"
    else:
        done = "marked Crashed" if crash.run.id in marked else "ended by itself meanwhile"
    return (f"run {crash.run.name}", crash.reason, done)


def _verdict(duty: Duty, verdict: Verdict) -> tuple[str, str, str]:
    match verdict:
        case Fine():
            return (duty.process, verdict.reason, "nothing to do")
        case Alarm():
            return (duty.process, verdict.reason, "alarm")
        case Restart():
            return (duty.process, verdict.reason, f"start {duty.deployment} in {verdict.delay_s} s")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def doctor(findings: Sequence[Finding]) -> list[dict[str, str]]:
    """Return the rows of the doctor's table, what is broken first."""
    return [
        {
            "": "ok" if finding.ok else "BROKEN",
            "check": finding.name,
            "found": finding.what,
            "what to do": finding.remedy,
        }
        for finding in sorted(findings, key=lambda finding: finding.ok)
    ]
