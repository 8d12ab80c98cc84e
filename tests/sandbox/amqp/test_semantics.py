"""What a broker does with messages, by the unmodified client: the stand-in as RabbitMQ."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from aio_pika import DeliveryMode, Message
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage, AbstractQueue
from aio_pika.exceptions import (
    ChannelClosed,
    ChannelNotFoundEntity,
    ChannelPreconditionFailed,
    DeliveryError,
    PublishError,
)

from tests.broker_fixtures import connect
from tests.brokers import Running

PATIENCE_S = 5.0


@pytest.fixture
async def channel(line: AbstractConnection) -> AbstractChannel:
    return await line.channel(on_return_raises=True)


@pytest.fixture
async def queue(channel: AbstractChannel, prefix: str) -> AsyncIterator[AbstractQueue]:
    """A durable queue, bound to a direct exchange by the key `key`."""
    exchange = await channel.declare_exchange(f"{prefix}exchange", durable=True)
    queue = await channel.declare_queue(f"{prefix}queue", durable=True)
    await queue.bind(exchange, "key")
    return queue


async def tell(channel: AbstractChannel, queue: AbstractQueue, *bodies: bytes, **properties: Any) -> None:
    properties = {"delivery_mode": DeliveryMode.PERSISTENT, **properties}
    for body in bodies:
        await channel.default_exchange.publish(Message(body, **properties), queue.name)


async def listen(queue: AbstractQueue) -> "asyncio.Queue[AbstractIncomingMessage]":
    heard: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
    await queue.consume(heard.put)
    return heard


async def take(heard: "asyncio.Queue[AbstractIncomingMessage]") -> AbstractIncomingMessage:
    return await asyncio.wait_for(heard.get(), PATIENCE_S)


async def waiting(line: AbstractConnection, name: str) -> int:
    async with line.channel() as fresh:
        return (await fresh.declare_queue(name, passive=True)).declaration_result.message_count


async def comes_to_wait(line: AbstractConnection, name: str, count: int) -> None:
    """An ack is not answered: the broker may take a moment to act on it."""
    async with asyncio.timeout(PATIENCE_S):
        while await waiting(line, name) != count:
            pass


async def test_a_bound_key_leads_to_its_queue(
    channel: AbstractChannel, queue: AbstractQueue, prefix: str
) -> None:
    """Body, headers and properties arrive as they were sent, by exchange and key."""
    headers = {"user_id": "1", "event_id": 70_000, "far": 2**40, "none": None, "yes": True, "list": [1, "a"]}
    sent = Message(b"list_events", headers=headers, correlation_id="c", content_type="text/plain", priority=3)
    exchange = await channel.get_exchange(f"{prefix}exchange")
    await exchange.publish(sent, "key")
    got = await queue.get()
    assert (got.body, got.headers, got.routing_key) == (b"list_events", headers, "key")
    assert (got.exchange, got.correlation_id, got.content_type) == (f"{prefix}exchange", "c", "text/plain")
    assert (got.redelivered, got.priority) == (False, 3)
    await got.ack()


@pytest.mark.parametrize("length", [0, 131_063, 131_064, 131_065, 400_000])
async def test_a_body_of_any_length_passes(
    channel: AbstractChannel, queue: AbstractQueue, length: int
) -> None:
    """A body that does not fit into one frame is cut into several, both ways."""
    await tell(channel, queue, b"x" * length)
    got = await queue.get()
    assert got.body == b"x" * length
    await got.ack()


async def test_what_reaches_no_queue_comes_back(
    channel: AbstractChannel, queue: AbstractQueue, prefix: str
) -> None:
    """A mandatory message without a queue is returned; one that is not mandatory is confirmed and gone."""
    exchange = await channel.get_exchange(f"{prefix}exchange")
    with pytest.raises(PublishError):
        await exchange.publish(Message(b"1"), "nobody")
    await exchange.publish(Message(b"2"), "nobody", mandatory=False)
    await exchange.publish(Message(b"3"), "key")
    assert (await queue.get()).body == b"3"


async def test_a_full_queue_refuses(channel: AbstractChannel, prefix: str) -> None:
    """What a queue with reject-publish has no room for is not confirmed but refused."""
    arguments = {"x-max-length": 2, "x-overflow": "reject-publish"}
    queue = await channel.declare_queue(f"{prefix}small", durable=True, arguments=arguments)
    with pytest.raises(DeliveryError):
        await tell(channel, queue, b"1", b"2", b"3", b"4")


async def test_prefetch_bounds_what_a_consumer_has(
    line: AbstractConnection, channel: AbstractChannel, queue: AbstractQueue
) -> None:
    """No more than the prefetch is handed out; each ack lets one more in."""
    await tell(channel, queue, b"1", b"2", b"3", b"4")
    await channel.set_qos(prefetch_count=2)
    heard = await listen(queue)
    first, _ = await take(heard), await take(heard)
    await comes_to_wait(line, queue.name, 2)
    assert heard.empty()
    await first.ack()
    assert (await take(heard)).body == b"3"
    await comes_to_wait(line, queue.name, 1)


async def test_consumers_take_turns(
    line: AbstractConnection, channel: AbstractChannel, queue: AbstractQueue
) -> None:
    """Two consumers of a queue get every other message."""
    other = await line.channel()
    heard = [await listen(queue), await listen(await other.get_queue(queue.name))]
    await tell(channel, queue, b"1", b"2", b"3", b"4")
    bodies = [[(await take(each)).body for _ in range(2)] for each in heard]
    assert bodies == [[b"1", b"3"], [b"2", b"4"]]


async def test_what_is_put_back_keeps_its_place(channel: AbstractChannel, queue: AbstractQueue) -> None:
    """A requeued message comes again before younger ones, marked as redelivered."""
    await tell(channel, queue, b"1", b"2", b"3")
    first, second = await queue.get(), await queue.get()
    await second.nack(requeue=True)
    await first.reject(requeue=True)
    again = [await queue.get() for _ in range(3)]
    assert [(each.body, each.redelivered) for each in again] == [(b"1", True), (b"2", True), (b"3", False)]


async def test_a_consumer_that_goes_leaves_its_messages(
    running: Running, line: AbstractConnection, channel: AbstractChannel, queue: AbstractQueue
) -> None:
    """What a client had and did not settle waits again once its line is gone."""
    async with await connect(running) as leaving:
        heard = await listen(await (await leaving.channel()).get_queue(queue.name))
        await tell(channel, queue, b"1", b"2")
        done, _ = await take(heard), await take(heard)
        await done.ack()
    await comes_to_wait(line, queue.name, 1)
    got = await queue.get()
    assert (got.body, got.redelivered) == (b"2", True)


async def test_a_rejected_message_goes_to_the_dead(channel: AbstractChannel, prefix: str) -> None:
    """It carries where and why it died, and counts how often."""
    dead = await channel.declare_queue(f"{prefix}dead", durable=True)
    arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead.name}
    queue = await channel.declare_queue(f"{prefix}mortal", durable=True, arguments=arguments)
    heard = await listen(dead)
    await tell(channel, queue, b"poison", headers={"user_id": "1"})
    await (await queue.get()).reject(requeue=False)
    first = await take(heard)
    await channel.default_exchange.publish(Message(b"poison", headers=first.headers), queue.name)
    await (await queue.get()).nack(requeue=False)
    second = await take(heard)
    assert (first.body, first.headers["user_id"]) == (b"poison", "1")
    for letter, count in ((first, 1), (second, 2)):
        (death,) = letter.headers["x-death"]
        assert abs((death.pop("time") - datetime.now(UTC)).total_seconds()) < 60
        assert death == {
            "count": count, "reason": "rejected", "queue": queue.name, "exchange": "", "routing-keys": [queue.name],
        }  # fmt: skip
        assert letter.headers["x-first-death-reason"] == "rejected"
        assert letter.headers["x-first-death-queue"] == queue.name


async def test_a_rejected_message_without_a_grave_is_gone(
    line: AbstractConnection, channel: AbstractChannel, queue: AbstractQueue
) -> None:
    """A queue without a dead-letter exchange drops what is rejected."""
    await tell(channel, queue, b"poison")
    await (await queue.get()).reject(requeue=False)
    await comes_to_wait(line, queue.name, 0)


async def test_what_is_not_there_ends_the_channel_alone(line: AbstractConnection, prefix: str) -> None:
    """A passive look at nothing is a 404; other channels of the connection go on."""
    other = await line.channel()
    for look in ("get_exchange", "get_queue"):
        channel = await line.channel()
        with pytest.raises(
            ChannelNotFoundEntity, match=f"'{prefix}nothing' in vhost|'{prefix}nothing' in this"
        ):
            await getattr(channel, look)(f"{prefix}nothing")
        assert channel.is_closed
    await other.declare_queue(f"{prefix}queue", durable=True)


async def test_publishing_to_nowhere_ends_the_channel(line: AbstractConnection, prefix: str) -> None:
    """An exchange that is not there is a 404 for whoever waits for a confirm."""
    channel = await line.channel()
    exchange = await channel.get_exchange(f"{prefix}nothing", ensure=False)
    with pytest.raises(ChannelNotFoundEntity):
        await exchange.publish(Message(b"1"), "key")


async def test_a_second_declaration_must_be_the_same(
    line: AbstractConnection, queue: AbstractQueue, prefix: str
) -> None:
    """The same again is fine; another durability or other arguments are a 406."""
    for wrong in ({"durable": False}, {"durable": True, "arguments": {"x-dead-letter-exchange": ""}}):
        with pytest.raises(ChannelPreconditionFailed, match="inequivalent arg"):
            await (await line.channel()).declare_queue(queue.name, **wrong)
    for wrong in ({"durable": False}, {"durable": True, "type": "fanout"}):
        with pytest.raises(ChannelPreconditionFailed, match="inequivalent arg"):
            await (await line.channel()).declare_exchange(f"{prefix}exchange", **wrong)
    await (await line.channel()).declare_queue(queue.name, durable=True)


async def test_a_message_is_settled_once(
    line: AbstractConnection, channel: AbstractChannel, queue: AbstractQueue
) -> None:
    """A second ack of the same delivery is a 406."""
    await tell(channel, queue, b"1")
    got = await queue.get()
    underlay = await channel.get_underlay_channel()
    await underlay.basic_ack(got.delivery_tag)
    await underlay.basic_ack(got.delivery_tag)
    with pytest.raises((ChannelPreconditionFailed, ChannelClosed), match="unknown delivery tag"):
        await queue.declare()


async def test_a_purged_queue_is_empty_and_a_deleted_one_tells_its_consumers(
    line: AbstractConnection, channel: AbstractChannel, queue: AbstractQueue
) -> None:
    """A consumer whose queue goes is told so by the broker."""
    await tell(channel, queue, b"1", b"2")
    assert (await queue.purge()).message_count == 2
    cancelled = asyncio.Event()
    (await channel.get_underlay_channel()).on_consumer_cancel_callbacks.add(lambda _: cancelled.set())
    await listen(queue)
    other = await line.channel()
    await other.queue_delete(queue.name)
    await asyncio.wait_for(cancelled.wait(), PATIENCE_S)


async def test_a_restart_keeps_what_is_durable(running: Running, prefix: str) -> None:
    """Exchanges, queues, bindings and persistent messages survive in their order, unsettled ones too; others do not."""
    async with await connect(running) as line:
        channel = await line.channel()
        exchange = await channel.declare_exchange(f"{prefix}exchange", durable=True)
        queue = await channel.declare_queue(f"{prefix}queue", durable=True)
        await queue.bind(exchange, "key")
        await channel.declare_queue(f"{prefix}fleeting")
        await tell(channel, queue, b"1", b"2", b"3", headers={"user_id": 7})
        await tell(channel, queue, b"fleeting", delivery_mode=DeliveryMode.NOT_PERSISTENT)
        _held, done = await queue.get(), await queue.get()
        await done.ack()
        await comes_to_wait(line, queue.name, 2)
    await running.restart()
    async with await connect(running) as line:
        channel = await line.channel()
        exchange = await channel.get_exchange(f"{prefix}exchange")
        await exchange.publish(Message(b"4", delivery_mode=DeliveryMode.PERSISTENT), "key")
        queue = await channel.get_queue(f"{prefix}queue")
        kept = [await queue.get() for _ in range(3)]
        assert [(each.body, each.redelivered) for each in kept] == [
            (b"1", True),
            (b"3", False),
            (b"4", False),
        ]
        assert kept[0].headers == {"user_id": 7}
        with pytest.raises(ChannelNotFoundEntity):
            await channel.get_queue(f"{prefix}fleeting")
