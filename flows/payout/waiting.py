"""A run's two waits: until every job is sent, and until every job is booked or its time is up."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

from blocks.jobs import JobStatus
from blocks.jobs_problem import ChainBehind
from flows.common.clock import Clock
from flows.payout import following, steps
from flows.payout.alarms import JobsUnanswered
from flows.payout.models import OpenJob, State
from flows.payout.sending import Sending
from flows.payout.steps import Sight
from flows.payout.work import CONTRACT, Work

POLL_S = 5.0


async def until_sent(work: Work) -> int:
    """Sign, store and send; return how many jobs are open."""
    sending, until_utc = Sending(work), _until(work)
    while True:
        jobs, sight = await sending.look()
        await sending.advance(jobs, sight)
        jobs = await work.ledger.open_jobs()
        is_sent = all(job.deadline is not None or job.state is State.QUARANTINED for job in jobs)
        if is_sent or Clock().utc() > until_utc:
            return len(jobs)
        await work.jobs.woken(POLL_S)


async def until_booked(work: Work, show: Callable[[float], Awaitable[None]]) -> None:
    """Book, and send again what the chain does not know yet; `show` is told how far it has come, in per cent.

    Who waits for what is told when this run waits no longer.
    """
    sending, until_utc = Sending(work), _until(work)
    most = len(await work.ledger.open_jobs())
    while True:
        await following.book(work, await following.catch_up(work))
        jobs, sight = await sending.look()
        if most:
            await show(100 * max(0, most - len(jobs)) / most)
        if Clock().utc() > until_utc or not any(_is_awaited(work, job, sight) for job in jobs):
            break
        await sending.advance(jobs, sight)
        await work.jobs.woken(POLL_S)
    _tell_open(work, jobs, sight)


def _until(work: Work) -> datetime:
    """A chain that stands still must not hold a run for ever."""
    return Clock().utc() + timedelta(seconds=work.longest_s)


def _is_awaited(work: Work, job: OpenJob, sight: Sight) -> bool:
    silent_s = (Clock().utc() - job.changed_utc).total_seconds()
    is_aside = job.job_id in work.aside
    return not is_aside and steps.is_awaited(job, sight, silent_s, work.settings.patience_s)


def _tell_open(work: Work, jobs: Sequence[OpenJob], sight: Sight) -> None:
    jobs = [job for job in jobs if job.state is not State.QUARANTINED and job.job_id not in work.aside]
    silent = [job for job in jobs if sight.newest[job.job_id] is JobStatus.SUBMITTED]
    if silent:
        players, first = sum(job.n for job in silent), f"0x{silent[0].job_id.hex()}"
        patience_s = work.settings.patience_s
        work.tell(JobsUnanswered(jobs=len(silent), patience_s=patience_s, first=first, players=players))
    if still := len(jobs) - len(silent):
        reason = f"block {sight.head.number} is its newest, and {still} jobs wait for more"
        work.tell(ChainBehind(block=CONTRACT, reason=reason))
