"""Payout's settings: what is refused, what follows from them, and that the Block keeps every digit."""

from decimal import Decimal

import pytest
from prefect.client.orchestration import PrefectClient
from pydantic import ValidationError

from blocks.payout_settings import PayoutSettings
from deployments import blocks
from deployments.change import Change
from sandbox import World

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # the engine's client leaves its sockets


def settings(**fields: object) -> PayoutSettings:
    return PayoutSettings.model_validate({"token_decimals": 18, **fields})


@pytest.mark.parametrize(
    ("fields", "units"),
    [
        ({}, 10**18),
        ({"token_decimals": 6}, 10**6),
        ({"token_decimals": 0}, 1),
        ({"tokens_per_coin": "0.25"}, 25 * 10**16),
        ({"tokens_per_coin": "12345678901234567890", "token_decimals": 36}, 12345678901234567890 * 10**36),
        ({"tokens_per_coin": "0.000000000000000001"}, 1),
    ],
)
def test_a_coin_is_worth_whole_units(fields: dict[str, object], units: int) -> None:
    """The token's smallest units for one coin, exactly, however many digits that takes."""
    assert settings(**fields).units_per_coin == units


@pytest.mark.parametrize(
    ("least", "units"),
    [("0", 0), ("2", 2), ("0.1", 1), ("1.5", 2), ("12345678901234567890", 12345678901234567890)],
)
def test_the_least_is_rounded_up(least: str, units: int) -> None:
    """Who has less than the least in coins never has the least in units."""
    assert settings(least_coins=least, token_decimals=0).least_units == units


WRONG = {
    "a table without its schema": ({"users": "users"}, "SCHEMA.TABLE"),
    "a statement for a table": ({"users": "public.users; drop table users"}, "SCHEMA.TABLE"),
    "a quoted table": ({"users": 'public."users"'}, "SCHEMA.TABLE"),
    "a database before it": ({"users": "game.public.users"}, "SCHEMA.TABLE"),
    "a table with a new line": ({"users": "public.users\n"}, "SCHEMA.TABLE"),
    "an expression for a column": ({"coins_column": "coins * 2"}, "plain name"),
    "two columns": ({"id_column": "id, coins"}, "plain name"),
    "a name that PostgreSQL would cut": ({"wallet_column": "w" * 64}, "plain name"),
    "letters of another alphabet": ({"wallet_column": "wаllet"}, "plain name"),
    "a coin worth nothing": ({"tokens_per_coin": "0"}, "greater than 0"),
    "a negative rate": ({"tokens_per_coin": "-1"}, "greater than 0"),
    "no number": ({"tokens_per_coin": "NaN"}, "finite number"),
    "parts of the smallest unit": ({"tokens_per_coin": "0.5", "token_decimals": 0}, "more decimal places"),
    "a negative least": ({"least_coins": "-1"}, "greater than or equal to 0"),
    "too many decimals": ({"token_decimals": 37}, "less than or equal to 36"),
    "no decimals": ({"token_decimals": None}, "valid integer"),
    "a deadline that is there at once": ({"deadline_s": 5}, "greater than or equal to 120"),
    "no patience": ({"patience_s": 0}, "greater than or equal to 60"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_right_is_refused(case: str) -> None:
    """Each with a word about what is wanted; names are names and never SQL."""
    fields, told = WRONG[case]
    with pytest.raises(ValidationError, match=told):
        settings(**fields)


async def test_the_block_keeps_every_digit(prefect: PrefectClient, world: World) -> None:
    """Saved and read again it is the same, and applying it again finds nothing to change."""
    given = {"PAYOUT_TOKENS_PER_COIN": "0.1234567890123456789", "PAYOUT_TOKEN_DECIMALS": "19"}
    for value, change in ((given, {Change.CREATED, Change.UPDATED}), (given, {Change.UNCHANGED})):
        block = blocks.build(world.env | value)["payout-settings"]
        assert await blocks.save(prefect, "payout-settings", block) in change
    try:
        read = await PayoutSettings.aload("payout-settings")
        assert read.tokens_per_coin == Decimal("0.1234567890123456789")
        assert read.units_per_coin == 1234567890123456789
    finally:
        await blocks.save(prefect, "payout-settings", blocks.build(world.env)["payout-settings"])
