"""Google Meet: rooms of several host accounts, made, opened and closed within Google's quotas.

Source  docs/dating.md, rooms
Errors  MeetQuota, MeetUnreachable, MeetRefusesUs, RoomMissing: see blocks/meet_problem.py
"""

from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Self

from prefect.blocks.core import Block
from prefect.types import SecretDict
from pydantic import ConfigDict, Field, field_validator, model_validator

from blocks.meet_host import Host, TokenHost, is_local, is_safe, read

if TYPE_CHECKING:
    from blocks.meet_rooms import Clock, Rooms

ENDPOINT = "https://meet.googleapis.com"


class Meet(Block):
    """Where Meet is, and the accounts that own our rooms."""

    _block_type_name = "Google Meet"
    _block_type_slug = "meet"
    _description = "Google Meet's address, and the host accounts that own the rooms."

    model_config = ConfigDict(hide_input_in_errors=True)

    endpoint: str = Field(default=ENDPOINT, description="https://HOST without path; Google's, but in tests.")
    hosts: SecretDict = Field(
        description="Accounts by name, each with Google's JSON of its credentials (docs/dating.md); each makes "
        "10 rooms a minute. One that owns rooms must stay, under its name."
    )
    quota_factor: int = Field(
        default=1, ge=1, le=1000, description="Google's quotas times this, where Google granted more."
    )
    timeout_s: float = Field(
        default=8.0, gt=0, le=60, description="Longest silence while waiting for an answer."
    )

    @field_validator("endpoint")
    @classmethod
    def _is_bare(cls, endpoint: str) -> str:
        if not is_safe(endpoint) or endpoint.count("/") != len("//") or {"?", "#", "@"} & set(endpoint):
            raise ValueError(
                "must be https://HOST (or http:// on this machine) and no more: see MEET_ENDPOINT"
            )
        return endpoint

    @field_validator("hosts")
    @classmethod
    def _are_hosts(cls, hosts: SecretDict) -> SecretDict:
        read(hosts.get_secret_value())
        return hosts

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if not is_local(self.endpoint) and any(
            isinstance(each, TokenHost) for each in self._hosts().values()
        ):
            raise ValueError("a host of type token is for a server on this machine only: see MEET_HOSTS")
        return self

    @asynccontextmanager
    async def open(self, clock: "Clock", *, patience_s: float = 0.0) -> AsyncIterator["Rooms"]:
        """Yield the rooms; asks Meet nothing by itself. The quota is counted from here on, so open it once.

        Args:
            clock: tells the time and sleeps.
            patience_s: how long a call waits for the quota before it raises MeetQuota.

        Raises:
            MeetRefusesUs: an account's key cannot be read.
        """
        from blocks.meet_account import Account  # noqa: PLC0415 - a second, and a Block is read by everybody
        from blocks.meet_rooms import Rooms  # noqa: PLC0415

        block = self._block_document_name or self._block_type_slug or ""
        with ExitStack() as opened:
            accounts = {}
            for name, host in self._hosts().items():
                accounts[name] = Account(block, name, host, self.endpoint, self.timeout_s)
                opened.callback(accounts[name].close)
            yield Rooms(block, accounts, clock, patience_s=patience_s, quota_factor=self.quota_factor)

    def _hosts(self) -> dict[str, Host]:
        return read(self.hosts.get_secret_value())
