"""The naive peer: web3 as its documentation shows it, a transfer and an INSERT for each user."""

import time
from collections.abc import Callable, Iterable
from typing import Any

import psycopg
from eth_account import Account
from eth_utils.address import to_checksum_address
from web3 import HTTPProvider, Web3
from web3.middleware import SignAndSendRawMiddlewareBuilder

from benchmarks.payout_chain import Node
from benchmarks.payout_ground import Ground
from contracts import artifact
from sandbox.chain.accounts import OPERATOR, OWNER, TOKEN
from sandbox.chain.deployment import COIN

BUDGET = 10**6 * COIN
PREPARE = (
    "drop schema if exists naive cascade; create schema naive; "
    "create table naive.payment (user_id bigint primary key, wallet text, amount numeric(78, 0), tx_hash text)"
)
INSERT = "insert into naive.payment values (%s, %s, %s, %s)"

Payments = list[tuple[int, str, int]]
Transfer = Callable[[str, int], str]


class Naive:
    """Pays the first players of the game; each way begins with an empty table.

    Attributes:
        gas: of the transfers, by the way they were paid: the first way's wallets are fresh, then they are known.
    """

    def __init__(self, ground: Ground, node: Node, users: int) -> None:
        self._ground, self._node = ground, node
        self._payments = _payments(ground, users)
        self._chain = Web3(HTTPProvider(node.url))
        self._coin = self._chain.eth.contract(to_checksum_address(TOKEN), abi=artifact("Coin").abi)
        for account in (OWNER, OPERATOR):
            key = Account.from_key(account.key)
            self._chain.middleware_onion.inject(SignAndSendRawMiddlewareBuilder.build(key), layer=0)
        owner = {"from": to_checksum_address(OWNER.address)}
        self._mined(self._coin.functions.mint(to_checksum_address(OPERATOR.address), BUDGET).transact(owner))

    def one_by_one(self, payments: Payments, ledger: psycopg.Connection[Any]) -> list[int]:
        """Send, wait for the receipt, write it down, and only then turn to the next; return the gas of each."""
        gas = []
        for user_id, wallet, amount in payments:
            receipt = self._mined(self._transfer(wallet, amount))
            ledger.execute(INSERT, (user_id, wallet, amount, receipt["transactionHash"].hex()))
            gas.append(receipt["gasUsed"])
        return gas

    def all_at_once(self, payments: Payments, ledger: psycopg.Connection[Any]) -> list[int]:
        """Send all of them, then ask for each receipt; return the gas of each."""
        sent = [(payment, self._transfer(*payment[1:])) for payment in payments]
        gas = []
        for payment, tx_hash in sent:
            ledger.execute(INSERT, (*payment, tx_hash.hex()))
            gas.append(self._mined(tx_hash)["gasUsed"])
        return gas

    def time(self, pay: Callable[[Payments, psycopg.Connection[Any]], Iterable[int]]) -> dict[str, Any]:
        """Pay everybody in one of the two ways, each INSERT committed by itself."""
        with self._ground.database("state") as ledger:
            ledger.execute(PREPARE)
            ledger.commit()
            ledger.autocommit = True
            began_s = time.perf_counter()
            gas = list(pay(self._payments, ledger))
            wall_s = time.perf_counter() - began_s
        return {"users": len(self._payments), "wall_s": wall_s, "gas": sum(gas) / len(gas)}

    def _transfer(self, wallet: str, amount: int) -> Any:
        sender = {"from": to_checksum_address(OPERATOR.address)}
        return self._coin.functions.transfer(wallet, amount).transact(sender)

    def _mined(self, tx_hash: Any) -> Any:
        receipt = self._chain.eth.wait_for_transaction_receipt(tx_hash)
        assert receipt["status"] == 1, "a transfer failed"
        return receipt


def _payments(ground: Ground, users: int) -> Payments:
    with ground.database("players") as players:
        rows = players.execute("select id, wallet, coins from public.users order by id limit %s", (users,))
        return [(user_id, wallet, int(coins * COIN)) for user_id, wallet, coins in rows.fetchall()]
