"""The other party: completes the jobs that the operator submitted, or does whatever it is told to do instead.

It lives beside its own node and talks to it directly: faults of the RPC are the payer's trouble, not the worker's.
"""

from contextlib import suppress
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from sandbox.chain.accounts import JOBS, WORKER
from sandbox.chain.calls import failure
from sandbox.chain.chain import GWEI, Chain, Change
from sandbox.chain.deployment import calldata, signed
from sandbox.chain.evm import Message
from sandbox.chain.fees import floor_gas
from sandbox.chain.jobs import OpenJobs
from sandbox.chain.mempool import RefusedError
from sandbox.chain.transaction import Transaction

Deed = Literal["complete", "fail", "stall"]
# Somebody will mend it, and then the job can be paid after all.
PASSING = ("paused", "worker only", "not open")
SPARE_GAS = 1.25
REASON_CHARACTERS = 128


class Orders(BaseModel):
    """What the worker does with the jobs that it meets from now on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    deed: Deed = Field("complete", description="complete, fail or stall")
    reason: str = Field(
        "the worker was told to fail",
        max_length=REASON_CHARACTERS,
        description="for fail: up to 128 characters",
    )
    delay_blocks: int = Field(0, ge=0, description="blocks that go by before a job is touched, 0 or more")
    share: float = Field(1.0, ge=0, le=1, description="part of the jobs that it goes for, 0 to 1")
    otherwise: Deed = Field("stall", description="for the other jobs: complete, fail or stall")


class Worker:
    """Looks at the chain after every change; the same job is always in the same share."""

    def __init__(self, chain: Chain) -> None:
        self.orders = Orders()
        self.open = OpenJobs()
        self._chain = chain
        self._sent: dict[str, Transaction] = {}
        chain.listeners.append(self.look)

    def look(self, change: Change) -> None:
        self.open.follow(change)
        due = self._chain.head.number - self.orders.delay_blocks
        self._sent = {job_id: sent for job_id, sent in self._sent.items() if job_id in self.open}
        for job_id in [job_id for job_id, number in self.open.items() if number <= due]:
            self._attend(job_id)

    def _attend(self, job_id: str) -> None:
        deed = self.orders.deed if _draw(job_id) < self.orders.share else self.orders.otherwise
        sent = self._sent.get(job_id)
        stuck = sent if sent and sent.hash in self._chain.pool else None
        if deed == "stall" or (stuck and stuck.max_fee_wei >= self._chain.next_base_fee_wei):
            return
        action = self._plan(job_id, deed, self.orders.reason)
        if action:
            self._send(job_id, *action, stuck)

    def _plan(self, job_id: str, deed: Deed, reason: str) -> tuple[bytes, int] | None:
        """Try it first. What can never be paid is failed with the contract's reason."""
        key, limit = bytes.fromhex(job_id[2:]), self._chain.rules.limits.transaction_gas
        if deed == "complete":
            data = calldata("completeJob(bytes32,bytes)", key, self.open.recipients(job_id))
        else:
            data = calldata("failJob(bytes32,string)", key, reason[:REASON_CHARACTERS])
        outcome = self._chain.history.head.run(Message(WORKER.address, JOBS, data, 0, limit))
        if outcome.succeeded:
            return data, min(limit, int(max(outcome.gas_used, floor_gas(data)) * SPARE_GAS))
        why = failure(outcome).message.removeprefix("execution reverted: ")
        return None if deed == "fail" or why in PASSING else self._plan(job_id, "fail", why)

    def _send(self, job_id: str, data: bytes, gas: int, stuck: Transaction | None) -> None:
        """Send, in the place of one whose fee the chain has outgrown; what is refused is tried after the next block."""
        nonce, tip_wei = (stuck.nonce, stuck.max_tip_wei * 2) if stuck else (None, GWEI)
        raw = signed(self._chain, WORKER, JOBS, data, gas, nonce=nonce, tip_wei=tip_wei)
        with suppress(RefusedError):
            self._sent[job_id] = self._chain.send(raw)


def _draw(job_id: str) -> float:
    """A number in 0 … 1 that is the job's own.

    >>> _draw("0x80000000" + "0" * 56)
    0.5
    """
    return int(job_id[2:10], 16) / 0x1_0000_0000
