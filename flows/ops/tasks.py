"""The janitor's and notify's effects: one per task, each with its retries."""

import asyncio
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from prefect import get_run_logger, task
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas import OrchestrationResult
from prefect.client.schemas.responses import SetStateStatus
from prefect.deployments import arun_deployment
from prefect.exceptions import ObjectNotFound
from prefect.states import Crashed

from blocks import mail
from blocks.database import DatabaseUnreachable
from blocks.problem import Problem
from flows.common import duty as duties
from flows.common import failures, runbook
from flows.common.clock import Clock
from flows.common.redaction import one_line
from flows.common.retries import EFFECT, PATIENT
from flows.ops import engine, incidents, letter, rules
from flows.ops.checks import CHECKS
from flows.ops.models import Crash, Facts, Finding, Lock, Pulse, Restart, Run, Watch
from flows.ops.parameters import Duty, Patience, Rhythm
from flows.ops.unwell import Unwell

TICK = "janitor"
AGAIN_S = 5.0
CHECK_TIMEOUT_S = 30.0
QUICK: dict[str, Any] = {**EFFECT, "retries": 2, "retry_delay_seconds": 2}


@task(**QUICK)
async def look_around(
    wanted: tuple[Duty, ...], rhythms: tuple[Rhythm, ...], patience: Patience, tick_s: int
) -> Facts:
    """Read everything that the plan needs, the runs before the locks.

    One task for all of it: a quiet tick, 288 of them a day, shall leave little behind.
    """
    now_utc = Clock().utc()
    silent_s = rules.silence_s(patience, tick_s)
    since_utc = now_utc - timedelta(seconds=silent_s)
    async with get_client() as client:
        active = tuple(await engine.read_active(client))
        watches = tuple([await _watch(client, duty, active, now_utc) for duty in wanted])
        pulses = tuple([await _pulse(client, rhythm, now_utc) for rhythm in rhythms])
        long = {run.id for run in rules.long_running(active, now_utc, silent_s)}
        beats = await engine.read_last_beats(client, long, since_utc)
        ticks_since_utc = since_utc - timedelta(seconds=2 * tick_s)
        ticks = await engine.read_ticks(client, TICK, ticks_since_utc) if long - beats.keys() else ()
    return Facts(now_utc, tick_s, active, watches, pulses, beats, tuple(ticks))


async def _watch(client: PrefectClient, duty: Duty, active: tuple[Run, ...], now_utc: datetime) -> Watch:
    """Read a duty's runs of the day, add those that are left of other days, and last read its lock."""
    try:
        deployment = await client.read_deployment_by_name(duty.deployment)
        today = await engine.read_day(client, deployment, duty.midnight(now_utc))
        state = await _read_duty(duty.process, duty.day(now_utc))
    except ObjectNotFound:
        return Watch(duty, problem=_no_deployment(duty.deployment))
    except Problem as error:
        return Watch(duty, problem=f"{type(error).__name__}: {one_line(str(error))}")
    known = {run.id for run in today}
    left = [run for run in active if run.deployment_id == deployment.id and run.id not in known]
    lock = Lock(state.held, state.finished, state.flow_run_id, state.silent_s if state.taken_up else None)
    return Watch(duty, lock, deployment.id, engine.is_paused(deployment), (*today, *left))


async def _pulse(client: PrefectClient, rhythm: Rhythm, now_utc: datetime) -> Pulse:
    """Read the runs that were due within the last 24 hours."""
    try:
        deployment = await client.read_deployment_by_name(rhythm.deployment)
    except ObjectNotFound:
        return Pulse(rhythm, problem=_no_deployment(rhythm.deployment))
    runs = await engine.read_day(client, deployment, now_utc - timedelta(days=1))
    return Pulse(rhythm, engine.is_paused(deployment), tuple(runs))


def _no_deployment(name: str) -> str:
    return f"There is no deployment {name}: run `make apply`."


async def _read_duty(process: str, day: date) -> duties.DutyState:
    """Read it, and once more when the database is just restarting: that is no alarm."""
    try:
        return await duties.read(process, day)
    except DatabaseUnreachable:
        await Clock().sleep(AGAIN_S)
        return await duties.read(process, day)


@task(task_run_name="mark {crash.run.name} crashed", **QUICK)
async def mark_crashed(crash: Crash) -> bool:
    """Mark a run Crashed, which frees its slot; False when it has come to an end by itself meanwhile."""
    async with get_client() as client:
        try:
            result: OrchestrationResult[Any] = await client.set_flow_run_state(
                crash.run.id, Crashed(message=f"The janitor found it dead: {crash.reason}."), force=False
            )
        except ObjectNotFound:
            return False
    get_run_logger().info("%s: %s (%s)", crash.run.name, result.status.value, crash.reason)
    return result.status is SetStateStatus.ACCEPT


@task(task_run_name="restart {duty.deployment}", **QUICK)
async def restart(duty: Duty, verdict: Restart) -> str:
    """Start the successor and return its name; the same key returns the same run."""
    async with get_client() as client:
        run = await arun_deployment(
            duty.deployment,
            client=client,
            scheduled_time=Clock().utc() + timedelta(seconds=verdict.delay_s),
            timeout=0,
            as_subflow=False,
            idempotency_key=verdict.idempotency_key,
            tags=["guard"],
        )
    get_run_logger().info("%s: %s, started %s", duty.deployment, verdict.reason, run.name)
    return run.name


@task(**QUICK)
async def is_told(message: str) -> bool:
    """Tell whether a janitor's run has failed with this very message within the hour."""
    return await failures.was_lately(TICK, message)


@task(**QUICK)
async def read_incident(flow_run_id: UUID, event: str) -> letter.Incident:
    """Read what the engine knows of the run."""
    async with get_client() as client:
        return await incidents.read(client, flow_run_id, event)


@task(**PATIENT)
async def send(incident: letter.Incident) -> None:
    """Mail it."""
    await mail.send(letter.write(incident))


@task(task_run_name="check {name}", **EFFECT)
async def check(name: str) -> Finding:
    """Look at one thing; never raises, so that one table tells of all."""
    wanted = CHECKS[name]
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            return Finding(name, True, await wanted.probe())
    except Exception as error:  # noqa: BLE001
        what = str(error) if isinstance(error, Problem | Unwell) else f"{type(error).__name__}: {error}"
        known = type(error).__name__
        page = runbook.anchor(known if known in runbook.EXCEPTIONS else wanted.heading)
        return Finding(name, False, one_line(what), f"{wanted.mend} ({page})")
