"""What the game's database calls its users, what a coin is worth, and how long payout waits for what."""

import re
from decimal import Decimal
from fractions import Fraction
from math import ceil
from typing import Self

from prefect.blocks.core import Block
from pydantic import Field, field_validator, model_validator

from blocks.problem import Problem

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_TABLE = re.compile(rf"{_NAME.pattern}\.{_NAME.pattern}")


class DecimalsDiffer(Problem):
    """The token has {token} decimal places, PAYOUT_TOKEN_DECIMALS says {settings}: everybody would get a multiple or
    a fraction of what is due. Correct it (or JOBS_TOKEN) in .env and run `make apply`.
    """

    heals = False


class PayoutSettings(Block):
    """Names in the block `game-db`, rates and times; the chain is the block `jobs-contract`.

    The names are the catalogue's, letter by letter: whoever puts them into a statement quotes them.
    """

    _block_type_name = "Payout Settings"
    _block_type_slug = "payout-settings"
    _description = "Where the players' coins are, what they are worth, and how long payout waits."

    token_decimals: int = Field(ge=0, le=36, description="The token's; compared with what the token says.")
    tokens_per_coin: Decimal = Field(
        default=Decimal(1), gt=0, max_digits=20, description="What one coin of the game is paid with."
    )
    least_coins: Decimal = Field(
        default=Decimal(0), ge=0, max_digits=20, description="Less than this is held until more is earned."
    )
    users: str = Field(default="public.users", description="SCHEMA.TABLE of the players.")
    id_column: str = Field(default="id", description="Whole number, unique.")
    coins_column: str = Field(default="coins", description="Coins earned in all the time; only grows.")
    wallet_column: str = Field(default="wallet", description="0x and 40 hexadecimal digits, or NULL.")
    deadline_s: int = Field(
        default=1800, ge=120, le=86_400, description="From signing on: the contract refuses a job after it."
    )
    patience_s: int = Field(
        default=1800,
        ge=60,
        le=604_800,
        description="A job that its worker leaves alone for so long is an alarm.",
    )

    @property
    def units_per_coin(self) -> int:
        """In the token's smallest units."""
        return int(self.tokens_per_coin.scaleb(self.token_decimals))

    @property
    def least_units(self) -> int:
        """In the token's smallest units, rounded up."""
        return ceil(Fraction(self.least_coins) * self.units_per_coin)

    def check_decimals(self, of_token: int) -> None:
        """Compare with what the token itself says.

        Raises:
            DecimalsDiffer: they are not the same.
        """
        if of_token != self.token_decimals:
            raise DecimalsDiffer(token=of_token, settings=self.token_decimals)

    @field_validator("users")
    @classmethod
    def _is_table(cls, name: str) -> str:
        if not _TABLE.fullmatch(name):
            raise ValueError("must be SCHEMA.TABLE, both plain names: see PAYOUT_USERS")
        return name

    @field_validator("id_column", "coins_column", "wallet_column")
    @classmethod
    def _is_name(cls, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise ValueError("must be one plain name, say coins")
        return name

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        units = self.tokens_per_coin.scaleb(self.token_decimals)
        if units != units.to_integral_value():
            raise ValueError("PAYOUT_TOKENS_PER_COIN has more decimal places than PAYOUT_TOKEN_DECIMALS")
        return self
