"""What a plan would cost, asked of the chain with the plan's own first job."""

from blocks.jobs_problem import JobRefused
from flows.payout.findings import Estimate
from flows.payout.models import PlanHead
from flows.payout.work import Work

NEVER_USED = bytes(31) + b"\1"  # as a job id; nothing is sent under it


async def estimate(work: Work, plan: PlanHead) -> Estimate:
    """Return what the plan takes, by its first job; the others are at most as large."""
    gas, fee_wei, refusal = await _submitting(work, plan) if plan.n else (0, 0, None)
    treasury = await work.jobs.treasury()
    return Estimate(gas, fee_wei, refusal, treasury.budget, treasury.gas_balance, treasury.paused)


async def _submitting(work: Work, plan: PlanHead) -> tuple[int | None, int | None, str | None]:
    head, fees = await work.jobs.head(), await work.jobs.fees()
    payload = await work.books.first_payload(plan.slot)
    try:
        gas = await work.jobs.gas(NEVER_USED, payload, head.timestamp + work.settings.deadline_s)
    except JobRefused as refused:
        return None, None, str(refused.facts["reason"])
    of_all = gas * plan.batches
    return of_all, of_all * fees.max_fee_wei, None
