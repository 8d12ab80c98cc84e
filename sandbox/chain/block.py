"""Blocks and what their transactions came to."""

from dataclasses import dataclass

from eth_utils.crypto import keccak

from sandbox.chain.evm import Head, Log
from sandbox.chain.transaction import Transaction

WORD_BYTES = 32


@dataclass(frozen=True, slots=True)
class Receipt:
    """One mined transaction.

    Attributes:
        gas_used: what was paid for, the floor of EIP-7623 included.
        price_wei: paid for each gas.
        first_log: number of its first log in the block.
    """

    transaction: Transaction
    index: int
    succeeded: bool
    gas_used: int
    cumulative_gas: int
    price_wei: int
    logs: list[Log]
    first_log: int
    created: str | None


@dataclass(frozen=True, slots=True)
class Block:
    """`salt` tells blocks apart that replace each other."""

    number: int
    parent_hash: str
    timestamp_s: int
    base_fee_wei: int
    gas_limit: int
    salt: int
    receipts: tuple[Receipt, ...]
    hash: str

    @property
    def gas_used(self) -> int:
        return self.receipts[-1].cumulative_gas if self.receipts else 0

    @property
    def head(self) -> Head:
        return Head(self.number, self.timestamp_s, self.base_fee_wei)


def seal(parent_hash: str, head: Head, gas_limit: int, salt: int, receipts: tuple[Receipt, ...]) -> Block:
    """Make a block whose hash stands for its place, its time and its transactions."""
    numbers = (head.number, head.timestamp_s, head.base_fee_wei, salt)
    parts = [bytes.fromhex(parent_hash[2:]), *(number.to_bytes(WORD_BYTES) for number in numbers)]
    parts += [bytes.fromhex(receipt.transaction.hash[2:]) for receipt in receipts]
    block_hash = "0x" + keccak(b"".join(parts)).hex()
    return Block(head.number, parent_hash, head.timestamp_s, head.base_fee_wei, gas_limit, salt, receipts, block_hash)  # fmt: skip
