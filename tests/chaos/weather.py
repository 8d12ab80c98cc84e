"""What happens to chain, contract, worker and game while payout is crashed."""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from random import Random
from threading import Event
from typing import Any, Self

import httpx
from eth_account import Account

from sandbox.chain.accounts import CHAIN_ID, JOBS, OWNER
from sandbox.chain.deployment import calldata
from tests.chaos.arena import wait_until
from tests.chaos.scales import PLAYERS, Scales
from tests.payout.outside import BLOCK_S

GWEI = 10**9
GAP_S = (0.1, 0.7)  # between two events
CALM_S = 30.0
DEADLINE_S = 120  # of jobs
LEAP_S = DEADLINE_S + 30.0


class Weather:
    """Bad for as long as the context lasts; good afterwards.

    Attributes:
        seen: how often each kind of event happened.
    """

    def __init__(self, scales: Scales, dice: Random) -> None:
        self.seen: Counter[str] = Counter()
        self._scales, self._dice, self._outside = scales, dice, scales.outside
        self._over = Event()
        self._kinds: dict[str, Callable[[], object]] = {
            "answers lost": self._lose_answers,
            "sent, the answer lost": self._lose_sent,
            "node away": lambda: self._outside.fault("down", duration_s=0.5),
            "base fee jumps": lambda: self._outside.rpc(
                "sandbox_setBaseFee", self._dice.randint(5, 200) * GWEI
            ),
            "reorg": self._reorganise,
            "contract paused": self._pause,
            "worker fails": lambda: self._outside.order(deed="fail", share=0.5, otherwise="complete"),
            "worker slow": lambda: self._outside.order(delay_blocks=self._dice.randint(2, 6)),
            "worker stalls": lambda: self._outside.order(deed="stall"),
            "worker well": self._outside.order,
            "coins earned": lambda: self._scales.earn(self._dice, self._some()),
            "wallets changed": lambda: self._scales.move(self._some()),
            "clock leaps": lambda: self._outside.rpc("sandbox_increaseTime", LEAP_S),
        }

    def __enter__(self) -> Self:
        self._over.clear()
        self._pool = ThreadPoolExecutor(1)
        self._blowing = self._pool.submit(self._blow)
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._pool.shutdown()
        self._blowing.result()
        self._clear()

    def _blow(self) -> None:
        while not self._over.wait(self._dice.uniform(*GAP_S)):
            kind = self._dice.choice(list(self._kinds))
            self._kinds[kind]()
            self.seen[kind] += 1

    def _clear(self) -> None:
        """Mend everything; what the worker left lying it does now."""
        self._outside.mend()
        self._outside.rpc("sandbox_setBaseFee", GWEI)
        self._scales.go_on()
        wait_until(self._is_open, CALM_S, "the end of the pause")
        wait_until(lambda: not self._scales.figures["open_jobs"], CALM_S, "the end of submitted jobs")
        if self.seen["contract paused"]:
            # A submission that was mined meanwhile is good for nothing, and its job waits until its deadline is past.
            self._outside.rpc("sandbox_increaseTime", LEAP_S)

    def _lose_answers(self) -> None:
        self._outside.fault("lost_answer", probability=0.3, duration_s=1.0)

    def _lose_sent(self) -> None:
        self._outside.fault("lost_answer", methods=["eth_sendRawTransaction"], requests=2)

    def _reorganise(self) -> None:
        self._outside.rpc("sandbox_reorg", self._dice.choice((1, 2)), self._dice.random() < 0.5)

    def _pause(self) -> None:
        self._send("setPaused(bool)", True)
        self._over.wait(self._dice.uniform(0.5, 1.5))
        self._send("setPaused(bool)", False)

    def _is_open(self) -> bool:
        """Tell whether the contract takes jobs; if not, see to it: a reorganisation may have taken that back."""
        call = {"to": JOBS, "data": "0x" + calldata("paused()").hex()}
        is_paused = bool(int(self._outside.rpc("eth_call", call, "latest"), 16))
        if is_paused:
            self._send("setPaused(bool)", False)
            time.sleep(2 * BLOCK_S)
        return not is_paused

    def _send(self, signature: str, *values: Any) -> None:
        """As the contract's owner, with a fee that no jump stops; the weather is bad for everybody."""
        fields: dict[str, Any] = {
            "type": 2, "chainId": CHAIN_ID, "gas": 100_000, "to": bytes.fromhex(JOBS[2:]), "value": 0,
            "data": calldata(signature, *values), "maxFeePerGas": 2_000 * GWEI, "maxPriorityFeePerGas": GWEI,
        }  # fmt: skip
        with suppress(httpx.HTTPError, RuntimeError):
            nonce = self._outside.rpc("eth_getTransactionCount", OWNER.address, "pending")
            signed = Account.from_key(OWNER.key).sign_transaction({**fields, "nonce": int(nonce, 16)})
            self._outside.rpc("eth_sendRawTransaction", "0x" + signed.raw_transaction.hex())

    def _some(self) -> list[int]:
        return self._dice.sample(PLAYERS, 8)
