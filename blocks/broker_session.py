"""One connection to the broker: telling, being told, and looking how much waits."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import NamedTuple

from aio_pika import DeliveryMode, ExchangeType
from aio_pika import Message as WireMessage
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractExchange, HeadersType

from blocks.broker_delivery import Deliveries, hand_over
from blocks.broker_problem import BrokerLost, speaking
from blocks.broker_settings import BrokerSettings

WINDOW = 500  # messages that wait for their confirms at a time: they cost memory, and the broker's patience


@dataclass(frozen=True)
class Message:
    """What is told; headers are integers or strings as the reader wants them."""

    body: bytes
    headers: HeadersType


class Depths(NamedTuple):
    """Messages that wait; those that a consumer has are not among them."""

    waiting: int
    dead: int


class BrokerSession:
    """Made by `Broker.open`. Its methods may be used side by side."""

    def __init__(self, block: str, settings: BrokerSettings, connection: AbstractConnection) -> None:
        self._block, self._settings, self._connection = block, settings, connection
        self._publishing: tuple[AbstractChannel, AbstractExchange] | None = None
        self._lock = asyncio.Lock()

    async def publish(
        self,
        messages: Sequence[Message],
        taken: Callable[[Message], None] = lambda _: None,
        routing_key: str = "",
    ) -> None:
        """Hand messages to the broker, and wait until it has confirmed each.

        Args:
            messages: in this order on the wire; their confirms come in any.
            taken: is called with each that the broker confirmed, also when another one fails: those and no others
                need not be sent again.
            routing_key: empty is the key to the bot.

        Raises:
            Unroutable, NotConfirmed, BrokerLost, ExchangeMissing: the first that went wrong; later messages may
                not have been tried.
        """
        exchange = await self._exchange()
        key = routing_key or self._settings.key_to_bot
        for start in range(0, len(messages), WINDOW):
            handing = (
                self._hand_over(exchange, key, each, taken) for each in messages[start : start + WINDOW]
            )
            for outcome in await asyncio.gather(*handing, return_exceptions=True):
                if isinstance(outcome, asyncio.CancelledError):  # not ours: the driver ends its own tasks so
                    raise BrokerLost(block=self._block, reason="closed while it was told something")
                if outcome is not None:
                    raise outcome

    @asynccontextmanager
    async def consume(self) -> AsyncIterator[Deliveries]:
        """Yield what is told to us, as it comes; what is not settled at the end waits for the next consumer.

        Raises:
            QueueMissing, ExchangeMissing: our queue or the dead letters' exchange is not there.
        """
        settings = self._settings
        async with self._channel() as channel:
            graves = await self._look_at_exchange(channel, settings.dead_letter_exchange)
            async with self._asking(settings.queue):
                await channel.set_qos(prefetch_count=settings.prefetch)
                queue = await channel.declare_queue(settings.queue, passive=True)
                deliveries = Deliveries(self._block, settings, graves)
                await deliveries.begin(channel, queue)
            yield deliveries

    async def depth(self, queue: str = "") -> int:
        """Return how many messages wait in a queue, asked afresh; empty is our own.

        Raises:
            QueueMissing, BrokerLost: see their docstrings.
        """
        name = queue or self._settings.queue
        async with self._channel() as channel, self._asking(name):
            found = await channel.declare_queue(name, passive=True)
            return int(found.declaration_result.message_count or 0)

    async def check(self) -> Depths:
        """Look whether everything that we need is there; nothing is published, nothing consumed.

        Raises:
            ExchangeMissing, QueueMissing, BrokerRefusesUs, BrokerLost: see their docstrings.
        """
        for exchange in (self._settings.exchange, self._settings.dead_letter_exchange):
            async with self._channel() as channel:
                await self._look_at_exchange(channel, exchange)
        return Depths(await self.depth(), await self.depth(self._settings.dead_letter_queue))

    async def declare(self) -> None:
        """Create what is missing; what is there stays as it is.

        Raises:
            TopologyDiffers: it is there, and otherwise.
            BrokerRefusesUs: this user may not.
        """
        settings = self._settings
        trees = (
            (settings.exchange, settings.queue, settings.key_to_us),
            (settings.dead_letter_exchange, settings.dead_letter_queue, settings.queue),
        )
        async with self._channel() as channel:
            for exchange, queue, key in trees:
                async with self._asking(exchange):
                    await channel.declare_exchange(exchange, ExchangeType.DIRECT, durable=True)
                    bound = await channel.declare_queue(queue, durable=True)
                    await bound.bind(exchange, key)

    async def _hand_over(
        self, exchange: AbstractExchange, key: str, message: Message, taken: Callable[[Message], None]
    ) -> None:
        wire = WireMessage(message.body, headers=message.headers, delivery_mode=DeliveryMode.PERSISTENT)
        await hand_over(self._block, self._settings, exchange, key, wire)
        taken(message)

    async def _exchange(self) -> AbstractExchange:
        """Return the exchange on a channel that is kept, and made anew after the broker has closed it."""
        async with self._lock:
            if self._publishing is None or self._publishing[0].is_closed:
                channel = await self._open_channel()
                self._publishing = (channel, await self._look_at_exchange(channel, self._settings.exchange))
            return self._publishing[1]

    async def _look_at_exchange(self, channel: AbstractChannel, name: str) -> AbstractExchange:
        async with self._asking(name):
            return await channel.get_exchange(name)

    async def _open_channel(self) -> AbstractChannel:
        async with self._asking():
            # Without both, a message that reaches no queue vanishes in silence.
            return await self._connection.channel(publisher_confirms=True, on_return_raises=True)

    @asynccontextmanager
    async def _channel(self) -> AsyncIterator[AbstractChannel]:
        channel = await self._open_channel()
        try:
            yield channel
        finally:
            if not channel.is_closed:
                async with self._asking():
                    await channel.close()

    @asynccontextmanager
    async def _asking(self, name: str = "") -> AsyncIterator[None]:
        """`name` is what the broker would not know, if it does not."""
        with speaking(self._block, name):
            async with asyncio.timeout(self._settings.timeout_s):
                yield
