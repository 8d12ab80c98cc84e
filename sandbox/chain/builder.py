"""A block in the making."""

from sandbox.chain.block import Receipt
from sandbox.chain.evm import COINBASE, Diff, Head, Message, Outcome, State, account
from sandbox.chain.fees import floor_gas
from sandbox.chain.transaction import Transaction


class Builder:
    """Runs transactions one after the other on `state` and keeps what came of them."""

    def __init__(self, state: State, head: Head, gas_limit: int) -> None:
        state.enter(head)
        self.receipts: list[Receipt] = []
        self.diffs: list[Diff] = []
        self._state, self._head, self._gas_limit = state, head, gas_limit
        self._gas_used = self._logs = 0
        self._passed_over: set[str] = set()

    def take(self, transaction: Transaction) -> None:
        """Run it, or pass it over with all that its sender sent after it: no room, or not enough funds."""
        sender = self._state.account(transaction.sender)
        room = transaction.gas <= self._gas_limit - self._gas_used
        if transaction.sender in self._passed_over or not room or transaction.most_wei > sender.balance:
            self._passed_over.add(transaction.sender)
            return
        outcome, diff = self._state.execute(message_of(transaction))
        gas_used = max(outcome.gas_used, floor_gas(transaction.data))
        self._charge(transaction, gas_used, diff)
        self._state.apply(diff)
        self.diffs.append(diff)
        self._note(transaction, outcome, gas_used)

    def _charge(self, transaction: Transaction, gas_used: int, diff: Diff) -> None:
        """Take fee and nonce from the sender and give the tip to the coinbase; the base fee is burnt."""
        tip_wei = transaction.tip_wei(self._head.base_fee_wei)
        before, after = diff.accounts[transaction.sender]
        paid = after.balance - gas_used * (self._head.base_fee_wei + tip_wei)
        diff.accounts[transaction.sender] = before, account(paid, before.nonce + 1)
        before, after = diff.accounts[COINBASE]
        diff.accounts[COINBASE] = before, account(after.balance + gas_used * tip_wei, after.nonce)

    def _note(self, transaction: Transaction, outcome: Outcome, gas_used: int) -> None:
        self._gas_used += gas_used
        price_wei = self._head.base_fee_wei + transaction.tip_wei(self._head.base_fee_wei)
        receipt = Receipt(
            transaction, len(self.receipts), outcome.succeeded, gas_used, self._gas_used, price_wei,
            outcome.logs, self._logs, outcome.created if outcome.succeeded else None,
        )  # fmt: skip
        self.receipts.append(receipt)
        self._logs += len(outcome.logs)


def message_of(transaction: Transaction) -> Message:
    return Message(
        transaction.sender, transaction.to, transaction.data, transaction.value_wei, transaction.gas
    )
