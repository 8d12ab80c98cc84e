"""Payout's outside in a campaign: what players earned, what is booked, what their wallets hold, and what must hold.

Looked at from behind: past every tap.
"""

import secrets
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import chain
from random import Random
from typing import Any, NamedTuple

from eth_utils.abi import event_signature_to_log_topic as topic

import sandbox
from sandbox.chain.accounts import JOBS
from sandbox.chain.deployment import calldata
from tests.chaos.arena import patiently, wait_until
from tests.payout.outside import BLOCK_S, COIN, Outside

PLAYERS = range(1, 41)
LEDGER = "select user_id, paid::text as paid, in_flight::text as in_flight from payout.account"
ROLES = "('metronome', 'payout_reader')"
COMPLETED = "0x" + topic("JobCompleted(bytes32,uint256,uint256)").hex()
SUBMITTED_STATUS = 1
END_S = 30.0
OPEN = """
select '0x' || encode(job_id, 'hex') as job_id, array(select tx_hash from payout.tx where tx.job_no = job.job_no) as sent
from payout.job where booking = 'open'
"""


class Pans(NamedTuple):
    """One player's, in the token's smallest units."""

    earned: int
    paid: int
    in_flight: int
    on_chain: int


@dataclass(frozen=True)
class Weight:
    """Everything at one moment.

    Attributes:
        spent: tokens that have left the contract.
        completed: tokens that left it by its own events.
    """

    players: list[Pans]
    spent: int
    completed: int

    def torn(self) -> Iterator[str]:
        """Tell what must not be at any moment: paid ≤ on chain ≤ paid + in flight, and ≤ earned; for each player."""
        yield from _told(
            "booked as paid, and not on the chain", (each.paid - each.on_chain for each in self.players)
        )
        yield from _told(
            "on the chain, neither booked nor in flight",
            (each.on_chain - each.paid - each.in_flight for each in self.players),
        )
        yield from _told("more than earned", (each.on_chain - each.earned for each in self.players))
        on_chain = sum(each.on_chain for each in self.players)
        if not on_chain == self.spent == self.completed:
            yield f"wallets hold {on_chain}, the contract spent {self.spent}, its events say {self.completed}"

    def wrong(self) -> Iterator[str]:
        """Tell what must not be at the end: on chain = earned = paid, and nothing in flight."""
        yield from self.torn()
        yield from _told(
            "earned, and not on the chain", (each.earned - each.on_chain for each in self.players)
        )
        yield from _told("in flight", (each.in_flight for each in self.players))


def _told(what: str, amounts: Iterator[int]) -> Iterator[str]:
    if too_much := [amount for amount in amounts if amount > 0]:
        yield f"{sum(too_much) / COIN:g} coins of {len(too_much)} players {what}"


class Scales:
    """Weighs; lets players earn and move.

    Args:
        booked: query of what is paid and in flight, by player.
    """

    def __init__(self, world: sandbox.World, booked: str = LEDGER) -> None:
        self.outside = Outside(world)
        self._booked = booked

    def begin(self) -> None:
        """Forget everything: nobody has earned or got anything."""
        self.outside.reset()
        wait_until(lambda: not self.figures["open_jobs"], END_S, "the end of older jobs")
        self.outside.rpc("sandbox_mine", 4)  # and they are final
        self._tag, self._moves = secrets.token_hex(8), 0
        self._budget, self._since = self.figures["budget"], self.figures["head"] + 1
        self._coins = dict.fromkeys(PLAYERS, 0)
        self._wallets = {player: [self._wallet(player)] for player in PLAYERS}
        self.outside.players(self._rows(PLAYERS))

    def earn(self, dice: Random, players: Collection[int] = PLAYERS) -> None:
        for player in players:
            self._coins[player] += dice.randint(1, 100)
        self.outside.add(self._rows(players))

    def move(self, players: Collection[int]) -> None:
        """Give players another wallet."""
        self._moves += 1
        for player in players:
            self._wallets[player].append(self._wallet(player))
        self.outside.add(self._rows(players))

    def weigh(self) -> Weight:
        booked = {row["user_id"]: row for row in self.outside.rows(self._booked)}
        # A copy: players may move meanwhile.
        owned = {player: tuple(wallets) for player, wallets in self._wallets.items()}
        before = None
        while before != (before := self.figures["budget"]):  # no block came in between
            held = self.outside.rpc("sandbox_paid", [*chain.from_iterable(owned.values())])
            completed = self._completed()
        players = []
        for player in PLAYERS:
            row = booked.get(player, {"paid": 0, "in_flight": 0})
            on_chain = sum(int(held[wallet]) for wallet in owned[player])
            players.append(
                Pans(self._coins[player] * COIN, int(row["paid"]), int(row["in_flight"]), on_chain)
            )
        return Weight(players, self._budget - before, completed)

    def windows(self) -> set[str]:
        """Return where jobs stand that are open."""
        return {self._window(job) for job in self.outside.rows(OPEN)} or {"nothing in flight"}

    @property
    def figures(self) -> dict[str, Any]:
        """The chain's own."""
        return dict(self.outside.rpc("sandbox_counters"))

    def hold_still(self) -> None:
        """Let no block come until `go_on`."""
        self.outside.rpc("sandbox_setInterval", None)

    def go_on(self) -> None:
        self.outside.rpc("sandbox_setInterval", BLOCK_S)

    def is_let_go(self) -> bool:
        """Tell whether no session of ours is left."""
        left = f"select 1 from pg_stat_activity where usename in {ROLES}"
        return not self.outside.query(left).strip()

    def end_sessions(self) -> None:
        """End those of the ledger, from the database's side."""
        self.outside.query(
            "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'metronome'"
        )

    def _window(self, job: dict[str, Any]) -> str:
        call = {"to": JOBS, "data": "0x" + calldata("job(bytes32)", bytes.fromhex(job["job_id"][2:])).hex()}
        status = int(self._ask("eth_call", call, "latest")[2:66], 16)
        if status:
            return "submitted" if status == SUBMITTED_STATUS else "ended, not booked"
        if not job["sent"]:
            return "reserved, not signed"
        found = [self._ask("eth_getTransactionByHash", tx_hash) for tx_hash in job["sent"]]
        return "sent, not mined" if any(found) else "stored, not sent"

    def _completed(self) -> int:
        wanted = {"address": JOBS, "topics": [COMPLETED], "fromBlock": hex(self._since), "toBlock": "latest"}
        return sum(int(log["data"][66:130], 16) for log in self._ask("eth_getLogs", wanted))

    def _wallet(self, player: int) -> str:
        return f"0x{self._tag}{self._moves + 1:08x}{player:016x}"

    def _ask(self, method: str, *params: object) -> Any:
        """Ask what suffers from faults as the payer does."""
        return patiently(lambda: self.outside.rpc(method, *params))

    def _rows(self, players: Collection[int]) -> dict[int, tuple[object, str | None]]:
        return {player: (self._coins[player], self._wallets[player][-1]) for player in players}
