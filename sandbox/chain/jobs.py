"""Which jobs of the contract are open, followed through blocks that come and go."""

from eth_abi.abi import decode
from eth_utils.abi import event_signature_to_log_topic as topic

from sandbox.chain.accounts import JOBS
from sandbox.chain.block import Block
from sandbox.chain.chain import Change
from sandbox.chain.forms import hex_data
from sandbox.chain.transaction import Transaction
from sandbox.chain.view import logs_of

SUBMITTED = hex_data(topic("JobSubmitted(bytes32,bytes32,uint256,uint256,uint256)"))
COMPLETED = hex_data(topic("JobCompleted(bytes32,uint256,uint256)"))
FAILED = hex_data(topic("JobFailed(bytes32,string)"))
CANCELLED = hex_data(topic("JobCancelled(bytes32)"))


class OpenJobs(dict[str, int]):
    """Block number of the submission by job id (hex), oldest first."""

    def __init__(self) -> None:
        super().__init__()
        self._submissions: dict[str, tuple[int, Transaction]] = {}

    def follow(self, change: Change) -> None:
        for block in change.removed:
            for kind, job_id, _ in reversed(_events(block)):
                if kind == SUBMITTED:
                    self.pop(job_id, None)
                else:
                    self[job_id] = self._submissions[job_id][0]
        for block in change.added:
            for kind, job_id, transaction in _events(block):
                if kind == SUBMITTED:
                    self[job_id] = block.number
                    self._submissions[job_id] = block.number, transaction
                else:
                    self.pop(job_id, None)

    def recipients(self, job_id: str) -> bytes:
        """Return the packed words, as they stand in the submitting transaction."""
        _, transaction = self._submissions[job_id]
        _, recipients, _ = decode(["bytes32", "bytes", "uint256"], transaction.data[4:])
        return bytes(recipients)


def _events(block: Block) -> list[tuple[str, str, Transaction]]:
    return [
        (log.topics[0], log.topics[1], receipt.transaction)
        for receipt, _, log in logs_of(block)
        if log.address == JOBS and log.topics[0] in {SUBMITTED, COMPLETED, FAILED, CANCELLED}
    ]
