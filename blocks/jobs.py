"""A chain with a Jobs contract, as flow and ledger know it: jobs go in, their fate comes out.

Errors  JobsProblem and its kinds (blocks/jobs_problem.py)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Protocol


class JobStatus(IntEnum):
    """As the contract counts."""

    UNKNOWN = 0
    SUBMITTED = 1
    COMPLETED = 2
    FAILED = 3
    CANCELLED = 4


class Verdict(StrEnum):
    """What a node said to a transaction. A reason to look at the chain, never a fact about it."""

    TAKEN = "taken"
    KNOWN = "already known"
    NONCE_USED = "nonce too low"
    FEE_TOO_LOW = "fee too low"
    NO_FUNDS = "insufficient funds"
    LOST = "no answer"


@dataclass(frozen=True)
class Head:
    """The newest block and the newest one that is final; timestamps are the chain's, Unix seconds."""

    number: int
    hash: str
    timestamp: int
    final_number: int
    final_timestamp: int


@dataclass(frozen=True)
class JobState:
    """What the contract holds of a job; all zero when it does not know it.

    Attributes:
        total: in the token's smallest units.
        deadline: Unix time of the last block that might have taken it.
        digest: keccak-256 of the payload.
    """

    status: JobStatus
    n: int
    total: int
    deadline: int
    digest: bytes


@dataclass(frozen=True)
class JobEvent:
    """One log of the contract: the job has got this status.

    Attributes:
        block_hash: of the block that holds the log; another one at this height means that it was taken back.
        n: with `total` for jobs submitted or completed, else None.
        reason: the worker's, for failed jobs, else None.
    """

    status: JobStatus
    job_id: bytes
    block: int
    block_hash: str
    tx_hash: str
    log_index: int
    n: int | None
    total: int | None
    reason: str | None


@dataclass(frozen=True)
class Fees:
    """Of one unit of gas: the most we pay, and of that the most for the block's maker."""

    max_fee_wei: int
    tip_wei: int

    def bumped(self) -> "Fees":
        """Return what a node takes in the place of these at the same nonce: an eighth more of both.

        >>> Fees(800, 1).bumped()
        Fees(max_fee_wei=900, tip_wei=2)
        """
        return Fees(-(-self.max_fee_wei * 9 // 8), -(-self.tip_wei * 9 // 8))


@dataclass(frozen=True)
class Draft:
    """A job's transaction before it is signed.

    Attributes:
        payload: words of address (20 bytes) and amount (12), see contracts/recipients.py.
        deadline: Unix time of the last block that may take it.
    """

    job_id: bytes
    payload: bytes
    deadline: int
    nonce: int
    gas: int
    fees: Fees


@dataclass(frozen=True)
class Signed:
    """A transaction that needs no key any more; its hash is known before anybody has it."""

    tx_hash: str
    raw: bytes


@dataclass(frozen=True)
class Treasury:
    """What is there to pay with: token's smallest units, and `gas_balance` in wei.

    `submitted_today` is a part of `max_per_day`; the chain's day is UTC's.
    """

    budget: int
    gas_balance: int
    max_per_job: int
    max_per_day: int
    submitted_today: int
    paused: bool


class Jobs(Protocol):
    """One contract, one account that submits. What asks the chain may raise `JobsProblem`.

    Attributes:
        account: the signer's address.
        batch_size: most recipients of a job.
        confirmations: blocks on top of a final one; 0 where the node itself says what is final.
        explorer: the block explorer's address, None where there is none.
    """

    chain_id: int
    contract: str
    token: str
    account: str
    batch_size: int
    confirmations: int
    explorer: str | None

    async def check(self) -> None:
        """Raise WrongChain, ContractMissing, WrongToken, NotOperator or ChainBehind, whichever is first to hold."""

    async def head(self) -> Head: ...

    async def state(self, job_id: bytes, block: int | None = None) -> JobState:
        """As `states`, for one job."""

    async def states(self, job_ids: Sequence[bytes], block: int | None = None) -> list[JobState]:
        """Return the jobs in the order asked for, after that block or the newest; ChainBehind if it is not known."""

    async def events(self, first: int, last: int) -> list[JobEvent]:
        """Return the events of these blocks, both included, oldest first; ChainBehind rather than only some."""

    async def block_hash(self, number: int) -> str: ...

    async def nonce(self) -> int:
        """Return the nonce of the account's next transaction, by those that are mined."""

    async def fees(self) -> Fees:
        """Return what is enough while the base fee doubles."""

    async def gas(self, job_id: bytes, payload: bytes, deadline: int) -> int:
        """Estimate what submitting takes; JobRefused with the contract's reason, JobTooLarge above the cap."""

    async def refusals(self, payload: bytes) -> dict[int, str]:
        """Try to pay each recipient for itself; return by place in the payload why some cannot be paid."""

    def sign(self, draft: Draft) -> Signed: ...

    async def send(self, raw: bytes) -> str:
        """Hand a transaction to the node once; return a `Verdict`, or the node's words if there is none for them.

        Raises:
            ChainUnreachable: there is nobody to hand it to; it was certainly not sent.
            ChainAccessDenied, WrongChain: it was not taken, and never will be.
        """

    async def treasury(self) -> Treasury: ...

    async def decimals(self) -> int:
        """Return how many decimal places the token is shown with."""

    async def woken(self, timeout_s: float) -> bool:
        """Wait for a hint that there is a new block; False when none came in time."""
