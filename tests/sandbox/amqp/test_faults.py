"""What the stand-in can do that RabbitMQ does not on demand: refuse, cut, lose, count; and what it does not speak."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import aio_pika
import pytest
import trustme
from aio_pika import DeliveryMode, Message
from aio_pika.abc import AbstractConnection, AbstractRobustConnection
from aio_pika.exceptions import AMQPConnectionError, AMQPError, ChannelInvalidStateError
from aiormq import exceptions, spec
from httpx import ASGITransport, AsyncClient
from pamqp.base import Frame
from pamqp.frame import marshal
from pamqp.header import ProtocolHeader
from pamqp.heartbeat import Heartbeat
from starlette.applications import Starlette

from sandbox.amqp import AmqpServer, Fault, Topology
from sandbox.amqp.broker import Broker
from sandbox.amqp.switches import routes
from sandbox.forms import MistakeError, answer_mistake
from tests.broker_fixtures import connect
from tests.brokers import PASSWORD, USER, SandboxBroker

KEY, EXCHANGE, QUEUE = "tg_bot_dev", "chathub_direct_main", "tg_bot"
TOPOLOGY = Topology(EXCHANGE, {KEY: QUEUE, "date_maker_dev": "chathub_date_maker_dev"})


@pytest.fixture
async def amqp(tmp_path: Path) -> AsyncIterator[AmqpServer]:
    async with AmqpServer(user=USER, password=PASSWORD, home=tmp_path, topology=TOPOLOGY) as amqp:
        yield amqp


@pytest.fixture
async def line(amqp: AmqpServer) -> AsyncIterator[AbstractConnection]:
    async with await connect(amqp) as line:
        yield line


async def publish(
    line: AbstractConnection, body: bytes = b"x", key: str = KEY, timeout_s: float = 0.2
) -> None:
    channel = await line.channel()
    exchange = await channel.get_exchange(EXCHANGE)
    await exchange.publish(Message(body, delivery_mode=DeliveryMode.PERSISTENT), key, timeout=timeout_s)


async def test_what_others_set_up_is_there(amqp: AmqpServer, line: AbstractConnection) -> None:
    """The exchange and its bound queues exist before anybody declares them."""
    await publish(line)
    assert amqp.depths() == {QUEUE: 1, "chathub_date_maker_dev": 0}


async def test_everything_is_counted_by_its_key(amqp: AmqpServer, line: AbstractConnection) -> None:
    """Published, returned, delivered, acked, requeued and dropped, each under the key that it came with."""
    for _ in range(3):
        await publish(line)
    await publish(line, key="nobody")
    queue = await (await line.channel()).get_queue(QUEUE)
    await (await queue.get()).ack()
    await (await queue.get()).reject(requeue=True)
    await (await queue.get()).reject(requeue=False)
    await line.close()
    await amqp.cut_connections()
    counted = {
        name: dict(value) for name, value in vars(amqp.counters).items() if value and name != "connections"
    }
    assert counted == {
        "published": {KEY: 3}, "returned": {"nobody": 1}, "delivered": {KEY: 3}, "acked": {KEY: 1},
        "requeued": {KEY: 1}, "dropped": {KEY: 1},
    }  # fmt: skip


async def test_a_refused_client_comes_in_later(amqp: AmqpServer) -> None:
    """The line is cut before a word is said, as often as asked for."""
    amqp.fault(Fault(kind="refuse", times=2))
    for _ in range(2):
        with pytest.raises((AMQPConnectionError, OSError)):
            await connect(amqp)
    await (await connect(amqp)).close()
    assert amqp.counters.connections == 1


async def test_a_confirm_may_come_late(amqp: AmqpServer, line: AbstractConnection) -> None:
    """The message is there at once, its confirm after the delay."""
    amqp.fault(Fault(kind="delay_confirm", delay_s=0.4))
    loop = asyncio.get_running_loop()
    begun_s = loop.time()
    telling = asyncio.create_task(publish(line, timeout_s=5))
    async with asyncio.timeout(5):
        while not amqp.depths()[QUEUE]:
            await asyncio.wait({telling}, timeout=0.01)
    assert not telling.done()
    await telling
    assert loop.time() - begun_s >= 0.4


@pytest.mark.parametrize(("kind", "there"), [("lose_confirm", 1), ("cut_before", 0), ("cut_after", 1)])
async def test_a_confirm_may_never_come(
    amqp: AmqpServer, line: AbstractConnection, kind: str, there: int
) -> None:
    """The client cannot know whether the message is there; the counters do."""
    amqp.fault(Fault(kind=kind, routing_key=KEY))
    with pytest.raises((TimeoutError, AMQPError, ChannelInvalidStateError)):
        await publish(line)
    assert amqp.depths()[QUEUE] == there
    assert amqp.counters.published[KEY] == there


async def test_a_fault_strikes_its_key_alone(amqp: AmqpServer, line: AbstractConnection) -> None:
    """Others go on, and cleared faults are over."""
    amqp.fault(Fault(kind="lose_confirm", routing_key=KEY, times=None))
    await publish(line, key="date_maker_dev")
    with pytest.raises(TimeoutError):
        await publish(line)
    amqp.clear_faults()
    await publish(line)
    assert amqp.faults() == []


async def test_cut_lines_are_mended_by_a_robust_client(amqp: AmqpServer) -> None:
    """The library's own reconnecting client consumes on after all lines were cut; what it had comes again."""
    robust: AbstractRobustConnection = await aio_pika.connect_robust(
        host="127.0.0.1", port=amqp.port, login=USER, password=PASSWORD, reconnect_interval=0.05
    )
    async with robust, await connect(amqp) as line:
        heard: asyncio.Queue[aio_pika.abc.AbstractIncomingMessage] = asyncio.Queue()
        await (await (await robust.channel()).get_queue(QUEUE)).consume(heard.put)
        await publish(line)
        first = await heard.get()
        await amqp.cut_connections()
        again = await asyncio.wait_for(heard.get(), 5)
        assert (first.redelivered, again.redelivered, again.body) == (False, True, b"x")
        await again.ack()


