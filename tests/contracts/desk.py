"""Everybody who has to do with a Jobs contract, at one desk: real contract, real machine, one call each."""

from collections.abc import Iterable

from eth_abi import decode
from eth_utils import keccak

from contracts.recipients import pack
from sandbox.chain import forms
from sandbox.chain.accounts import JOBS, OPERATOR, OWNER, TOKEN, WORKER, DevAccount
from sandbox.chain.block import Receipt
from sandbox.chain.calls import call
from sandbox.chain.deployment import Terms, calldata, signed
from sandbox.chain.evm import Message
from sandbox.chain.node import Node
from sandbox.chain.worker import Orders

GAS = 1 << 24
NOW_S = 1_800_000_000
DAY_S = 86_400
SUBMIT, COMPLETE = "submitJob(bytes32,bytes,uint256)", "completeJob(bytes32,bytes)"
FAIL, CANCEL = "failJob(bytes32,string)", "cancelJob(bytes32)"
JOB_FIELDS = ["uint256", "uint256", "uint256", "uint256", "uint256", "bytes32"]
SUBMITTED, COMPLETED, FAILED, CANCELLED = 1, 2, 3, 4
ALICE, BOB = "0x" + "a1" * 20, "0x" + "b0" * 20


class Refused(Exception):
    """The contract reverted, with this reason."""


def job_id(name: str) -> bytes:
    return keccak(text=name)


def wallets(count: int, seed: int = 0) -> list[str]:
    return ["0x" + keccak(text=f"{seed}/{number}")[:20].hex() for number in range(count)]


class Desk:
    """The clock stands at `now_s` until it is set."""

    def __init__(self, terms: Terms | None = None) -> None:
        self.now_s = float(NOW_S)
        self.node = Node(terms=terms or Terms(), now_s=lambda: self.now_s)
        self.chain = self.node.chain
        self.node.worker.orders = Orders(deed="stall")

    def act(self, account: DevAccount, signature: str, *values: object, to: str = JOBS) -> Receipt:
        """Send it and mine it; raise Refused if it reverts, with the reason that a trial gives."""
        data = calldata(signature, *values)
        self.chain.send(signed(self.chain, account, to, data, GAS))
        reason = self.reason(account.address, data, to)
        receipt = self.chain.mine().receipts[-1]
        assert receipt.succeeded is (reason is None)
        if reason is not None:
            raise Refused(reason)
        return receipt

    def reason(self, sender: str, data: bytes, to: str = JOBS) -> str | None:
        """Why a call would revert if it were mined now."""
        try:
            call(self.node.view().state("pending"), Message(sender, to, data, 0, GAS))
        except forms.RpcError as error:
            return error.message.removeprefix("execution reverted").removeprefix(": ")
        return None

    def read(self, signature: str, types: list[str], *values: object, to: str = JOBS) -> tuple:
        message = Message(OWNER.address, to, calldata(signature, *values), 0, GAS)
        return decode(types, call(self.node.view().state("latest"), message))

    def number(self, signature: str, *values: object, to: str = JOBS) -> int:
        return self.read(signature, ["uint256"], *values, to=to)[0]

    def submit(self, name: str, recipients: Iterable[tuple[str, int]] | bytes, **odd: int) -> Receipt:
        words = recipients if isinstance(recipients, bytes) else pack(recipients)
        deadline = odd.get("deadline", int(self.now_s) + 60)
        return self.act(OPERATOR, SUBMIT, job_id(name), words, deadline)

    def complete(self, name: str, recipients: Iterable[tuple[str, int]]) -> Receipt:
        return self.act(WORKER, COMPLETE, job_id(name), pack(recipients))

    def job(self, name: str) -> tuple:
        """Status, n, total, deadline, day, digest."""
        return self.read("job(bytes32)", JOB_FIELDS, job_id(name))

    def balance(self, address: str) -> int:
        return self.number("balanceOf(address)", address, to=TOKEN)

    def paid_today(self) -> int:
        return self.number("dayPaid(uint256)", int(self.now_s) // DAY_S)
