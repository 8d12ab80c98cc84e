"""The broker in the sandbox: its variables make a Block that works, and it goes on where it stopped."""

from pathlib import Path

import aio_pika
import pytest

from blocks.broker_session import Depths, Message
from deployments.messaging import OPTIONAL, VARIABLES, broker
from sandbox import chat
from sandbox.state import State


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path)


def block_of(env: dict[str, str]) -> object:
    return broker({field: env.get(name, "") for field, name in VARIABLES.items()})


async def test_its_variables_make_a_block_that_works(state: State) -> None:
    """Exchange, queues and keys are those of the contract's development side, and everything is declared."""
    async with chat.broker(state) as amqp:
        env = amqp.describe().env
        assert env.keys() <= set(VARIABLES.values())
        assert all(env[VARIABLES[field]] for field in VARIABLES.keys() - OPTIONAL)
        async with block_of(env).open() as session:
            assert await session.check() == Depths(0, 0)
            await session.publish([Message(b"send_rules", {"chat_id": 1})])
        assert amqp.depths() == {
            "chathub_date_maker_dev": 0, "chathub_tg_bot_dev": 1, "chathub_date_maker_dead": 0,
        }  # fmt: skip


async def test_it_goes_on_where_it_stopped(state: State) -> None:
    """The next start of the sandbox has the same port, the same password and the messages."""
    async with chat.broker(state) as amqp:
        env = amqp.describe().env
        async with block_of(env).open() as session:
            await session.publish([Message(b"send_rules", {"chat_id": 1})])
    async with chat.broker(state) as amqp:
        assert amqp.describe().env == env
        assert amqp.depths()["chathub_tg_bot_dev"] == 1
        line = await aio_pika.connect(
            host=env["BROKER_HOST"], port=int(env["BROKER_PORT"]), login=env["BROKER_USER"],
            password=env["BROKER_PASSWORD"],
        )  # fmt: skip
        async with line, line.channel() as channel:
            got = await (await channel.get_queue("chathub_tg_bot_dev")).get()
            assert (got.body, got.headers) == (b"send_rules", {"chat_id": 1})
