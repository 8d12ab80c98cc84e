"""What to do next with an open job: pure, from what the ledger and the chain say of it.

Source  docs/payout.md, "Exactly once"
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from blocks.jobs import Fees, Head, JobStatus
from flows.payout.models import OpenJob, State, StoredTx

MARGIN_S = 15  # a block may come so late


class Step(StrEnum):
    """One thing to do; doing it twice does no harm."""

    WAIT = "wait"
    SIGN = "sign"
    SEND = "send"  # the same transaction once more
    BUMP = "bump"  # the same job at the same nonce, for more
    RENEW = "renew"  # the same job at another nonce
    EXPIRE = "expire"


@dataclass(frozen=True)
class Sight:
    """What the chain says in one moment.

    Attributes:
        nonces: those that can be mined next, each held by a live transaction of ours; what is before them is mined.
        newest: the status of each open job at the newest block.
        final: the status at the newest final block, of the jobs whose deadlines lie behind it.
    """

    head: Head
    fees: Fees
    nonces: range
    newest: Mapping[bytes, JobStatus]
    final: Mapping[bytes, JobStatus] = field(default_factory=dict)

    def knows(self, job: OpenJob) -> bool:
        return self.newest[job.job_id] is not JobStatus.UNKNOWN


def step(job: OpenJob, stored: StoredTx | None, sight: Sight) -> Step:
    """Decide for one job; `stored` is its newest live transaction, if there is one."""
    if job.state is State.QUARANTINED or sight.knows(job):
        return Step.WAIT
    if is_expired(job, sight.head):
        return Step.EXPIRE if sight.final.get(job.job_id) is JobStatus.UNKNOWN else Step.WAIT
    if job.deadline is None:
        return Step.SIGN
    if stored is None or sight.head.timestamp + MARGIN_S > stored.deadline:
        return Step.WAIT  # nothing of it may be mined any more, and soon a final block will say so
    if stored.nonce not in sight.nonces:
        return Step.RENEW  # what was given up took its place, or left a gap before it
    return Step.BUMP if is_outgrown(stored, sight.fees) else Step.SEND


def is_expired(job: OpenJob, head: Head) -> bool:
    """Tell whether every transaction of the job is past its deadline, by a final block."""
    return job.deadline is not None and job.deadline < head.final_timestamp


def is_outgrown(stored: StoredTx, fees: Fees) -> bool:
    """Tell whether the base fee has come up to what the transaction offers; `fees` is enough for twice of it."""
    return 2 * stored.max_fee_wei < fees.max_fee_wei


def outbid(stored: Iterable[StoredTx], fees: Fees) -> Fees:
    """Return what is enough today, and enough to take the place of all that stood at the nonce before.

    >>> outbid([], Fees(100, 2))
    Fees(max_fee_wei=100, tip_wei=2)
    """
    bumped = [Fees(each.max_fee_wei, each.tip_wei).bumped() for each in stored]
    return Fees(
        max([fees.max_fee_wei, *(each.max_fee_wei for each in bumped)]),
        max([fees.tip_wei, *(each.tip_wei for each in bumped)]),
    )


def is_awaited(job: OpenJob, sight: Sight, silent_s: float, patience_s: float) -> bool:
    """Tell whether this run goes on waiting for a job that has been in its state for `silent_s`."""
    if job.state is State.QUARANTINED:
        return False
    return sight.newest[job.job_id] is not JobStatus.SUBMITTED or silent_s < patience_s
