"""What comes from the broker: one message at a time, each settled by whoever took it."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from aio_pika import DeliveryMode
from aio_pika import Message as WireMessage
from aio_pika.abc import (
    AbstractChannel,
    AbstractExchange,
    AbstractIncomingMessage,
    AbstractQueue,
    HeadersType,
)

from blocks.broker_problem import BrokerLost, BrokerProblem, NotConfirmed, QueueMissing, speaking
from blocks.broker_settings import BrokerSettings

REASON = "x-metronome-reason"


@dataclass(frozen=True)
class Delivery:
    """One message. `redelivered`: somebody had it before and did not settle it."""

    body: bytes
    headers: HeadersType
    redelivered: bool
    _block: str = field(repr=False)
    _graves: AbstractExchange = field(repr=False)
    _settings: BrokerSettings = field(repr=False)
    _raw: AbstractIncomingMessage = field(repr=False)

    async def ack(self) -> None:
        """Say that it is done with; call it after the commit.

        The broker does not confirm that it heard: at worst the message comes once more.

        Raises:
            BrokerLost: the message comes once more.
        """
        with speaking(self._block):
            await self._raw.ack()

    async def bury(self, reason: str) -> None:
        """Move it to the dead letters, with the reason in a header for whoever reads them.

        A copy is confirmed before the original is acknowledged: the broker's own dead-lettering knows no reason,
        and drops what it cannot route. At worst there are two copies.

        Raises:
            Unroutable, NotConfirmed, BrokerLost: it is not settled, and comes once more.
        """
        copy = WireMessage(
            self.body, headers={**self.headers, REASON: reason}, delivery_mode=DeliveryMode.PERSISTENT
        )
        await hand_over(self._block, self._settings, self._graves, self._settings.queue, copy)
        await self.ack()


async def hand_over(
    block: str, settings: BrokerSettings, exchange: AbstractExchange, routing_key: str, message: WireMessage
) -> None:
    """Publish one message, and return when the broker has confirmed it.

    Raises:
        Unroutable, NotConfirmed, BrokerLost, ExchangeMissing: see their docstrings.
    """
    with speaking(block, exchange.name):
        try:
            await exchange.publish(message, routing_key, mandatory=True, timeout=settings.timeout_s)
        except TimeoutError:
            raise NotConfirmed(block=block, reason="no confirm in time") from None


class Deliveries:
    """`async for delivery in deliveries` waits for messages, and raises when none can come any more.

    Raises:
        BrokerLost: the line broke; messages that were not settled come again.
        QueueMissing: somebody deleted the queue.
    """

    def __init__(self, block: str, settings: BrokerSettings, graves: AbstractExchange) -> None:
        self._block, self._settings, self._graves = block, settings, graves
        self._incoming: asyncio.Queue[AbstractIncomingMessage | None] = asyncio.Queue()
        self._over: BrokerProblem | None = None

    async def begin(self, channel: AbstractChannel, queue: AbstractQueue) -> None:
        """Let messages of `queue` come in by `channel`."""
        channel.close_callbacks.add(self._on_close)
        wire = await channel.get_underlay_channel()
        wire.on_consumer_cancel_callbacks.add(self._on_cancel)
        await queue.consume(self._incoming.put)

    def __aiter__(self) -> "Deliveries":
        return self

    async def __anext__(self) -> Delivery:
        # What came before the end is not handed out after it: nobody could settle it.
        raw = None if self._over else await self._incoming.get()
        if self._over or raw is None:
            assert self._over is not None
            raise self._over
        return Delivery(
            raw.body, raw.headers, bool(raw.redelivered), self._block, self._graves, self._settings, raw
        )

    def _on_close(self, _channel: Any, error: BaseException | None) -> None:
        self._end(BrokerLost(block=self._block, reason=type(error).__name__))

    def _on_cancel(self, _frame: Any) -> None:
        self._end(QueueMissing(block=self._block, name=self._settings.queue))

    def _end(self, problem: BrokerProblem) -> None:
        self._over = self._over or problem
        self._incoming.put_nowait(None)
