"""A node: the chain with everything that can be asked of it and switched on it."""

import time
from collections.abc import Callable

from sandbox.chain.accounts import ALL, BALANCE_WEI, JOBS, TOKEN
from sandbox.chain.chain import Chain, Rules
from sandbox.chain.counters import Counters
from sandbox.chain.deployment import Terms, calldata, deploy
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
    """

    def __init__(
        self,
        rules: Rules | None = None,
        terms: Terms | None = None,
        interval_s: float | None = None,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self.chain = Chain(rules or Rules(), now_s, {account.address: BALANCE_WEI for account in ALL})
        self.faults, self.counters = Faults(), Counters()
        self.lag_blocks, self.interval_s = 0, interval_s
        deploy(self.chain, terms or Terms())
        for _ in range(self.chain.rules.finality_blocks):
            self.chain.mine()
        self.worker = Worker(self.chain)
        self.chain.listeners.append(self.counters.follow)

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
