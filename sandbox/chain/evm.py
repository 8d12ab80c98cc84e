"""One state of the chain, in revm: runs messages at a real chain's gas and keeps what each of them changed.

pyrevm never ends a transaction: slots stay warm and keep the value they had before the first one, so that from
the second on every gas figure is too low. Therefore each message runs above a snapshot, its changes are read
from the journal, the snapshot is reverted (all is cold again) and the changes are put below.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

from sandbox.service import SandboxError

try:
    from pyrevm import EVM, AccountInfo, BlockEnv, CfgEnv, Env
except ImportError as missing:
    raise SandboxError(
        "the sandbox's chain needs pyrevm, which has wheels for Linux on x86-64 and for macOS on arm64 only: "
        "run the payout's sandbox on one of these, or point JOBS_RPC_URL at a node of your own"
    ) from missing

Account = AccountInfo  # balance, nonce, code

COINBASE = "0x" + "c0" * 20
PADDING_BYTES = 33  # revm pads code, so that a last PUSH32 finds what it reads
FORK = "Cancun"  # revm 8 takes every name that it does not know for "all forks there will ever be"

_SLOT = re.compile(r"(\d+): StorageSlot \{ previous_or_original_value: (\d+), present_value: (\d+) \}")
_REVERTED = re.compile(r"Revert \{ gas_used: \d+, output: 0x([0-9a-f]*) \}")


def account(balance_wei: int, nonce: int = 0) -> Account:
    """Make an account without code."""
    return AccountInfo(balance_wei, nonce)  # type: ignore[arg-type] # the stub forgot the balance


class Log(NamedTuple):
    """Hex throughout, as JSON-RPC has it."""

    address: str
    topics: tuple[str, ...]
    data: str


class Head(NamedTuple):
    """What a contract can ask of the block that it runs in."""

    number: int
    timestamp_s: int
    base_fee_wei: int


class Message(NamedTuple):
    """`to` None creates a contract."""

    sender: str
    to: str | None
    data: bytes
    value_wei: int
    gas: int


@dataclass(frozen=True)
class Outcome:
    """What a message came to.

    Attributes:
        gas_used: after refunds, without the floor of EIP-7623.
        output: returned or revert data.
        halt: why the machine stopped, for example `OutOfGas:Basic`; empty for success and for reverts.
        created: the new contract's address.
    """

    succeeded: bool
    gas_used: int
    gas_refunded: int
    output: bytes
    halt: str = ""
    logs: list[Log] = field(default_factory=list)
    created: str | None = None


@dataclass(frozen=True)
class Diff:
    """Changes with their values before and after: accounts by address; slots as (address, slot, before, after)."""

    accounts: dict[str, tuple[Account, Account]] = field(default_factory=dict)
    slots: list[tuple[str, int, int, int]] = field(default_factory=list)


class State:
    """Accounts and storage at one height."""

    def __init__(self, chain_id: int) -> None:
        self._evm = EVM(Env(cfg=CfgEnv(chain_id=chain_id)), spec_id=FORK)

    def enter(self, head: Head) -> None:
        """Run the following messages in this block."""
        self._evm.set_block_env(
            BlockEnv(
                number=head.number, timestamp=head.timestamp_s, basefee=head.base_fee_wei, coinbase=COINBASE
            )
        )

    def account(self, address: str) -> Account:
        with self._passing():
            return self._evm.basic(address)

    def code(self, address: str) -> bytes:
        with self._passing():
            return bytes(self._evm.get_code(address) or b"")[:-PADDING_BYTES]

    def run(self, message: Message) -> Outcome:
        """Change nothing. The sender may be a contract, as in eth_call."""
        with self._passing():
            sender = self._evm.basic(message.sender)
            self._evm.insert_account_info(message.sender, account(sender.balance, sender.nonce))
            return self._message(message)

    def execute(self, message: Message) -> tuple[Outcome, Diff]:
        """Change nothing yet either: the changes wait in the Diff. Nonce and fees are the caller's business."""
        with self._passing():
            outcome = self._message(message)
            outcome.logs.extend(self._logs())
            changed, journal = self._evm.journal_state, self._evm.journal_str
        with self._passing():
            pairs = {a.lower(): (self._evm.basic(a), after) for a, after in changed.items()}
        return outcome, Diff(pairs, list(_slots(journal)))

    def apply(self, diff: Diff) -> None:
        self._write(
            {address: after for address, (_, after) in diff.accounts.items()},
            ((address, slot, after) for address, slot, _, after in diff.slots),
        )

    def undo(self, diff: Diff) -> None:
        self._write(
            {address: before for address, (before, _) in diff.accounts.items()},
            ((address, slot, before) for address, slot, before, _ in reversed(diff.slots)),
        )

    def _write(self, accounts: dict[str, Account], slots: Iterator[tuple[str, int, int]]) -> None:
        for address, info in accounts.items():
            self._evm.insert_account_info(address, info)
        evm = self._evm
        for address, slot, value in slots:
            # Below the snapshot only while the account is not loaded, and inserting loads it.
            before = evm.snapshot()
            evm.insert_account_storage(address, slot, value)
            evm.revert(before)

    @contextmanager
    def _passing(self) -> Iterator[None]:
        """Forget on leaving what the journal holds: loaded accounts, warm slots, logs."""
        before = self._evm.snapshot()
        try:
            yield
        finally:
            self._evm.revert(before)
            self._evm.reset_transient_storage()

    def _logs(self) -> Iterator[Log]:
        result: Any = self._evm.result
        for log in result.logs if result else ():
            yield Log(log.address.lower(), tuple(log.topics), "0x" + log.data[1].hex())

    def _message(self, message: Message) -> Outcome:
        created, output, refusal = None, b"", ""
        try:
            if message.to is None:
                created = self._evm.deploy(message.sender, message.data, message.value_wei, message.gas)
            else:
                output = self._evm.message_call(message.sender, message.to, message.data, message.value_wei, message.gas)  # fmt: skip
        except RuntimeError as error:
            refusal = str(error)
        result: Any = self._evm.result
        if result is None:
            return Outcome(False, message.gas, 0, b"", halt=refusal)
        if found := _REVERTED.search(refusal):
            output = bytes.fromhex(found[1])
        halt = result.reason if result.is_halt else ""
        return Outcome(result.is_success, result.gas_used, result.gas_refunded, output, halt, created=created)


def _slots(journal: str) -> Iterator[tuple[str, int, int, int]]:
    """Find the changed slots in the journal's text: pyrevm tells of them nowhere else."""
    accounts, _, _ = journal.partition("}, transient_storage: {")
    pieces = accounts.split(": Account { ")
    for before, account in pairwise(pieces):
        address = before[-42:]
        for slot, old, new in _SLOT.findall(account, account.rindex("storage: {")):
            if old != new:
                yield address, int(slot), int(old), int(new)
