"""Fixtures of every test that speaks to a broker: imported by the conftest of each folder that does."""

import itertools
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aio_pika
import pytest
from aio_pika.abc import AbstractConnection

from tests.brokers import PASSWORD, USER, RabbitMq, Running, SandboxBroker, must_be_installed

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitMq]:
    must_be_installed()
    with RabbitMq(tmp_path_factory.mktemp("rabbitmq")) as rabbit:
        yield rabbit


@pytest.fixture
async def sandboxed(tmp_path: Path) -> AsyncIterator[SandboxBroker]:
    broker = SandboxBroker(tmp_path / "amqp")
    async with broker.server:
        yield broker


@pytest.fixture(params=["sandbox", "rabbitmq"])
def running(request: pytest.FixtureRequest) -> Running:
    """Each of the two brokers."""
    name = {"sandbox": "sandboxed", "rabbitmq": "rabbitmq"}[request.param]
    return request.getfixturevalue(name)


@pytest.fixture
def prefix() -> str:
    """Begins the names of whatever a test declares: RabbitMQ is one for all of them."""
    return f"test-{next(_numbers)}-"


@pytest.fixture
async def line(running: Running) -> AsyncIterator[AbstractConnection]:
    """The unmodified client library, connected."""
    async with await connect(running) as connection:
        yield connection


async def connect(running: Running) -> AbstractConnection:
    return await aio_pika.connect(host="127.0.0.1", port=running.port, login=USER, password=PASSWORD)
