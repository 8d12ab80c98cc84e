"""What the chain saw: the truth that tests compare our own books with."""

from collections import Counter
from typing import Any

from sandbox.chain.chain import Change


class Counters:
    """Follows the chain through reorganisations: what is taken back is counted back.

    Attributes:
        requests: by method; those that never ran because of a fault are not among them.
        faults: requests that went wrong, by the fault's kind.
        received: transactions taken into the mempool over RPC.
        refused: transactions turned away, by the first words of the answer.
        mined: transactions in the chain as it is now; `reverted` of them did nothing.
    """

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.received = self.mined = self.reverted = self.reorganisations = 0

    def follow(self, change: Change) -> None:
        self.reorganisations += bool(change.removed)
        for sign, blocks in ((-1, change.removed), (1, change.added)):
            for block in blocks:
                self.mined += sign * len(block.receipts)
                self.reverted += sign * sum(not receipt.succeeded for receipt in block.receipts)

    def refuse(self, answer: str) -> None:
        self.refused[answer.partition(":")[0].partition(" (")[0]] += 1

    def as_json(self) -> dict[str, Any]:
        return {
            "requests": self.requests, "faults": self.faults, "received": self.received,
            "refused": self.refused, "mined": self.mined, "reverted": self.reverted,
            "reorganisations": self.reorganisations,
        }  # fmt: skip
