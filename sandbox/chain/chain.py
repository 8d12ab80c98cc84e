"""The chain: takes transactions, makes blocks of them, and takes blocks back. No clock of its own, no wire."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from sandbox.chain.block import Block, Receipt, seal
from sandbox.chain.builder import Builder
from sandbox.chain.evm import Diff, Head, account
from sandbox.chain.fees import next_base_fee_wei
from sandbox.chain.history import History, HistoryGoneError
from sandbox.chain.mempool import Limits, Mempool
from sandbox.chain.transaction import Transaction, decode

GWEI = 10**9
NO_PARENT = "0x" + "00" * 32


class Change(NamedTuple):
    """Blocks that left the chain, highest first, and blocks that joined it, lowest first."""

    removed: list[Block]
    added: list[Block]


class Remade(NamedTuple):
    """What a block is made of again, on top of the head."""

    timestamp_s: int
    base_fee_wei: int
    salt: int
    transactions: list[Transaction]


@dataclass(frozen=True)
class Rules:
    """How this chain differs from others.

    Attributes:
        finality_blocks: how far behind the head the finalized block is.
        least_base_fee_wei: where the base fee of an idle chain ends; 7 wei on Ethereum.
    """

    limits: Limits = field(default_factory=Limits)
    finality_blocks: int = 4
    first_base_fee_wei: int = GWEI
    least_base_fee_wei: int = GWEI // 100


class Chain:
    """Synchronous: every method returns with the chain in one piece.

    Attributes:
        blocks: by number.
        numbers: of the blocks, by hash.
        places: block number and receipt of every mined transaction, by its hash.
        listeners: called with every `Change`.
        ahead_s: how far the chain's clock runs before the given one.

    Args:
        born_s: timestamp of block 0; now, where nothing is given.
    """

    def __init__(
        self,
        rules: Rules,
        now_s: Callable[[], float],
        balances_wei: dict[str, int],
        born_s: int | None = None,
    ) -> None:
        self.rules, self.pool = rules, Mempool(rules.limits)
        self.history = History(rules.limits.chain_id)
        self.places: dict[str, tuple[int, Receipt]] = {}
        self.listeners: list[Callable[[Change], None]] = []
        self.ahead_s = 0.0
        self._now_s, self._salt = now_s, 0
        self._fee_to_come_wei: int | None = rules.first_base_fee_wei
        empty = account(0)
        self.history.start(Diff({address: (empty, account(wei)) for address, wei in balances_wei.items()}))
        genesis = Head(0, int(now_s()) if born_s is None else born_s, rules.first_base_fee_wei)
        self.blocks = [seal(NO_PARENT, genesis, rules.limits.block_gas, 0, ())]
        self.numbers = {self.head.hash: 0}

    @property
    def head(self) -> Block:
        return self.blocks[-1]

    @property
    def next_base_fee_wei(self) -> int:
        if self._fee_to_come_wei is not None:
            return self._fee_to_come_wei
        head = self.head
        return next_base_fee_wei(
            head.base_fee_wei, head.gas_used, head.gas_limit, self.rules.least_base_fee_wei
        )

    @property
    def next_head(self) -> Head:
        """What a transaction would see if it were mined now."""
        timestamp_s = max(self.head.timestamp_s, int(self._now_s() + self.ahead_s))
        return Head(self.head.number + 1, timestamp_s, self.next_base_fee_wei)

    def set_base_fee(self, wei: int) -> None:
        """Of the next block; from there on it moves by the rule."""
        self._fee_to_come_wei = wei

    def nonce(self, address: str) -> int:
        return int(self.history.head.account(address).nonce)

    def send(self, raw: bytes) -> Transaction:
        """Take a signed transaction into the mempool.

        Raises:
            UnreadableTransactionError: it is none.
            RefusedError: a node turns it away.
        """
        transaction = decode(raw)
        sender = self.history.head.account(transaction.sender)
        self.pool.add(transaction, sender.nonce, sender.balance)
        return transaction

    def mine(self) -> Block:
        """Make one block of what waits."""
        block = self._build(self.pool.ready(self.next_base_fee_wei, self.nonce))
        self._tell(Change([], [block]))
        return block

    def reorganise(self, depth: int, *, drop: bool = False) -> Change:
        """Replace the last `depth` blocks by one empty block more than they were.

        Args:
            depth: may reach below the finalized block.
            drop: forget their transactions; otherwise they wait in the mempool again.

        Raises:
            HistoryGoneError: deeper than what is kept.
        """
        if depth > self.head.number - self.history.oldest:
            raise HistoryGoneError(f"only {self.head.number - self.history.oldest} blocks can be taken back")
        self._salt += 1
        removed = [self._take_back() for _ in range(depth)]
        if not drop:
            for block in reversed(removed):
                for receipt in block.receipts:
                    self.pool.put(receipt.transaction)
        change = Change(removed, [self._build(()) for _ in range(depth + 1)])
        self._tell(change)
        return change

    def repeat(self, depth: int, added: Iterable[Remade]) -> Change:
        """Make a change that was made before, and tell nobody; the clock goes on from there."""
        removed = [self._take_back() for _ in range(depth)]
        change = Change(removed, [self._remake(each) for each in added])
        self.ahead_s = max(self.ahead_s, self.head.timestamp_s - self._now_s())
        return change

    def _tell(self, change: Change) -> None:
        for listener in self.listeners:
            listener(change)

    def _take_back(self) -> Block:
        self.history.pop()
        block = self.blocks.pop()
        del self.numbers[block.hash]
        for receipt in block.receipts:
            del self.places[receipt.transaction.hash]
        return block

    def _remake(self, block: Remade) -> Block:
        self._salt = block.salt
        return self._add(
            Head(self.head.number + 1, block.timestamp_s, block.base_fee_wei), block.transactions
        )

    def _build(self, waiting: Iterable[Transaction]) -> Block:
        return self._add(self.next_head, waiting)

    def _add(self, head: Head, waiting: Iterable[Transaction]) -> Block:
        limit = self.rules.limits.block_gas
        builder = Builder(self.history.head, head, limit)
        for transaction in waiting:
            builder.take(transaction)
        self._fee_to_come_wei = None
        self.history.push(builder.diffs)
        block = seal(self.head.hash, head, limit, self._salt, tuple(builder.receipts))
        self.blocks.append(block)
        self.numbers[block.hash] = block.number
        for receipt in block.receipts:
            self.places[receipt.transaction.hash] = (block.number, receipt)
            self.pool.forget_below(receipt.transaction.sender, receipt.transaction.nonce + 1)
        return block
