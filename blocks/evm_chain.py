"""Settings of an EVM chain and the Jobs contract on it, as they stand in the Block. Asks nobody anything."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from eth_utils.address import is_checksum_address, to_checksum_address
from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator

from blocks.chains import PRESETS, SANDBOX
from blocks.jobs import Jobs
from blocks.signer import DISCREET, KeystoreKey, RawKey

MOST_RECIPIENTS = 1024  # of a job, by contracts/Jobs.vy
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")


class EvmChain(BaseModel):
    """An Ethereum-like chain; addresses are kept with their checksum."""

    model_config = DISCREET

    kind: Literal["evm"] = "evm"
    rpc_url: SecretStr = Field(
        description="https://… of a node; secret, for providers put their key into it."
    )
    ws_url: SecretStr | None = Field(
        default=None, description="wss://… of the same node: news of blocks; empty asks by the clock."
    )
    chain_id: int = Field(gt=0, description="1 Ethereum, 8453 Base, 31337 a sandbox: see blocks/chains.py.")
    contract: str = Field(description="Address of the Jobs contract.")
    token: str = Field(description="Address of the token that it must pay.")
    confirmations: int | None = Field(
        default=None, ge=0, le=10_000,
        description="Blocks on top of a final one; 0 asks the node; empty takes the chain's usual.",
    )  # fmt: skip
    batch_size: int = Field(default=500, ge=1, le=MOST_RECIPIENTS, description="Most recipients of one job.")
    timeout_s: float = Field(default=20.0, gt=0, le=120, description="Longest time for one answer.")
    max_lag_s: float = Field(
        default=300.0, gt=0, description="A node whose newest block is older than this is behind."
    )
    signer: Annotated[KeystoreKey | RawKey, Field(discriminator="kind")] = Field(
        description="The operator's key: an encrypted keystore; in plain sight on 31337 alone."
    )

    @field_validator("rpc_url")
    @classmethod
    def _is_http(cls, url: SecretStr) -> SecretStr:
        return _with_scheme(url, "http", "JOBS_RPC_URL")

    @field_validator("ws_url")
    @classmethod
    def _is_websocket(cls, url: SecretStr | None) -> SecretStr | None:
        return url and _with_scheme(url, "ws", "JOBS_WS_URL")

    @field_validator("contract", "token")
    @classmethod
    def _is_address(cls, address: str) -> str:
        return checked_address(address)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.contract == self.token:
            raise ValueError("contract and token are the same address: see JOBS_CONTRACT and JOBS_TOKEN")
        if self.chain_id not in PRESETS and self.confirmations is None:
            raise ValueError(f"chain {self.chain_id} is not in blocks/chains.py: give confirmations")
        if isinstance(self.signer, RawKey) and self.chain_id != SANDBOX:
            raise ValueError(f"a raw key is for chain {SANDBOX} only: put the key into a keystore")
        return self

    @property
    def explorer(self) -> str | None:
        known = PRESETS.get(self.chain_id)
        return known.explorer if known else None

    @property
    def finality(self) -> int:
        """Confirmations that count, 0 where the node says what is final."""
        return PRESETS[self.chain_id].confirmations if self.confirmations is None else self.confirmations

    @asynccontextmanager
    async def open(self, block: str) -> AsyncIterator[Jobs]:
        """Read the key and yield the contract; whoever acts calls `check` first.

        Raises:
            KeyLocked, BlockMissing: see `KeystoreKey.unlock`.
        """
        from blocks.evm import EvmJobs  # noqa: PLC0415 - web3 takes two seconds, and a Block is read by everybody

        async with EvmJobs(block, self, await self.signer.unlock(block)) as jobs:
            yield jobs


def checked_address(text: str) -> str:
    """Return an address with its checksum.

    Raises:
        ValueError: no address, the zero address, or mixed case that is not its checksum (EIP-55).

    >>> checked_address("0x5fbdb2315678afecb367f032d93f642f64180aa3")
    '0x5FbDB2315678afecb367f032d93F642f64180aa3'
    """
    if not _ADDRESS.fullmatch(text):
        raise ValueError("must be 0x and 40 hex digits")
    digits = text[2:]
    if not int(digits, 16):
        raise ValueError("must not be the zero address")
    if digits not in {digits.lower(), digits.upper()} and not is_checksum_address(text):
        raise ValueError("has a wrong checksum (EIP-55): a digit is mistyped; copy it once more")
    return str(to_checksum_address(text.lower()))


def _with_scheme(url: SecretStr, scheme: str, variable: str) -> SecretStr:
    try:
        parts = urlsplit(url.get_secret_value())
        whole = parts.scheme in {scheme, f"{scheme}s"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        whole = False
    if not whole:
        raise ValueError(f"must be {scheme}s://HOST/… (or {scheme}:// on localhost): see {variable}")
    return url
