"""Payout: the coins that players earned since the last time go to their wallets, each exactly once.

Source    docs/payout.md
Schedule  payout/hourly; payout-reconcile/daily, 03:30 UTC; one run at a time (prefect.yaml)
Errors    what can be paid is paid and booked first; the next run finishes what is open
"""

from typing import Annotated, Any
from uuid import uuid4

from prefect import flow, runtime
from prefect.client.schemas.objects import State
from prefect.states import Cancelled
from pydantic import Field

from flows.common.artifacts import publish
from flows.common.redaction import guard_logs
from flows.payout import preview, report, tasks
from flows.payout.alarms import ChainDiffers
from flows.payout.markdown import Coins
from flows.payout.models import PlanHead, Slot
from flows.payout.work import Access, Work, open_work

PlanHash = Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")]
UserId = Annotated[int, Field(ge=-(2**63), lt=2**63)]


@flow(name="payout", persist_result=False)
async def payout(approved_plan: PlanHash = "", dry_run: bool = False) -> dict[str, Any] | State[Any]:
    """Pay every player what is earned and neither paid nor in flight, in jobs on the chain.

    A run first books what earlier ones left. Two runs never pay at once.

    Args:
        approved_plan: The hash of a dry run's plan: pay exactly that, or refuse. Empty: make a plan now.
        dry_run: Make and show a plan only: nothing is reserved, signed or sent.
    """
    guard_logs()
    async with open_work(_run_id(), Access.NONE if dry_run else Access.NOW) as work:
        if (other := await tasks.begin(work)) is not None:
            return Cancelled(message=str(other))
        return await (_preview(work) if dry_run else _pay(work, approved_plan))


async def _preview(work: Work) -> dict[str, Any]:
    plan = await tasks.compute_delta(work, Slot.PREVIEW)
    await _show_plan(work, plan)
    return {"plan": plan.hash, "players": plan.n, "total": plan.total, "jobs": plan.batches}


async def _pay(work: Work, approved_plan: str) -> dict[str, Any]:
    # recover
    await tasks.recover(work)
    # gather and plan
    if approved_plan:
        plan = await tasks.find_plan(work, approved_plan)
    else:
        plan = await tasks.compute_delta(work, Slot.LIVE)
    await _show_plan(work, plan)
    # act: promise, send, and book each job as soon as its end is final
    if plan.n:
        await tasks.reserve(work, plan)
    await tasks.submit(work)
    await tasks.wait_for_event(work)
    # record
    standing = await tasks.bookkeep(work)
    # report
    figures = await tasks.fetch_figures(work)
    await publish("payout-run", report.run(plan, figures, standing, _coins(work), work.troubles))
    work.check_troubles()
    return {"plan": plan.hash, "paid": standing.sums.paid, "in_flight": standing.sums.in_flight}


async def _show_plan(work: Work, plan: PlanHead) -> None:
    estimate = await tasks.estimate_plan(work, plan)
    pays, holds = await tasks.fetch_examples(work, plan)
    await publish("payout-plan", preview.plan(plan, estimate, pays, holds, _coins(work)))


@flow(name="payout-reconcile", persist_result=False)
async def reconcile() -> dict[str, Any]:
    """Compare the ledger with itself, with every event of the contract, and with what the contract says of each job.

    Waits while a payout is at work, and changes nothing.
    """
    guard_logs()
    async with open_work(_run_id(), Access.PATIENT) as work:
        if (other := await tasks.begin(work)) is not None:
            raise other
        found = await tasks.reconcile(work)
        standing = await tasks.bookkeep(work)
        await publish("payout-reconcile", report.reconciliation(found, standing, _coins(work)))
    if found:
        work.tell(ChainDiffers(differences=report.differences(found)))
    work.check_troubles()
    return {"differences": 0, "paid": standing.sums.paid, "in_flight": standing.sums.in_flight}


@flow(name="payout-why", persist_result=False)
async def why(user_id: UserId) -> dict[str, Any]:
    """Show one player's whole story: every payment, job and transaction, and why the rest is held.

    Args:
        user_id: The player's id in the game's database.
    """
    guard_logs()
    async with open_work(_run_id(), Access.NONE) as work:
        story = await tasks.fetch_story(work, user_id)
        await publish("payout-why", report.story(story, _coins(work), work.jobs.explorer))
    return {"user_id": user_id, "paid": story.paid, "in_flight": story.in_flight, "held": story.held_for}


def _coins(work: Work) -> Coins:
    return Coins(work.settings.token_decimals)


def _run_id() -> str:
    return str(runtime.flow_run.id or uuid4())
