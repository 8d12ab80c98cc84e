"""The message broker's Block: where it is, who we are, and the names of what is ours there.

Source  docs/dating.md, "Messages"
"""

import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cached_property
from pathlib import Path

from aio_pika import connect
from prefect.blocks.core import Block
from pydantic import ConfigDict, Field, field_validator

from blocks.broker_problem import FAILURES, classify_connecting
from blocks.broker_session import BrokerSession
from blocks.broker_settings import BrokerSettings

for _library in ("aio_pika", "aiormq"):
    # At DEBUG they print messages with their readers; what they say above it our exceptions say, too.
    logging.getLogger(_library).setLevel(logging.CRITICAL)


class Broker(BrokerSettings, Block):
    """RabbitMQ, or what speaks AMQP 0-9-1 like it."""

    _block_type_name = "Broker"
    _block_type_slug = "broker"
    _description = "The message broker between us and the chat bot."

    model_config = ConfigDict(hide_input_in_errors=True)

    ca_file: Path | None = Field(
        default=None, description="PEM file on the worker's machine of who signed the broker's certificate."
    )

    @field_validator("host")
    @classmethod
    def _is_a_host(cls, host: str) -> str:
        if not host or any(sign in host for sign in "/@?# "):
            raise ValueError("must be a host's name or address alone, without amqp://, port or user")
        return host

    @cached_property
    def _tls(self) -> ssl.SSLContext | None:
        return ssl.create_default_context(cafile=self.ca_file) if self.tls else None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[BrokerSession]:
        """Connect, and end the session with the block: a broken line is not mended behind the caller's back.

        The library's "robust" connection is not used: after a reconnect it tells old numbers for a queue's depth,
        and consumes again what the caller is still at work on.

        Raises:
            BrokerUnreachable, BrokerRefusesUs: see their docstrings.
            ExchangeMissing, QueueMissing, TopologyDiffers: what is to be declared cannot be.
        """
        block = self._block_document_name or self._block_type_slug
        try:
            connection = await connect(
                host=self.host, port=self.port, login=self.user, password=self.password.get_secret_value(),
                virtualhost=self.vhost, ssl=self.tls, ssl_context=self._tls, timeout=self.timeout_s,
                heartbeat=self.heartbeat_s, client_properties={"connection_name": "metronome"},
            )  # fmt: skip
        except FAILURES as error:
            raise classify_connecting(error, block) from None  # its text may hold the address
        async with connection:
            session = BrokerSession(block, self, connection)
            if self.declare:
                await session.declare()
            yield session
