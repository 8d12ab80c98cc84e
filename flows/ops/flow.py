"""Operations: failures are mailed, dead runs are cleared away, idle duties are taken up again.

Source    docs/runbook.md, docs/decisions.md
Schedule  janitor/every-5-min; notify/on-failure by automations; doctor/on-demand by a person
Errors    janitor: ProcessFrozen, Overdue, GuardBlind; doctor: SystemUnwell; notify: MailNotSent
"""

import asyncio
from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from prefect import flow
from pydantic import Field

from flows.common.artifacts import publish, publish_table
from flows.ops import report, rules, tasks
from flows.ops.checks import CHECKS, PROCESSES
from flows.ops.models import Crash, Plan
from flows.ops.parameters import Duty, Patience, Process, Rhythm

DEFAULT_PATIENCE = Patience()

Event = Annotated[str, Field(max_length=200)]
Tick = Annotated[int, Field(ge=1, le=3600)]


@flow(name="notify")
async def notify(flow_run_id: UUID, event: Event) -> str:
    """Mail that a run failed, crashed, took too long or is late.

    Args:
        flow_run_id: The run in trouble.
        event: What happened to it, say prefect.flow-run.Failed.
    """
    # gather
    incident = await tasks.read_incident(flow_run_id, event)
    if incident.is_routine:
        return "routine, no mail"
    # act
    await tasks.send(incident)
    return "mailed"


@flow(name="janitor")
async def janitor(
    duties: tuple[Duty, ...] = (),
    rhythms: tuple[Rhythm, ...] = (),
    tick_s: Tick = 300,
    patience: Patience = DEFAULT_PATIENCE,
    dry_run: bool = False,
) -> str:
    """Mark dead runs Crashed, which frees their slots, and start every duty that nobody is at work on.

    Dead are runs that stay Pending and runs that send no heartbeat; for a duty its lock decides.

    Args:
        duties: What must be done every day, and by which deployment.
        rhythms: Deployments whose schedule must be kept; a missed run is an alarm, nothing is started.
        tick_s: Distance of this flow's own runs, seconds.
        patience: How long a state may last before it counts as dead.
        dry_run: Only show what would be done.
    """
    # gather
    facts = await tasks.look_around(duties, rhythms, patience, tick_s)
    # plan
    plan = rules.plan(facts, patience)
    if dry_run:
        await publish("janitor", report.janitor(facts.now_utc, plan, None, ()))
        return "dry run"
    # act: the dead are marked first, so that no successor's slot is freed
    marked = await _mark(plan.crashes)
    started = [await tasks.restart(duty, restart) for duty, restart in rules.ready(plan, marked)]
    # record and report
    if rules.needs_hand(plan):
        await publish("janitor", report.janitor(facts.now_utc, plan, marked, started))
    await _raise_alarm(plan)
    return f"{len(marked)} marked Crashed, {len(started)} started"


async def _mark(crashes: Sequence[Crash]) -> set[UUID]:
    return {crash.run.id for crash in crashes if await tasks.mark_crashed(crash)}


async def _raise_alarm(plan: Plan) -> None:
    """End Failed, so that the failure mail tells of it; once an hour is enough."""
    alarm = rules.alarm(plan.alarms)
    if alarm is not None and not await tasks.is_told(str(alarm)):
        raise alarm


@flow(name="doctor")
async def doctor(without: tuple[Process, ...] = ()) -> str:
    """Check every connection, and say in one table what works and what to do.

    Args:
        without: Processes that this installation does not run; theirs is not looked at.
    """
    # gather
    left_out = {name for process in without for name in PROCESSES[process]}
    findings = await asyncio.gather(*(tasks.check(name) for name in CHECKS if name not in left_out))
    # report
    await publish_table("doctor", report.doctor(findings), "What works and what to do")
    if (broken := rules.diagnose(findings)) is not None:
        raise broken
    return f"all {len(findings)} checks are fine"
