"""The Broker Block on both brokers: what is told arrives, what is told to us is settled, and troubles have names."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aio_pika import DeliveryMode
from aio_pika import Message as WireMessage
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractQueue
from pydantic import SecretStr, ValidationError

from blocks.broker import Broker
from blocks.broker_delivery import REASON, Delivery
from blocks.broker_problem import (
    BrokerLost,
    BrokerProblem,
    BrokerRefusesUs,
    BrokerUnreachable,
    ExchangeMissing,
    NotConfirmed,
    QueueMissing,
    TopologyDiffers,
    Unroutable,
)
from blocks.broker_session import BrokerSession, Depths, Message
from deployments.surroundings import free_port
from tests.broker_fixtures import line, prefix, rabbitmq, running, sandboxed
from tests.brokers import PASSWORD, USER, Running

__all__ = ["line", "prefix", "rabbitmq", "running", "sandboxed"]
PATIENCE_S = 10.0
HEADERS = {"user_id": "11", "chat_id": "11", "message_id": "3"}


def settings(at: int, prefix: str, **others: Any) -> dict[str, Any]:
    names = {
        name: f"{prefix}{name}"
        for name in (
            "exchange",
            "key_to_us",
            "key_to_bot",
            "queue",
            "dead_letter_exchange",
            "dead_letter_queue",
        )
    }
    where = {"host": "127.0.0.1", "port": at, "user": USER, "password": PASSWORD, "declare": True}
    return {**where, **names, **others}


@pytest.fixture
def broker(running: Running, prefix: str) -> Broker:
    return Broker(**settings(running.port, prefix))


@pytest.fixture
async def session(broker: Broker) -> AsyncIterator[BrokerSession]:
    async with broker.open() as session:
        yield session


@pytest.fixture
async def channel(line: AbstractConnection, session: BrokerSession) -> AbstractChannel:
    """The bot's, once our part is declared."""
    return await line.channel(on_return_raises=True)


@pytest.fixture
async def bot(channel: AbstractChannel, broker: Broker) -> AbstractQueue:
    """The queue that the bot reads."""
    queue = await channel.declare_queue(f"{broker.queue}-bot", durable=True)
    await queue.bind(broker.exchange, broker.key_to_bot)
    return queue


async def ask(channel: AbstractChannel, broker: Broker, *words: bytes) -> None:
    """As the bot does."""
    exchange = await channel.get_exchange(broker.exchange)
    for word in words:
        message = WireMessage(word, headers=HEADERS, delivery_mode=DeliveryMode.PERSISTENT)
        await exchange.publish(message, broker.key_to_us)


async def comes_to_be(session: BrokerSession, wanted: Depths) -> None:
    """An ack is not answered: the broker may take a moment to act on it."""
    async with asyncio.timeout(PATIENCE_S):
        while await session.check() != wanted:
            pass


async def first(session: BrokerSession, count: int = 1) -> list[Delivery]:
    """Take deliveries and settle none of them."""
    taken = []
    async with asyncio.timeout(PATIENCE_S), session.consume() as deliveries:
        async for delivery in deliveries:
            taken.append(delivery)
            if len(taken) == count:
                break
    return taken


async def test_a_command_reaches_the_bot(session: BrokerSession, bot: AbstractQueue) -> None:
    """With its integers as integers, as a message that survives a restart, without us waiting for the bot."""
    headers = {"user_id": 2**40, "chat_id": 5, "event_id": 40_000}
    await session.publish([Message(b'{"send_break_message": null}', headers)])
    got = await bot.get()
    assert (got.body, got.headers) == (b'{"send_break_message": null}', headers)
    assert got.delivery_mode == DeliveryMode.PERSISTENT
    await got.ack()


async def test_many_arrive_once_and_in_order(session: BrokerSession, bot: AbstractQueue) -> None:
    """More than a window of confirms: each is told as taken, and the bot reads them as they were given."""
    messages = [Message(b"%d" % number, {"chat_id": number}) for number in range(1_200)]
    taken: list[Message] = []
    await session.publish(messages, taken.append)
    assert sorted(taken, key=lambda each: each.headers["chat_id"]) == messages
    assert await session.depth(bot.name) == 1_200
    bodies = [(await bot.get(no_ack=False)).body for _ in range(300)]
    assert bodies == [b"%d" % number for number in range(300)]


async def test_what_no_queue_takes_is_named(
    session: BrokerSession, broker: Broker, bot: AbstractQueue
) -> None:
    """A message that nobody is bound for is not taken; the session goes on."""
    taken: list[Message] = []
    with pytest.raises(Unroutable, match=rf"routing key nobody of exchange {broker.exchange}"):
        await session.publish([Message(b"x", {}), Message(b"y", {})], taken.append, "nobody")
    assert taken == []
    await session.publish([Message(b"z", {})], taken.append)
    assert [each.body for each in taken] == [b"z"]


