"""The game's players: every kind of wallet is what it says, and the database has them all."""

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from hashlib import sha256

import pytest
from eth_utils.address import is_checksum_address

import sandbox
from sandbox import players
from sandbox.chain.accounts import JOBS, TOKEN
from sandbox.players import KINDS, PLAYERS, Player

PLAIN = {"usual", "all lower", "all upper", "shared by two"}
EVERYBODY = list(players.everybody())


def of_kind(kind: str) -> Iterator[Player]:
    return (player for player in EVERYBODY if player.kind == kind)


def wallets(kind: str) -> list[str]:
    return [player.wallet or "" for player in of_kind(kind)]


def test_they_are_the_same_everywhere() -> None:
    """10,000 ids without a gap, and not one character differs."""
    assert sorted(player.id for player in EVERYBODY) == list(range(1, PLAYERS + 1))
    assert (
        sha256(repr([tuple(player) for player in EVERYBODY]).encode())
        .hexdigest()
        .startswith("941b492491e69192")
    )


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_its_players(kind: str) -> None:
    """As many as are declared, and ids all over the table."""
    ids = [player.id for player in of_kind(kind)]
    assert len(ids) == KINDS[kind].players
    assert max(ids) - min(ids) > 1000


def test_good_wallets_are_good() -> None:
    """Mixed case is EIP-55; the others are one case throughout."""
    assert all(is_checksum_address(wallet) for wallet in wallets("usual"))
    assert all(
        wallet == wallet.lower() and not is_checksum_address(wallet) for wallet in wallets("all lower")
    )
    assert all(
        wallet[2:] == wallet[2:].upper() and wallet.startswith("0x") for wallet in wallets("all upper")
    )
    assert all(len(wallet) == 42 for kind in PLAIN for wallet in wallets(kind))


def test_wallets_are_shared_in_pairs_only() -> None:
    """Two users with one wallet, twenty times; nobody else has another's."""
    shared = wallets("shared by two")
    assert {shared.count(wallet) for wallet in shared} == {2}
    plain = [wallet.lower() for kind in PLAIN for wallet in wallets(kind)]
    assert len(plain) - len(set(plain)) == len(shared) // 2


def test_wrong_checksums_are_one_letter_off() -> None:
    """In one case it would be accepted: only the checksum tells that something is wrong."""
    for number, wallet in enumerate(wallets("wrong checksum")):
        assert not is_checksum_address(wallet), number
        assert (
            len([1 for a, b in zip(wallet, players.to_checksum_address(wallet), strict=True) if a != b]) == 1
        )


def test_addresses_that_nobody_must_pay() -> None:
    """The token and the contract, each as somebody might have copied it, and zero."""
    assert {wallet.lower() for wallet in wallets("the token")} == {TOKEN}
    assert {wallet.lower() for wallet in wallets("the contract")} == {JOBS}
    assert {int(wallet, 16) for wallet in wallets("zero address")} == {0}


def test_odd_coins() -> None:
    """With 18 decimal places: the first amount that the contract cannot hold, and one that is nothing at all."""
    (huge, *_), (crumb, *_) = of_kind("2^96 units"), of_kind("less than the smallest unit")
    assert Fraction(str(huge.coins)) * 10**18 == 2**96
    assert 0 < Fraction(str(crumb.coins)) * 10**18 < 1


def test_the_database_has_them(world: sandbox.World) -> None:
    """Row by row what is declared, numbers with all their digits."""
    rows = world.query("select id, coins, wallet is null, wallet from public.users order by id", "players")
    found = [row.split("|") for row in rows.splitlines()]
    wanted = sorted(EVERYBODY)
    assert [int(row[0]) for row in found] == [player.id for player in wanted]
    assert [row[3] for row in found] == [player.wallet or "" for player in wanted]
    assert [row[2] == "t" for row in found] == [player.wallet is None for player in wanted]
    for row, player in zip(found, wanted, strict=True):
        assert row[1] == (player.coins or "") or Decimal(row[1]) == Decimal(str(player.coins))
