"""The Broker Block when things go wrong between a message and its confirm, on the stand-in that can do so."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme

from blocks.broker import Broker
from blocks.broker_problem import BrokerLost, BrokerRefusesUs, BrokerUnreachable, NotConfirmed
from blocks.broker_session import BrokerSession, Message
from sandbox.amqp import AmqpServer, Fault, Topology
from tests.brokers import PASSWORD, USER

KEY = "tg_bot_prod"
MESSAGES = [Message(b"%d" % number, {"chat_id": number}) for number in range(10)]


@pytest.fixture
async def amqp() -> AsyncIterator[AmqpServer]:
    topology = Topology("chathub_direct_main", {KEY: "tg_bot"})
    async with AmqpServer(user=USER, password=PASSWORD, topology=topology) as amqp:
        yield amqp


def block(amqp: AmqpServer, **others: object) -> Broker:
    return Broker(
        host="127.0.0.1", port=amqp.port, user=USER, password=PASSWORD, declare=True, timeout_s=0.5, **others
    )


@pytest.fixture
async def session(amqp: AmqpServer) -> AsyncIterator[BrokerSession]:
    async with block(amqp).open() as session:
        yield session


async def test_the_defaults_are_the_contract(amqp: AmqpServer, session: BrokerSession) -> None:
    """Without a word of ours the exchange and the keys are those that the bot knows."""
    await session.publish(MESSAGES)
    assert amqp.counters.published == {KEY: 10}
    assert set(amqp.depths()) == {"tg_bot", "chathub_date_maker_prod", "chathub_date_maker_dead"}


async def test_a_late_confirm_is_waited_for(amqp: AmqpServer, session: BrokerSession) -> None:
    """Within the time limit it counts."""
    amqp.fault(Fault(kind="delay_confirm", delay_s=0.2))
    taken: list[Message] = []
    await session.publish(MESSAGES, taken.append)
    assert len(taken) == 10


async def test_a_lost_confirm_leaves_one_in_doubt(amqp: AmqpServer, session: BrokerSession) -> None:
    """The broker has it and nobody knows: it alone is not told as taken, and the session goes on."""
    amqp.fault(Fault(kind="lose_confirm", nth=4))
    taken: list[Message] = []
    with pytest.raises(NotConfirmed, match="no confirm in time"):
        await session.publish(MESSAGES, taken.append)
    assert [each for each in MESSAGES if each not in taken] == [MESSAGES[3]]
    assert amqp.counters.published[KEY] == 10
    await session.publish([MESSAGES[3]], taken.append)
    assert len(taken) == 10


@pytest.mark.parametrize(("kind", "there"), [("cut_before", 3), ("cut_after", 4)])
async def test_a_line_that_breaks_tells_what_was_taken(
    amqp: AmqpServer, session: BrokerSession, kind: str, there: int
) -> None:
    """Nothing is told as taken that the broker has not got; at most what was in doubt is sent twice."""
    amqp.fault(Fault(kind=kind, nth=4))
    taken: list[Message] = []
    with pytest.raises(BrokerLost):
        await session.publish(MESSAGES, taken.append)
    assert len(taken) <= amqp.counters.published[KEY] == there
    with pytest.raises(BrokerLost):
        await session.publish(MESSAGES, taken.append)
    async with block(amqp).open() as again:
        await again.publish([each for each in MESSAGES if each not in taken], taken.append)
    assert sorted(taken, key=MESSAGES.index) == MESSAGES


async def test_a_consumer_on_a_cut_line_is_told(amqp: AmqpServer, session: BrokerSession) -> None:
    """While it waits, and each time that it asks again; what it had not settled is back."""
    await session.publish(MESSAGES[:2], routing_key="date_maker_prod")
    async with session.consume() as deliveries:
        held, _ = await anext(deliveries), await anext(deliveries)
        await amqp.cut_connections()
        assert amqp.depths()["chathub_date_maker_prod"] == 2
        for _ in range(2):
            with pytest.raises(BrokerLost):
                await asyncio.wait_for(anext(deliveries), 5)
        with pytest.raises(BrokerLost):
            await held.bury("too late")


async def test_a_broker_that_hangs_up_is_unreachable(amqp: AmqpServer) -> None:
    """Whoever answers the port and says nothing is not our broker."""
    amqp.fault(Fault(kind="refuse"))
    with pytest.raises(BrokerUnreachable):
        async with block(amqp).open():
            pass


async def test_a_broker_that_says_nothing_is_unreachable() -> None:
    """The time limit holds for the greeting too."""
    lines: list[asyncio.StreamWriter] = []
    silent = await asyncio.start_server(lambda _reader, writer: lines.append(writer), "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    broker = Broker(host="127.0.0.1", port=port, user=USER, password=PASSWORD, timeout_s=0.2)
    with pytest.raises(BrokerUnreachable, match="no answer in time"):
        async with broker.open():
            pass
    silent.close()
    for line in lines:
        line.close()


async def test_tls_trusts_whom_it_is_told_to(tmp_path: Path) -> None:
    """With the authority's file it connects; without, the certificate is named as the trouble."""
    authority, served = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(served)
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    async with AmqpServer(user=USER, password=PASSWORD, ssl=served) as amqp:
        async with block(amqp, tls=True, ca_file=ca_file).open() as session:
            assert await session.depth() == 0
        with pytest.raises(BrokerRefusesUs, match="certificate is not trusted: see BROKER_CA_FILE"):
            async with block(amqp, tls=True).open():
                pass


async def test_no_log_tells_password_or_people(
    amqp: AmqpServer, session: BrokerSession, caplog: pytest.LogCaptureFixture
) -> None:
    """Not even at DEBUG: the library would print messages with their readers."""
    with caplog.at_level(logging.DEBUG):
        async with block(amqp).open() as talkative:
            await talkative.publish([Message(b"secret-body", {"user_id": 770_077})])
            await talkative.publish(
                [Message(b"secret-body", {"user_id": 770_077})], routing_key="date_maker_prod"
            )
            async with talkative.consume() as deliveries:
                await anext(deliveries)
        await amqp.cut_connections()
    told = " ".join(record.getMessage() for record in caplog.records)
    assert not any(word in told for word in (PASSWORD, "secret-body", "770077"))
