"""The chain as one node sees it: up to its own head, which may be behind."""

from collections.abc import Iterator
from typing import Any

from sandbox.chain import forms
from sandbox.chain.block import Block, Receipt
from sandbox.chain.chain import Chain
from sandbox.chain.evm import Head, Log, State
from sandbox.chain.forms import INVALID_PARAMS, SERVER, RpcError
from sandbox.chain.history import HistoryGoneError

Tag = Any  # a name, a quantity, or an object with blockNumber or blockHash (EIP-1898)


class View:
    """Reads only; good until the chain changes."""

    def __init__(self, chain: Chain, lag_blocks: int = 0) -> None:
        self.chain = chain
        self.number = max(0, chain.head.number - lag_blocks)

    @property
    def head(self) -> Block:
        return self.chain.blocks[self.number]

    def block(self, tag: Tag) -> Block | None:
        """Return the block, or None if there is none; `pending` stands for the head."""
        if isinstance(tag, dict):
            return self._named(tag)
        behind = {"latest": 0, "pending": 0, "safe": self._finality // 2, "finalized": self._finality}
        if tag in behind:
            return self.chain.blocks[max(0, self.number - behind[tag])]
        number = 0 if tag == "earliest" else forms.quantity(tag)
        return self.chain.blocks[number] if number <= self.number else None

    def by_hash(self, block_hash: str) -> Block | None:
        number = self.chain.numbers.get(block_hash)
        return None if number is None or number > self.number else self.chain.blocks[number]

    def state(self, tag: Tag) -> State:
        """Return the state after that block, entered.

        Raises:
            RpcError: no such block, or too old.
        """
        block = self.block(tag)
        if block is None:
            raise RpcError(SERVER, "header not found")
        try:
            state = self.chain.history.at(block.number)
        except HistoryGoneError as gone:
            raise RpcError(SERVER, f"missing trie node: {gone}") from None
        state.enter(self.chain.next_head if tag == "pending" else block.head)
        return state

    def pending_head(self) -> Head:
        return self.chain.next_head

    def place(self, transaction_hash: str) -> tuple[Block, Receipt] | None:
        """Where the transaction was mined, as far as this node knows."""
        number, receipt = self.chain.places.get(transaction_hash, (0, None))
        return None if receipt is None or number > self.number else (self.chain.blocks[number], receipt)

    def blocks(self, first: Tag, last: Tag) -> list[Block]:
        """Those of a range, without what does not exist yet; a cursor ahead of the head finds nothing."""
        start, end = (self._number(tag) for tag in (first, last))
        if start > end and str(last).startswith("0x"):
            raise RpcError(INVALID_PARAMS, "invalid block range params")
        return self.chain.blocks[start : min(end, self.number) + 1]

    def _number(self, tag: Tag) -> int:
        if isinstance(tag, str) and tag.startswith("0x"):
            return forms.quantity(tag)
        block = self.block(tag)
        assert block is not None
        return block.number

    def _named(self, tag: dict[str, Any]) -> Block | None:
        if "blockHash" in tag:
            return self.by_hash(forms.block_hash(tag["blockHash"]))
        return self.block(tag.get("blockNumber"))

    @property
    def _finality(self) -> int:
        return self.chain.rules.finality_blocks


def logs_of(block: Block) -> Iterator[tuple[Receipt, int, Log]]:
    """Each log with its receipt and its number in the block."""
    for receipt in block.receipts:
        for number, log in enumerate(receipt.logs, receipt.first_log):
            yield receipt, number, log