async def test_a_killed_broker_lost_nothing_that_it_confirmed(tmp_path: Path) -> None:
    """The journal is written before the confirm: a second broker on the same folder finds everything."""
    broker = SandboxBroker(tmp_path)
    async with broker.server, await connect(broker) as line:
        channel = await line.channel()
        queue = await channel.declare_queue("kept", durable=True)
        for body in (b"1", b"2"):
            await channel.default_exchange.publish(Message(body, delivery_mode=2), "kept")
        held = await queue.get()
        after = Broker(tmp_path)
        kept = [(each.body, each.redelivered) for each in after.queue("kept").waiting]
        after.close()
        await held.ack()
    assert kept == [(b"1", True), (b"2", False)]


@pytest.mark.parametrize(
    "method",
    [spec.Tx.Select(), spec.Exchange.Declare(exchange="f", exchange_type="fanout", durable=True),
     spec.Queue.Declare(queue="q", exclusive=True), spec.Queue.Declare(queue="q", arguments={"x-message-ttl": 1}),
     spec.Basic.Qos(prefetch_count=1, global_=True)],
    ids=["method", "kind", "flag", "argument", "scope"],
)  # fmt: skip
async def test_what_is_not_spoken_is_refused_loudly(line: AbstractConnection, method: Frame) -> None:
    """A method, a flag or an argument that the stand-in does not know ends the connection with a 540."""
    channel = await (await line.channel()).get_underlay_channel()
    with pytest.raises(exceptions.ConnectionNotImplemented, match="NOT_IMPLEMENTED"):
        await channel.rpc(method, timeout=2)


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", b"AMQP\x00\x00\x09\x01"),
        (b"AMQP\x00\x00\x09\x01" + b"\xff" * 20, b"FRAME_ERROR"),
    ],
)
async def test_noise_is_answered_and_ends(amqp: AmqpServer, said: bytes, answer: bytes) -> None:
    """Who speaks something else is told what is spoken here, and hung up on."""
    reader, writer = await asyncio.open_connection("127.0.0.1", amqp.port)
    writer.write(said)
    assert answer in await asyncio.wait_for(reader.read(), 5)
    writer.close()


async def test_a_client_that_stopped_breathing_is_dropped(amqp: AmqpServer) -> None:
    """The broker shows that it lives; who misses two heartbeats of its own is cut off."""
    reader, writer = await asyncio.open_connection("127.0.0.1", amqp.port)
    said = (
        spec.Connection.StartOk({}, "PLAIN", f"\0{USER}\0{PASSWORD}", "en_US"),
        spec.Connection.TuneOk(0, 131_072, 1),
        spec.Connection.Open("/"),
    )
    writer.write(ProtocolHeader().marshal() + b"".join(marshal(frame, 0) for frame in said))
    heard = await asyncio.wait_for(reader.read(), 10)
    assert heard.count(Heartbeat.value) >= 3
    writer.close()


async def test_tls_is_spoken(tmp_path: Path) -> None:
    """The same over TLS."""
    authority = trustme.CA()
    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(served)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    async with AmqpServer(user=USER, password=PASSWORD, ssl=served) as amqp:
        line = await aio_pika.connect(
            host="127.0.0.1", port=amqp.port, login=USER, password=PASSWORD, ssl=True, ssl_context=trusting
        )
        await (await line.channel()).declare_queue("q", durable=True)
        await line.close()


async def test_the_switches_work_over_http(amqp: AmqpServer) -> None:
    """Counters, depths and faults are served as JSON; a mistake is told with its remedy."""
    app = Starlette(routes=routes(amqp), exception_handlers={MistakeError: answer_mistake})
    async with AsyncClient(transport=ASGITransport(app), base_url="http://sandbox") as client:
        switched = (
            await client.post("/amqp/fault", json={"kind": "lose_confirm", "routing_key": KEY})
        ).json()
        wrong = await client.post("/amqp/fault", json={"kind": "explode"})
        cleared = (await client.delete("/amqp/fault")).json()
        assert (await client.post("/amqp/cut")).json() == (await client.get("/amqp/counters")).json()
    assert switched["faults"] == [{"kind": "lose_confirm", "routing_key": KEY}]
    assert switched["waiting"] == {QUEUE: 0, "chathub_date_maker_dev": 0}
    assert wrong.status_code == 422
    assert "lose_confirm" in wrong.json()["problems"][0]["remedy"]
    assert (cleared["faults"], cleared["published"]) == ([], {})


async def test_the_log_is_silent_about_ordinary_ends(
    amqp: AmqpServer, line: AbstractConnection, caplog: pytest.LogCaptureFixture
) -> None:
    """A client that leaves, a cut line and a wrong password are no errors of the broker's."""
    with pytest.raises(AMQPConnectionError):
        await aio_pika.connect(host="127.0.0.1", port=amqp.port, login=USER, password="wrong")
    await amqp.cut_connections()
    assert not [record for record in caplog.records if record.name == "sandbox.amqp"]
