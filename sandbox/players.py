"""10,000 players with what they earned and where it is to go: the same ones on every machine.

Most have a good wallet and a usual number of coins; the others have every kind of bad wallet, or odd coins.
Nobody has a key to any of the wallets.
"""

from collections.abc import Callable, Iterator
from random import Random
from typing import NamedTuple

import psycopg
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from sandbox.chain.accounts import JOBS, TOKEN

PLAYERS = 10_000
SEED = 4
ADDRESS_BYTES = 20


class Player(NamedTuple):
    """A row of public.users, and what is special about it."""

    id: int
    coins: str | None
    wallet: str | None
    kind: str


class Kind(NamedTuple):
    """So many players; `wallet` and `coins` make a player's own from its number, from 0 on."""

    players: int
    wallet: Callable[[int], str | None]
    coins: Callable[[int], str | None]


def everybody() -> Iterator[Player]:
    """Yield the players, each kind's in a row; the ids are shuffled."""
    ids = list(range(1, PLAYERS + 1))
    Random(SEED).shuffle(ids)
    kinds = (name for name, kind in KINDS.items() for _ in range(kind.players))
    for number, (player_id, name) in enumerate(zip(ids, kinds, strict=True)):
        yield Player(player_id, KINDS[name].coins(number), KINDS[name].wallet(number), name)


def seed(database: psycopg.Connection) -> None:
    """Fill the table where it is empty."""
    if database.execute("select 1 from public.users limit 1").fetchone():
        return
    with database.cursor().copy("copy public.users (id, coins, wallet) from stdin") as rows:
        for player in everybody():
            rows.write_row(player[:3])


def lower(number: int) -> str:
    """Return an address all in lower case.

    >>> lower(1)
    '0x402d188c026d83d604a6c044c4084b203f2307e7'
    """
    return "0x" + keccak(text=f"player {number}")[-ADDRESS_BYTES:].hex()


def upper(number: int) -> str:
    return "0x" + lower(number)[2:].upper()


def checksummed(number: int) -> str:
    """Return an address in the mixed case of EIP-55, as wallets show it."""
    return to_checksum_address(lower(number))


def misspelt(number: int) -> str:
    """Return an address with one letter in the wrong case."""
    wallet = checksummed(number)
    at = next(place for place, character in enumerate(wallet) if character.isalpha() and place > 1)
    return wallet[:at] + wallet[at].swapcase() + wallet[at + 1 :]


def usual(number: int) -> str:
    """Return 1.00 to 500.99 coins.

    >>> usual(7)
    '434.07'
    """
    return f"{1 + number * 7919 % 500}.{number % 100:02}"


def _wallets(players: int, wallet: Callable[[int], str | None] | str | None) -> Kind:
    return Kind(players, wallet if callable(wallet) else lambda _: wallet, usual)


def _coins(players: int, coins: str | None) -> Kind:
    return Kind(players, checksummed, lambda _: coins)


ODD = {
    "all lower": _wallets(1000, lower),
    "all upper": _wallets(200, upper),
    "shared by two": _wallets(40, lambda number: checksummed(-(number // 2))),
    "no wallet": _wallets(100, None),
    "empty": _wallets(20, ""),
    "blanks": _wallets(20, "   "),
    "spaces around": _wallets(20, lambda number: f" {checksummed(number)} "),
    "too short": _wallets(20, lambda number: checksummed(number)[:-1]),
    "too long": _wallets(20, lambda number: checksummed(number) + "0"),
    "without 0x": _wallets(20, lambda number: checksummed(number)[2:]),
    "not hexadecimal": _wallets(20, lambda number: lower(number)[:-1] + "g"),
    "wrong checksum": _wallets(40, misspelt),
    "a name": _wallets(20, lambda number: f"player{number}.eth"),
    "zero address": _wallets(10, "0x" + "00" * ADDRESS_BYTES),
    "the token": _wallets(10, to_checksum_address(TOKEN)),
    "the contract": _wallets(10, JOBS),
    "nothing earned": _coins(400, "0"),
    "a fraction": _coins(20, "0.1234567890123456789"),
    "less than the smallest unit": _coins(20, "0.0000000000000000009"),
    "negative": _coins(20, "-5"),
    "2^96 units": _coins(10, "79228162514.264337593543950336"),
    "a number beyond all bounds": _coins(4, "1e60"),
    "no number": _coins(4, "NaN"),
    "unknown": _coins(4, None),
}
KINDS = ODD | {"usual": _wallets(PLAYERS - sum(kind.players for kind in ODD.values()), checksummed)}
