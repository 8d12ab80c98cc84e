"""The game's token: an ERC-20 that its owner mints and whose wallets can be blocked."""

import pytest

from sandbox.chain.accounts import OPERATOR, OWNER, STRANGER, TOKEN
from sandbox.chain.deployment import Terms
from tests.contracts.desk import ALICE, BOB, Desk, Refused

TRANSFER, MINT = "transfer(address,uint256)", "mint(address,uint256)"
TRANSFER_FROM, APPROVE = "transferFrom(address,address,uint256)", "approve(address,uint256)"
BLOCK = "setBlocked(address,bool)"


@pytest.fixture
def rich(desk: Desk) -> Desk:
    desk.act(OWNER, MINT, STRANGER.address, 100, to=TOKEN)
    return desk


def test_it_introduces_itself(desk: Desk) -> None:
    """Name, symbol and decimals are what wallets show; the supply is what was minted."""
    assert desk.read("name()", ["string"], to=TOKEN) == ("Coin",)
    assert desk.read("symbol()", ["string"], to=TOKEN) == ("COIN",)
    assert desk.number("decimals()", to=TOKEN) == 18
    assert desk.number("totalSupply()", to=TOKEN) == Terms().budget


def test_a_transfer_moves_coins(rich: Desk) -> None:
    """What one loses the other gets; the supply stays."""
    before = rich.number("totalSupply()", to=TOKEN)
    rich.act(STRANGER, TRANSFER, ALICE, 30, to=TOKEN)
    rich.act(STRANGER, TRANSFER, STRANGER.address, 70, to=TOKEN)
    assert (rich.balance(STRANGER.address), rich.balance(ALICE)) == (70, 30)
    assert rich.number("totalSupply()", to=TOKEN) == before


@pytest.mark.parametrize(
    ("to", "amount", "reason"),
    [(ALICE, 101, "balance"), ("0x" + "00" * 20, 1, "zero address"), (TOKEN, 1, "token itself")],
)
def test_what_a_transfer_refuses(rich: Desk, to: str, amount: int, reason: str) -> None:
    """More than there is, to nobody, and to the token's own address, where it would be lost."""
    with pytest.raises(Refused, match=reason):
        rich.act(STRANGER, TRANSFER, to, amount, to=TOKEN)


def test_an_allowance_is_used_up(rich: Desk) -> None:
    """Another may spend what was approved, once."""
    rich.act(STRANGER, APPROVE, OPERATOR.address, 40, to=TOKEN)
    rich.act(OPERATOR, TRANSFER_FROM, STRANGER.address, BOB, 30, to=TOKEN)
    assert rich.number("allowance(address,address)", STRANGER.address, OPERATOR.address, to=TOKEN) == 10
    with pytest.raises(Refused):
        rich.act(OPERATOR, TRANSFER_FROM, STRANGER.address, BOB, 11, to=TOKEN)
    assert rich.balance(BOB) == 30


def test_a_blocked_wallet_neither_gets_nor_gives(rich: Desk) -> None:
    """Its balance stays what it was, and comes free again."""
    rich.act(OWNER, BLOCK, STRANGER.address, True, to=TOKEN)
    with pytest.raises(Refused, match="sender blocked"):
        rich.act(STRANGER, TRANSFER, ALICE, 1, to=TOKEN)
    with pytest.raises(Refused, match="receiver blocked"):
        rich.act(OWNER, MINT, STRANGER.address, 1, to=TOKEN)
    assert rich.balance(STRANGER.address) == 100
    rich.act(OWNER, BLOCK, STRANGER.address, False, to=TOKEN)
    rich.act(STRANGER, TRANSFER, ALICE, 100, to=TOKEN)


@pytest.mark.parametrize(("signature", "value"), [(MINT, 1), (BLOCK, True)])
def test_only_the_owner_mints_and_blocks(rich: Desk, signature: str, value: int) -> None:
    """A stranger makes no coins."""
    with pytest.raises(Refused, match="owner only"):
        rich.act(STRANGER, signature, ALICE, value, to=TOKEN)


def test_the_supply_never_reaches_the_mark(desk: Desk) -> None:
    """Otherwise a large balance would look like a blocked one."""
    with pytest.raises(Refused, match="supply"):
        desk.act(OWNER, MINT, ALICE, 1 << 255, to=TOKEN)
