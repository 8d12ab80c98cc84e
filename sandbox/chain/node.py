"""A node: the chain with everything that can be asked of it and switched on it."""

import time
from collections.abc import Callable, Iterator

from sandbox.chain.accounts import ALL, BALANCE_WEI, JOBS, TOKEN
from sandbox.chain.chain import Chain, Change, Rules
from sandbox.chain.counters import Counters
from sandbox.chain.deployment import Terms, calldata, check, deploy
from sandbox.chain.diary import Diary
from sandbox.chain.evm import Message
from sandbox.chain.faults import Faults
from sandbox.chain.transaction import NOBODY
from sandbox.chain.view import View
from sandbox.chain.worker import Worker

CALL_GAS = 1_000_000


class Node:
    """Token and Jobs contract lie on the chain already, in block 1, which is final.

    Attributes:
        lag_blocks: how far behind the chain it answers; a node that lags tells its subscribers nothing.
        interval_s: seconds between blocks; None mines on demand only.

    Args:
        diary: where the chain is kept; without one every node has a new chain.

    Raises:
        SandboxError: the chain that is kept has other contracts than ours are now.
    """

    def __init__(
        self,
        rules: Rules | None = None,
        terms: Terms | None = None,
        interval_s: float | None = None,
        now_s: Callable[[], float] = time.time,
        diary: Diary | None = None,
    ) -> None:
        balances_wei = {account.address: BALANCE_WEI for account in ALL}
        self.chain = Chain(rules or Rules(), now_s, balances_wei, diary.born_s if diary else None)
        self.faults, self.counters = Faults(), Counters()
        self.lag_blocks, self.interval_s = 0, interval_s
        past: Iterator[Change] = diary.repeat(self.chain) if diary else iter(())
        if next(past, None) is None:
            self._begin(terms or Terms(), diary)
        check(self.chain)
        self.worker = Worker(self.chain)
        for change in past:
            self.worker.open.follow(change)
            self.counters.follow(change)
        self.chain.listeners += [self.counters.follow, *([diary.write] if diary else [])]

    def _begin(self, terms: Terms, diary: Diary | None) -> None:
        deploy(self.chain, terms)
        for _ in range(self.chain.rules.finality_blocks):
            self.chain.mine()
        if diary:
            diary.write(Change([], self.chain.blocks))

    def view(self) -> View:
        """What this node answers from."""
        return View(self.chain, self.lag_blocks)

    def token_balance(self, address: str) -> int:
        """Tokens at the chain's true head, whatever the node's lag."""
        call = Message(NOBODY, TOKEN, calldata("balanceOf(address)", address), 0, CALL_GAS)
        return int.from_bytes(View(self.chain).state("latest").run(call).output)

    @property
    def budget(self) -> int:
        return self.token_balance(JOBS)
