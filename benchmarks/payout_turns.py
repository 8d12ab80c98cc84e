"""Turns: everybody who pays, one after the other, each on a chain and a ledger of its own."""

from collections.abc import Mapping
from statistics import median
from typing import Any

from benchmarks import payout_gas, payout_limits
from benchmarks.payout_ground import Ground
from benchmarks.payout_naive import Naive
from benchmarks.payout_process import measured

PUSH, OURS, AGAIN, FLOW = (
    "limit: pre-encoded push",
    "ours: the functions",
    "the same, an hour later",
    "ours: the flow",
)
WAITING, SENDING = "naive: one by one", "naive: sent, then awaited"

Figures = dict[str, Any]
Env = Mapping[str, str]


class Turns:
    """Lets the players of a ground be paid, all of them, in every way.

    Args:
        env: of a Prefect server's clients.
    """

    def __init__(self, ground: Ground, env: Env) -> None:
        self._ground, self._env = ground, env

    def turn(self, users: int, interval_s: float) -> Figures:
        """Pay the players by the functions, twice; then push, copy, and pay by the flow."""
        ground = self._ground
        ground.fill(users)
        ground.empty()
        with ground.chain(interval_s) as node:
            ours = self._paid("benchmarks.payout_course", users, "pay")
            signed = payout_limits.mined_transactions(ground, ours["jobs"])
            gas = {"fresh": payout_gas.of_last_run(ground, node)}
            payout_limits.keep_rows(ground)
            ground.earn()
            again = self._paid("benchmarks.payout_course", users, "pay")
            gas["known"] = payout_gas.of_last_run(ground, node)
        with ground.chain(interval_s) as node:
            push = payout_limits.push(node, signed)
        copied = payout_limits.copy(ground, users)
        ground.empty()
        with ground.chain(interval_s):
            flow = self._paid("benchmarks.payout_run", users)
        return {PUSH: push, OURS: ours, AGAIN: again, FLOW: flow, "copy_s": copied, "gas": gas}

    def dry(self, users: int) -> Figures:
        """Plan for so many, nobody of whom was paid before."""
        self._ground.fill(users)
        self._ground.empty()
        with self._ground.chain(1.0):
            return measured("benchmarks.payout_course", self._env, "dry")

    def naive(self, users: int, interval_s: float) -> Figures:
        """Pay the first players of the game in both naive ways: the second finds wallets that have coins already."""
        with self._ground.chain(interval_s) as node:
            naive = Naive(self._ground, node, users)
            return {WAITING: naive.time(naive.one_by_one), SENDING: naive.time(naive.all_at_once)}

    def _paid(self, module: str, users: int, *arguments: str) -> Figures:
        figures = measured(module, self._env, *arguments)
        self._ground.check(users)
        return figures


def middle(turns: list[Figures]) -> Figures:
    """Return of each the figures of its middle turn, with its highest memory and its ratio to the push.

    A ratio is to the push in the same turn; what the machine does meanwhile strikes both.
    """
    paid = {name: _middle([turn[name] for turn in turns]) for name in (PUSH, OURS, AGAIN, FLOW)}
    for name, own in paid.items():
        own["ratio"] = median(turn[name]["wall_s"] / turn[PUSH]["wall_s"] for turn in turns)
    return {"paid": paid, "copy_s": median(turn["copy_s"] for turn in turns), "gas": turns[-1]["gas"]}


def _middle(runs: list[Figures]) -> Figures:
    chosen = sorted(runs, key=lambda run: run["wall_s"])[len(runs) // 2]
    highest = {"peak_mb": max(run["peak_mb"] for run in runs)} if "peak_mb" in chosen else {}
    return chosen | highest | {"walls_s": [run["wall_s"] for run in runs]}
