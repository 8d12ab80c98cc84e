"""The key that submits jobs: where it comes from, and the only thing that it is used for.

A key in a service of its own (KMS) is one more class with an address and `sign`; such signatures may differ from
call to call, which is why a signed transaction is stored before it is sent.
"""

import asyncio
import json
import os
import re
from collections.abc import Mapping
from typing import Any, Literal, Protocol, Self

from prefect.blocks.system import Secret
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from blocks.jobs import Signed
from blocks.jobs_problem import KeyLocked
from blocks.store import load

_KEY = re.compile(r"0x[0-9a-fA-F]{64}")
_KEYSTORE_VERSION = 3
# What is wrong with a value is told, never the value.
DISCREET = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Signer(Protocol):
    """Signs transactions for one account, in whatever place its key lies."""

    @property
    def address(self) -> str: ...

    def sign(self, transaction: Mapping[str, Any]) -> Signed: ...


class KeystoreKey(BaseModel):
    """An encrypted key (Keystore V3); who has the Block has not got the passphrase."""

    model_config = DISCREET

    kind: Literal["keystore"] = "keystore"
    keystore: SecretStr = Field(description="The JSON of a Keystore V3, as wallets export it.")
    passphrase_block: str | None = Field(default=None, description="Secret Block that holds the passphrase.")
    passphrase_variable: str | None = Field(
        default=None, description="Or: the worker's environment variable that holds it."
    )

    @field_validator("keystore")
    @classmethod
    def _is_keystore(cls, keystore: SecretStr) -> SecretStr:
        try:
            stored = json.loads(keystore.get_secret_value())
        except ValueError:
            stored = None
        if (
            not isinstance(stored, dict)
            or stored.get("version") != _KEYSTORE_VERSION
            or "crypto" not in stored
        ):
            raise ValueError("must be the JSON of a Keystore V3: paste the wallet's whole file")
        return keystore

    @model_validator(mode="after")
    def _has_one_place_for_the_passphrase(self) -> Self:
        if bool(self.passphrase_block) == bool(self.passphrase_variable):
            raise ValueError(
                "name either passphrase_block or passphrase_variable, and keep it out of this Block"
            )
        return self

    async def unlock(self, block: str) -> Signer:
        """Decrypt the key: that takes about a second on purpose.

        Raises:
            KeyLocked: there is no passphrase, or a wrong one.
            BlockMissing: there is no such Secret Block.
        """
        passphrase = await self._passphrase(block)
        return await asyncio.to_thread(_decrypt, block, self.keystore.get_secret_value(), passphrase)

    async def _passphrase(self, block: str) -> str:
        if self.passphrase_block:
            # Not `get()`, which would make a number of a passphrase of digits.
            return str((await load(Secret, self.passphrase_block)).value.get_secret_value())
        name = self.passphrase_variable or ""
        if not (passphrase := os.environ.get(name)):
            raise KeyLocked(block=block, reason=f"the environment variable {name} is not set")
        return passphrase


class RawKey(BaseModel):
    """A key in plain sight, for the development chain alone: see `EvmChain`."""

    model_config = DISCREET

    kind: Literal["raw"] = "raw"
    key: SecretStr = Field(description="0x and 64 hex digits.")

    @field_validator("key")
    @classmethod
    def _is_key(cls, key: SecretStr) -> SecretStr:
        if not _KEY.fullmatch(key.get_secret_value()):
            raise ValueError("must be 0x and 64 hex digits: see JOBS_OPERATOR_KEY")
        return key

    async def unlock(self, block: str) -> Signer:
        """Read the key.

        Raises:
            KeyLocked: it is no key of this curve.
        """
        return _read(block, self.key.get_secret_value())


class LocalSigner:
    """A key in this process's memory; it shows only its address and is not copied."""

    __slots__ = ("_account",)

    def __init__(self, key: bytes | str) -> None:
        """Read the key.

        Raises:
            ValueError: nought, or more than the curve's order.
        """
        from eth_account import Account  # noqa: PLC0415 - a second, and a Block is read by everybody

        self._account = Account.from_key(key)

    @property
    def address(self) -> str:
        return str(self._account.address)

    def sign(self, transaction: Mapping[str, Any]) -> Signed:
        signed = self._account.sign_transaction(dict(transaction))
        return Signed("0x" + signed.hash.hex(), bytes(signed.raw_transaction))

    def __repr__(self) -> str:
        return f"LocalSigner({self.address})"

    def __reduce__(self) -> str:
        raise TypeError("a signer is not copied: its key must not leave this process")


def _decrypt(block: str, keystore: str, passphrase: str) -> Signer:
    from eth_account import Account  # noqa: PLC0415 - as above

    try:
        key = Account.decrypt(keystore, passphrase)
    except (ValueError, TypeError, KeyError):
        raise KeyLocked(block=block, reason="the passphrase does not open the keystore") from None
    return _read(block, bytes(key))


def _read(block: str, key: bytes | str) -> Signer:
    try:
        return LocalSigner(key)
    except ValueError:
        raise KeyLocked(block=block, reason="that number is no private key") from None
