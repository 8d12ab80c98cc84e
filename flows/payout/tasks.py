"""Payout's effects: one per task, each with its retries. A retry begins with what the ledger and the chain say."""

from prefect import get_run_logger, task
from prefect.artifacts import acreate_progress_artifact, aupdate_progress_artifact

from flows.common.retries import PATIENT
from flows.common.sealed import sealed
from flows.payout import checking, estimate, following, waiting
from flows.payout.alarms import ContractPaused, TreasuryShort
from flows.payout.findings import Difference, Estimate, Figures, Standing, Story
from flows.payout.models import Hold, Pay, PlanHead, Slot
from flows.payout.purse import Purse
from flows.payout.refusals import SignerLocked
from flows.payout.sending import Sending
from flows.payout.work import Work

EXAMPLES = 5


@task(task_run_name="begin", **PATIENT)
@sealed
async def begin(work: Work) -> SignerLocked | None:
    """Open the ledger and look whether chain, contract, token and key are those that we mean.

    Returns:
        Who else is at work, and then this run ends.
    """
    try:
        await work.ensure()
    except SignerLocked as other:
        return other
    await work.check()
    return None


@task(task_run_name="recover", **PATIENT)
@sealed
async def recover(work: Work) -> int:
    """Book what final blocks say of the jobs that earlier runs left; the rest is sent and awaited with the new ones."""
    await work.ensure()
    head = await following.catch_up(work)
    return await following.book(work, head)


@task(task_run_name="compute delta", **PATIENT)
@sealed
async def compute_delta(work: Work, slot: Slot) -> PlanHead:
    """Read the players, take off what is paid and in flight, and store the plan."""
    await work.ensure()
    plan = await work.plan(slot)
    if slot is Slot.LIVE:
        await work.planning.keep_holds(slot)
    return plan


@task(task_run_name="find approved plan", **PATIENT)
@sealed
async def find_plan(work: Work, plan_hash: str) -> PlanHead:
    """Read the plan that was approved, as it was stored."""
    await work.ensure()
    return await work.planning.find(plan_hash)


@task(task_run_name="estimate", **PATIENT)
@sealed
async def estimate_plan(work: Work, plan: PlanHead) -> Estimate:
    """Ask the chain what the plan would cost, and what is there to pay with."""
    await work.ensure()
    return await estimate.estimate(work, plan)


@task(task_run_name="examples", **PATIENT)
@sealed
async def fetch_examples(work: Work, plan: PlanHead) -> tuple[list[Pay], list[Hold]]:
    """Read whom a report names: who gets most, and some of those held for each reason."""
    await work.ensure()
    return await work.planning.largest(plan.slot, EXAMPLES), await work.planning.held(plan.slot, EXAMPLES)


@task(task_run_name="reserve", **PATIENT)
@sealed
async def reserve(work: Work, plan: PlanHead) -> None:
    """Make the plan's jobs, in one transaction of the ledger; none while nothing of it could be paid."""
    await work.ensure()
    treasury = await work.jobs.treasury()
    jobs, sight = await Sending(work).look()
    if treasury.paused:
        work.tell(ContractPaused())
    elif lack := Purse.of(treasury, jobs, sight).lacks(await _least(work, plan), 0):
        work.tell(TreasuryShort(lack=lack))
    else:
        await work.ledger.reserve(plan.hash, work.run_id)


async def _least(work: Work, plan: PlanHead) -> int:
    """Return what must be there: all of an approved plan, as it is not to be paid in part, else its smallest job."""
    if plan.slot is Slot.PREVIEW:
        return plan.total
    return min(total for _, total in await work.planning.batches(plan.slot))


@task(task_run_name="submit", **PATIENT)
@sealed
async def submit(work: Work) -> int:
    """Sign, store and send until every open job has been sent; return how many are open."""
    await work.ensure()
    return await waiting.until_sent(work)


@task(task_run_name="wait for event", **PATIENT)
@sealed
async def wait_for_event(work: Work) -> None:
    """Book each job when a final block says how it ended; send again what the chain does not know yet."""
    progress: object = None

    async def show(percent: float) -> None:
        nonlocal progress
        progress = await _show(progress, percent)

    await work.ensure()
    await waiting.until_booked(work, show)


async def _show(progress: object, percent: float) -> object:
    """A server that is away costs nothing but the picture."""
    try:
        if progress is None:
            return await acreate_progress_artifact(percent, description="Jobs booked")
        await aupdate_progress_artifact(progress, progress=percent)  # type: ignore[arg-type]
    except Exception as error:  # noqa: BLE001
        get_run_logger().debug("progress not shown: %s", type(error).__name__)
    return progress


@task(task_run_name="bookkeep", **PATIENT)
@sealed
async def bookkeep(work: Work) -> Standing:
    """Compare the ledger's sums with the chain's events, and read how the ledger stands."""
    await work.ensure()
    standing = Standing(await work.books.sums(), await work.audit.totals())
    for alarm in await checking.alarms(work, standing.sums):
        work.tell(alarm)
    return standing


@task(task_run_name="reconcile", **PATIENT)
@sealed
async def reconcile(work: Work) -> list[Difference]:
    """Compare everything: the ledger with itself, with every event, and every closed job with the contract."""
    await work.ensure()
    return await checking.differences(work, await following.catch_up(work))


@task(task_run_name="figures", **PATIENT)
@sealed
async def fetch_figures(work: Work) -> Figures:
    """Read what this run did, and the last two weeks, from the ledger."""
    await work.ensure()
    return await work.books.figures(work.run_id)


@task(task_run_name="why", **PATIENT)
@sealed
async def fetch_story(work: Work, user_id: int) -> Story:
    """Read all that the ledger knows of one player."""
    await work.ensure()
    return await work.audit.why(user_id)