async def test_a_full_queue_takes_what_it_has_room_for(
    session: BrokerSession, channel: AbstractChannel, broker: Broker
) -> None:
    """What the broker refuses is named, and exactly what it confirmed is told as taken."""
    arguments = {"x-max-length": 3, "x-overflow": "reject-publish"}
    small = await channel.declare_queue(f"{broker.queue}-small", durable=True, arguments=arguments)
    await small.bind(broker.exchange, "small")
    taken: list[Message] = []
    # RabbitMQ's limit is not exact for a crowd.
    with pytest.raises(NotConfirmed, match="it refused it"):
        await session.publish([Message(b"%d" % number, {}) for number in range(200)], taken.append, "small")
    assert 200 > await session.depth(small.name) == len(taken) >= 3


async def test_a_request_is_read_and_settled(
    session: BrokerSession, channel: AbstractChannel, broker: Broker
) -> None:
    """Body and string headers come as the bot sent them; what is acknowledged is gone."""
    await ask(channel, broker, b"list_events", b"register_event")
    async with session.consume() as deliveries:
        one, two = await anext(deliveries), await anext(deliveries)
        assert (one.body, one.headers, one.redelivered) == (b"list_events", HEADERS, False)
        await one.ack()
        await two.ack()
    await comes_to_be(session, Depths(0, 0))


async def test_what_is_not_settled_comes_again(
    session: BrokerSession, channel: AbstractChannel, broker: Broker
) -> None:
    """A consumer that ends leaves its messages to the next, in their order and marked."""
    await ask(channel, broker, b"1", b"2")
    await first(session)
    await comes_to_be(session, Depths(2, 0))
    again = await first(session, 2)
    assert [each.body for each in again] == [b"1", b"2"]
    assert again[0].redelivered


async def test_no_more_than_the_prefetch_is_held(
    running: Running, prefix: str, session: BrokerSession, channel: AbstractChannel, broker: Broker
) -> None:
    """The rest waits on the broker, where another consumer finds it."""
    await ask(channel, broker, *(b"%d" % number for number in range(5)))
    async with (
        Broker(**settings(running.port, prefix, prefetch=2)).open() as modest,
        modest.consume() as held,
    ):
        await comes_to_be(session, Depths(3, 0))
        await (await anext(held)).ack()
        await comes_to_be(session, Depths(2, 0))


async def test_poison_is_buried_with_its_reason(
    session: BrokerSession, channel: AbstractChannel, broker: Broker
) -> None:
    """The dead letter has the body, the headers and why; the consumer goes on with the next."""
    await ask(channel, broker, b"poison", b"list_events")
    async with session.consume() as deliveries:
        await (await anext(deliveries)).bury("unknown command")
        following = await anext(deliveries)
        await following.ack()
    assert following.body == b"list_events"
    await comes_to_be(session, Depths(0, 1))
    dead = await (await channel.get_queue(broker.dead_letter_queue)).get()
    assert (dead.body, dead.headers) == (b"poison", {**HEADERS, REASON: "unknown command"})


async def test_poison_that_cannot_be_buried_stays(
    session: BrokerSession, channel: AbstractChannel, broker: Broker
) -> None:
    """Without a queue for the dead nothing is lost: the message comes again."""
    await ask(channel, broker, b"poison")
    await channel.queue_delete(broker.dead_letter_queue)
    async with session.consume() as deliveries:
        with pytest.raises(Unroutable):
            await (await anext(deliveries)).bury("unknown command")
    (again,) = await first(session)
    assert (again.body, again.redelivered) == (b"poison", True)


async def test_the_depth_is_asked_afresh(
    session: BrokerSession, channel: AbstractChannel, broker: Broker
) -> None:
    """It follows what happens, and counts what waits."""
    assert await session.depth() == 0
    await ask(channel, broker, b"1", b"2")
    assert await session.depth() == 2
    with pytest.raises(QueueMissing, match="there is no queue nobody-s"):
        await session.depth("nobody-s")
    assert await session.depth() == 2


async def test_only_looking_creates_nothing(running: Running, prefix: str) -> None:
    """Without `declare` what is missing is named with its remedy, and still missing afterwards."""
    broker = Broker(**settings(running.port, prefix, declare=False))
    async with broker.open() as session:
        for _ in range(2):
            with pytest.raises(
                ExchangeMissing, match=rf"no exchange {prefix}exchange. .*BROKER_DECLARE=true"
            ):
                await session.check()
            with pytest.raises(ExchangeMissing):
                await session.publish([Message(b"x", {})])
            with pytest.raises(ExchangeMissing, match="dead_letter_exchange"):
                await first(session)
            with pytest.raises(QueueMissing, match=rf"no queue {prefix}queue"):
                await session.depth()


