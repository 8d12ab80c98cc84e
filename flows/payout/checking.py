"""Chain against ledger: cheap sums in every run, everything once a day."""

from collections import Counter
from collections.abc import Iterator

from blocks.jobs import Head, JobState, JobStatus
from flows.payout.alarms import Alarm, ChainDiffers, OrphanJobs
from flows.payout.audit import MOST
from flows.payout.findings import ClosedJob, Difference, Sums
from flows.payout.work import Work

CHUNK = 200
# What the contract may say of a job, by how the ledger has booked it.
MAY_BE = {
    "paid": {JobStatus.COMPLETED},
    "free": {JobStatus.UNKNOWN, JobStatus.FAILED, JobStatus.CANCELLED},
}


async def alarms(work: Work, sums: Sums) -> list[Alarm]:
    """Return what every run must look for: jobs that nobody here made; and paid ≤ on chain ≤ paid + in flight."""
    found: list[Alarm] = []
    orphans = await work.books.orphans()
    if orphans.jobs:
        found.append(OrphanJobs(jobs=orphans.jobs, first=orphans.first))
    elif not sums.paid <= sums.on_chain <= sums.paid + sums.in_flight:
        found.append(ChainDiffers(differences=1))
    return found


async def differences(work: Work, head: Head) -> list[Difference]:
    """Return whatever does not agree: within the ledger, with the events, and with what the contract says now."""
    found = await work.audit.differences(head.final_number)
    told: list[Difference] = []
    jobs = await work.books.closed_jobs()
    for start in range(0, len(jobs), CHUNK):
        chunk = jobs[start : start + CHUNK]
        states = await work.jobs.states([job.job_id for job in chunk], head.final_number)
        for job, state in zip(chunk, states, strict=True):
            told += contradictions(job, state)
    kinds = Counter(each.check for each in told)
    return found + [each._replace(found=kinds[each.check]) for each in told[:MOST]]


def contradictions(job: ClosedJob, state: JobState) -> Iterator[Difference]:
    """Yield how the contract contradicts the ledger about a closed job; pure."""
    name = f"job 0x{job.job_id.hex()}"
    if state.status not in MAY_BE[job.booking]:
        told = f"the contract says {state.status.name.lower()}, the ledger has booked it as {job.booking}"
        yield Difference("contract's status", name, told, 1)
    elif state.status is not JobStatus.UNKNOWN and (
        (state.n, state.total, state.digest) != (job.n, job.total, job.digest)
    ):
        told = f"the contract has {state.n} recipients and {state.total} smallest units, or others of them"
        yield Difference("contract's recipients", name, told, 1)
