"""Transactions that wait for a block, and whom a node turns away, in geth's words.

Source  go-ethereum, core/txpool: validation.go, legacypool/list.go
"""

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sandbox.chain.accounts import CHAIN_ID
from sandbox.chain.fees import floor_gas, intrinsic_gas
from sandbox.chain.transaction import Transaction

BUMP_PERCENT = 10
INITCODE_LIMIT = 49_152
KIB = 1024


class RefusedError(Exception):
    """The node does not take the transaction."""


@dataclass(frozen=True)
class Limits:
    """What a transaction must keep to.

    Attributes:
        transaction_gas: EIP-7825.
        least_tip_wei: below it a transaction is not even kept.
    """

    chain_id: int = CHAIN_ID
    block_gas: int = 1_000_000_000
    transaction_gas: int = 1 << 24
    transaction_bytes: int = 128 * KIB
    least_tip_wei: int = 1


class Mempool:
    """By sender and nonce. A gap in the nonces or a fee below the base fee is waited out."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._by_sender: dict[str, dict[int, Transaction]] = {}
        self._by_hash: dict[str, Transaction] = {}
        self._arrivals: dict[str, int] = {}
        self._arrived = 0

    def __len__(self) -> int:
        return len(self._by_hash)

    def __contains__(self, transaction_hash: str) -> bool:
        return transaction_hash in self._by_hash

    def get(self, transaction_hash: str) -> Transaction | None:
        return self._by_hash.get(transaction_hash)

    def add(self, transaction: Transaction, next_nonce: int, balance_wei: int) -> None:
        """Take it, or say why not.

        Raises:
            RefusedError: the message is geth's.
        """
        if transaction.hash in self._by_hash:
            raise RefusedError("already known")
        _check_form(transaction, self._limits)
        _check_gas(transaction, self._limits)
        if transaction.nonce < next_nonce:
            raise RefusedError(f"nonce too low: next nonce {next_nonce}, tx nonce {transaction.nonce}")
        self._check_funds(transaction, balance_wei)
        self._check_replacement(transaction)
        self.put(transaction)

    def put(self, transaction: Transaction) -> None:
        """Take it unchecked, in the place of one with the same nonce."""
        self.discard(self._by_sender.get(transaction.sender, {}).get(transaction.nonce))
        self._by_sender.setdefault(transaction.sender, {})[transaction.nonce] = transaction
        self._by_hash[transaction.hash] = transaction
        self._arrived += 1
        self._arrivals[transaction.hash] = self._arrived

    def discard(self, transaction: Transaction | None) -> None:
        if transaction and self._by_hash.pop(transaction.hash, None):
            del self._by_sender[transaction.sender][transaction.nonce]
            del self._arrivals[transaction.hash]

    def forget_below(self, sender: str, nonce: int) -> None:
        """Drop what can never run again."""
        for stale in [each for at, each in self._by_sender.get(sender, {}).items() if at < nonce]:
            self.discard(stale)

    def next_nonce(self, sender: str, mined: int) -> int:
        """Nonce after the last one that waits without a gap."""
        waiting = self._by_sender.get(sender, {})
        while mined in waiting:
            mined += 1
        return mined

    def ready(self, base_fee_wei: int, next_nonce: Callable[[str], int]) -> Iterable[Transaction]:
        """Best tip first, then first come; each sender's in the order of the nonces."""
        heads: list[tuple[int, int, Transaction]] = []

        def look(sender: str, nonce: int) -> None:
            waiting = self._by_sender[sender].get(nonce)
            if waiting and (tip_wei := waiting.tip_wei(base_fee_wei)) >= 0:
                heapq.heappush(heads, (-tip_wei, self._arrivals[waiting.hash], waiting))

        for sender in self._by_sender:
            look(sender, next_nonce(sender))
        while heads:
            _, _, best = heapq.heappop(heads)
            yield best
            look(best.sender, best.nonce + 1)

    def _check_funds(self, new: Transaction, balance_wei: int) -> None:
        waiting = self._by_sender.get(new.sender, {})
        others_wei = sum(each.most_wei for nonce, each in waiting.items() if nonce != new.nonce)
        over_wei = others_wei + new.most_wei - balance_wei
        if over_wei > 0:
            raise RefusedError(
                f"insufficient funds for gas * price + value: balance {balance_wei}, "
                f"queued cost {others_wei}, tx cost {new.most_wei}, overshot {over_wei}"
            )

    def _check_replacement(self, new: Transaction) -> None:
        old = self._by_sender.get(new.sender, {}).get(new.nonce)
        if old and not (
            _bumps(old.max_fee_wei, new.max_fee_wei) and _bumps(old.max_tip_wei, new.max_tip_wei)
        ):
            raise RefusedError("replacement transaction underpriced")


def _check_form(new: Transaction, limits: Limits) -> None:
    if len(new.raw) > limits.transaction_bytes:
        raise RefusedError(
            f"oversized data: transaction size {len(new.raw)}, limit {limits.transaction_bytes}"
        )
    if new.chain_id is None:
        raise RefusedError("only replay-protected (EIP-155) transactions allowed over RPC")
    if new.chain_id != limits.chain_id:
        raise RefusedError(f"invalid chain id for signer: have {new.chain_id} want {limits.chain_id}")
    if new.to is None and len(new.data) > INITCODE_LIMIT:
        raise RefusedError(f"max initcode size exceeded: code size {len(new.data)}, limit {INITCODE_LIMIT}")
    if new.max_tip_wei > new.max_fee_wei:
        raise RefusedError(
            "max priority fee per gas higher than max fee per gas: "
            f"maxPriorityFeePerGas: {new.max_tip_wei}, maxFeePerGas: {new.max_fee_wei}"
        )
    if new.max_tip_wei < limits.least_tip_wei:
        raise RefusedError(
            f"transaction underpriced: gas tip cap {new.max_tip_wei}, minimum needed {limits.least_tip_wei}"
        )


def _check_gas(new: Transaction, limits: Limits) -> None:
    if new.gas > limits.transaction_gas:
        raise RefusedError(f"transaction gas limit too high (cap: {limits.transaction_gas}, tx: {new.gas})")
    if new.gas > limits.block_gas:
        raise RefusedError("exceeds block gas limit")
    needed = intrinsic_gas(new.data, creates=new.to is None)
    if new.gas < needed:
        raise RefusedError(f"intrinsic gas too low: gas {new.gas}, minimum needed {needed}")
    floor = floor_gas(new.data)
    if new.gas < floor:
        raise RefusedError(f"insufficient gas for floor data gas cost: gas {new.gas}, minimum needed {floor}")


def _bumps(old_wei: int, new_wei: int) -> bool:
    return new_wei > old_wei and new_wei >= old_wei * (100 + BUMP_PERCENT) // 100