async def test_declaring_again_changes_nothing(session: BrokerSession, broker: Broker) -> None:
    """A second session finds everything as the first left it."""
    async with broker.open() as other:
        assert await other.check() == Depths(0, 0)


async def test_what_is_there_otherwise_is_left_alone(
    running: Running, line: AbstractConnection, prefix: str
) -> None:
    """A queue that somebody declared in another way is not ours to change; only looked at, it is used as it is."""
    names = settings(running.port, prefix)
    await (await line.channel()).declare_queue(names["queue"], durable=False)
    with pytest.raises(TopologyDiffers, match="BROKER_DECLARE=false"):
        async with Broker(**names).open():
            pass
    async with Broker(**names | {"declare": False}).open() as session:
        assert await session.depth() == 0


@pytest.mark.parametrize(
    ("wrong", "kind", "reason"),
    [
        ({"password": "hush-4711"}, BrokerRefusesUs, "user or password"),
        ({"user": "nobody"}, BrokerRefusesUs, "user or password"),
        ({"vhost": "elsewhere"}, BrokerRefusesUs, "vhost"),
        ({"tls": True}, BrokerUnreachable, "SSLError"),
    ],
)
async def test_a_closed_door_is_named(
    running: Running, prefix: str, wrong: dict[str, Any], kind: type[BrokerProblem], reason: str
) -> None:
    """The message says what to correct, and neither password nor address."""
    with pytest.raises(kind, match=reason) as caught:
        async with Broker(**settings(running.port, prefix, **wrong)).open():
            pass
    assert not any(secret in str(caught.value) for secret in (PASSWORD, "hush-4711", "127.0.0.1"))
    assert caught.value.__cause__ is None


async def test_nobody_there_is_named(prefix: str) -> None:
    """A closed port is no riddle."""
    with pytest.raises(BrokerUnreachable, match=r"ConnectionRefusedError.*BROKER_HOST, BROKER_PORT"):
        async with Broker(**settings(free_port(), prefix)).open():
            pass


async def test_a_queue_that_is_deleted_ends_the_consumer(
    session: BrokerSession, channel: AbstractChannel, broker: Broker
) -> None:
    """It is told so, instead of waiting for ever."""
    async with session.consume() as deliveries:
        await channel.queue_delete(broker.queue)
        for _ in range(2):
            with pytest.raises(QueueMissing):
                await asyncio.wait_for(anext(deliveries), PATIENCE_S)


async def test_a_restart_of_the_broker_loses_nothing(running: Running, broker: Broker) -> None:
    """Consumer and publisher are told that the line is lost; what was not settled comes again to the next session."""
    async with broker.open() as session:
        await session.publish(
            [Message(b"%d" % number, {}) for number in range(3)], routing_key=broker.key_to_us
        )
        async with session.consume() as deliveries:
            settled, held, _ = [await anext(deliveries) for _ in range(3)]
            await settled.ack()
            await comes_to_be(session, Depths(0, 0))
            await running.restart()
            with pytest.raises(BrokerLost):
                await asyncio.wait_for(anext(deliveries), PATIENCE_S)
            with pytest.raises(BrokerLost):
                await held.ack()
            with pytest.raises(BrokerLost):
                await session.publish([Message(b"x", {})])
            with pytest.raises(BrokerLost):
                await session.depth()
    async with broker.open() as session:
        assert [(each.body, each.redelivered) for each in await first(session, 2)] == [
            (b"1", True),
            (b"2", True),
        ]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"host": "amqp://host"}, "host"),
        ({"host": "user:pass@host"}, "host"),
        ({"port": 0}, "port"),
        ({"prefetch": 0}, "prefetch"),
        ({"queue": "наша"}, "queue"),
        ({"key_to_bot": "same", "key_to_us": "same"}, ""),
        ({"dead_letter_queue": "same", "queue": "same"}, ""),
    ],
)
def test_settings_that_cannot_be_right_are_refused(wrong: dict[str, Any], field: str) -> None:
    """With the field's name, and without any value."""
    with pytest.raises(ValidationError) as caught:
        Broker(**settings(5672, "p-", **wrong))
    assert [".".join(map(str, error["loc"])) for error in caught.value.errors()] == [field]
    assert PASSWORD not in str(caught.value)


def test_the_password_is_not_shown() -> None:
    """Neither in the Block's text nor in what the engine shows of it."""
    block = Broker(**settings(5672, "p-"))
    assert block.password == SecretStr(PASSWORD)
    assert PASSWORD not in repr(block) + str(block.model_dump())
