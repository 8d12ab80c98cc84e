"""What is there to pay with, while jobs are on their way: pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from blocks.jobs import JobStatus, Treasury
from flows.payout.models import OpenJob
from flows.payout.steps import Sight

CLOSED = {JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED}


@dataclass
class Purse:
    """What may still be promised.

    Attributes:
        budget: of the contract's tokens, in their smallest units.
        today: of the contract's limit for its day (UTC), in the same.
        gas_wei: of the operator's own coin.
    """

    budget: int
    today: int
    gas_wei: int

    @classmethod
    def of(cls, treasury: Treasury, jobs: Iterable[OpenJob], sight: Sight) -> "Purse":
        """Take off what signed jobs will take: tokens leave at completion, the day's limit counts at submission."""
        signed = [job for job in jobs if job.deadline is not None]
        due = sum(job.total for job in signed if sight.newest[job.job_id] not in CLOSED)
        unknown = sum(job.total for job in signed if not sight.knows(job))
        today = treasury.max_per_day - treasury.submitted_today - unknown
        return cls(treasury.budget - due, today, treasury.gas_balance)

    def lacks(self, total: int, fee_wei: int) -> str | None:
        """Return what is short for one more job; None when it can be paid."""
        if total > self.budget:
            return f"{self.budget} of the token's smallest units are left in the contract, and {total} are needed"
        if total > self.today:
            return f"today's limit of the contract leaves {self.today} of the token's smallest units, and {total} are needed"
        if fee_wei > self.gas_wei:
            return f"the operator's account has {self.gas_wei} wei left for gas, and a job may need {fee_wei}"
        return None

    def spend(self, total: int, fee_wei: int) -> None:
        self.budget -= total
        self.today -= total
        self.gas_wei -= fee_wei
