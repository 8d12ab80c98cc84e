"""Pop's effects: one per task, each with its retries."""

import asyncio
from datetime import date, datetime, timedelta

from prefect import get_run_logger, task
from prefect.artifacts import acreate_progress_artifact, aupdate_progress_artifact

from blocks import database
from flows.common.clock import Clock
from flows.common.duty import BLOCK as STATE_DB
from flows.common.retries import EFFECT, PATIENT
from flows.pop import report
from flows.pop.models import Bin, Slot
from flows.pop.work import SQL, Work

GAME_DB = "pop-db"
PROGRESS_EVERY_S = 10.0
PROGRESS_TIMEOUT_S = 5.0


@task(**PATIENT)
async def fetch_accounts() -> list[str | None]:
    """Read the marketing accounts from the game's database."""
    async with database.session(GAME_DB) as session:
        return list(await session.scalars(SQL["fetch_accounts"]))


@task(**PATIENT)
async def fetch_history() -> dict[str, datetime]:
    """Read from the ledger when each account was last served."""
    async with database.session(STATE_DB) as session:
        rows = await session.execute(SQL["fetch_history"])
        return dict(rows.tuples().all())


@task(**PATIENT)
async def fetch_refused(day: date) -> frozenset[str]:
    """Read from the ledger which accounts the game server refused when it was last asked for them."""
    async with database.session(STATE_DB) as session:
        return frozenset(await session.scalars(SQL["fetch_refused"], {"business_date": day}))


@task(task_run_name="serve {slot}", retry_jitter_factor=0.3, **EFFECT | {
    "retries": 8,
    "retry_delay_seconds": [2, 5, 15, 30, 60, 120, 240, 300],
})  # fmt: skip
async def serve_slot(slot: Slot, work: Work) -> None:
    """Serve a quarter of an hour; a retry goes on with who is left."""
    publishing = asyncio.create_task(_publish_progress(work))
    try:
        await work.serve(slot)
    finally:
        publishing.cancel()
        await _show_progress(work)
    get_run_logger().info(report.slot_line(slot, work.day))


async def _publish_progress(work: Work) -> None:
    while True:
        await _show_progress(work)
        await Clock().sleep(PROGRESS_EVERY_S)


async def _show_progress(work: Work) -> None:
    """Keep the progress artifact fresh; a server that is away costs nothing but the picture."""
    try:
        async with asyncio.timeout(PROGRESS_TIMEOUT_S):
            await _update_progress(work)
    except Exception as error:  # noqa: BLE001
        get_run_logger().debug("progress not shown: %s", type(error).__name__)


async def _update_progress(work: Work) -> None:
    if work.progress_id is None:
        work.progress_id = await acreate_progress_artifact(work.percent, description="Accounts done today")
    else:
        await aupdate_progress_artifact(work.progress_id, progress=work.percent)


@task(**PATIENT)
async def fetch_bins(day: date, since_utc: datetime, width: timedelta) -> list[Bin]:
    """Read the day's course from the ledger."""
    parameters = {"business_date": day, "start_utc": since_utc, "width": width}
    async with database.session(STATE_DB) as session:
        rows = await session.execute(SQL["fetch_bins"], parameters)
        return [Bin(**row) for row in rows.mappings()]


@task(**PATIENT)
async def fetch_reasons(day: date) -> list[tuple[str, str, int]]:
    """Read from the ledger why attempts failed: outcome, reason, how often."""
    async with database.session(STATE_DB) as session:
        rows = await session.execute(SQL["fetch_reasons"], {"business_date": day})
        return [(outcome, reason, attempts) for outcome, reason, attempts in rows]


@task(**PATIENT)
async def forget_old_attempts(day: date) -> None:
    """Delete attempts older than five weeks."""
    async with database.session(STATE_DB) as session:
        await session.execute(SQL["forget"], {"business_date": day})
        await session.commit()
