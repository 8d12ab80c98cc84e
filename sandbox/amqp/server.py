"""The broker as a guest of the sandbox: a listener, and the switches."""

import asyncio
import logging
import ssl as tls
from pathlib import Path
from typing import Self

from sandbox.amqp.broker import Broker
from sandbox.amqp.connection import Access, Connection
from sandbox.amqp.counters import Counters
from sandbox.amqp.faults import Fault, Faults
from sandbox.amqp.line import Line
from sandbox.amqp.topology import Topology
from sandbox.service import Place
from sandbox.state import LOOPBACK

LOG = logging.getLogger("sandbox.amqp")
FAREWELL_S = 1.0


class AmqpServer:
    """`async with AmqpServer(user="u", password="p") as amqp:` listens on `amqp.port`.

    Args:
        port: 0 takes any free one.
        home: folder that keeps what is durable until the next start; without one nothing is kept.
        topology: what is declared before anybody comes.
        ssl: serves amqps instead of amqp.
    """

    def __init__(  # noqa: PLR0913 - each one a setting of its own, by keyword, with a default
        self, *, user: str, password: str, vhost: str = "/", port: int = 0,
        home: Path | None = None, topology: Topology | None = None, ssl: tls.SSLContext | None = None,
    ) -> None:  # fmt: skip
        self.port, self.home, self.topology, self._ssl = port, home, topology, ssl
        self.access = Access(user, password, vhost)
        self._faults = Faults()
        self._lines: dict[asyncio.Task[None], tuple[Line, Connection]] = {}
        self._server: asyncio.Server | None = None

    @property
    def counters(self) -> Counters:
        return self.broker.counters

    async def start(self) -> None:
        self.broker = Broker(self.home)
        self._declare()
        self._server = await asyncio.start_server(self._receive, LOOPBACK, self.port, ssl=self._ssl)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Go down in order: clients are told, and what they did not settle waits for the next start."""
        if self._server is None:
            return
        self._server.close()
        for _, connection in self._lines.values():
            connection.announce_end()
        if self._lines:
            await asyncio.wait(self._lines, timeout=FAREWELL_S)
        await self.cut_connections()
        self.broker.close()
        self._server = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def describe(self) -> Place:
        env = {
            "BROKER_HOST": LOOPBACK,
            "BROKER_PORT": str(self.port),
            "BROKER_VHOST": self.access.vhost,
            "BROKER_USER": self.access.user,
            "BROKER_PASSWORD": self.access.password,
        }
        env |= self.topology.variables if self.topology else {}
        return Place("amqp", f"amqp://{LOOPBACK}:{self.port}", env)

    def fault(self, fault: Fault) -> None:
        """Let what comes from now on go wrong."""
        self._faults.add(fault)

    def clear_faults(self) -> None:
        self._faults.clear()

    def faults(self) -> list[Fault]:
        return self._faults.active()

    async def cut_connections(self) -> None:
        """End every line without a word, and wait until what was unsettled is back in its queue."""
        lines = dict(self._lines)
        for line, _ in lines.values():
            line.cut()
        if lines:
            await asyncio.wait(lines)

    def depths(self) -> dict[str, int]:
        """Return how many messages wait in each queue, those aside that a consumer has."""
        return {name: len(queue.waiting) for name, queue in self.broker.queues.items()}

    def _declare(self) -> None:
        if self.topology is None:
            return
        self.broker.declare_exchange(self.topology.exchange, "direct", durable=True, passive=False)
        for routing_key, queue in self.topology.bindings.items():
            self.broker.declare_queue(queue, durable=True, passive=False, arguments={})
            self.broker.bind(queue, self.topology.exchange, routing_key)

    async def _receive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line, task = Line(reader, writer), asyncio.current_task()
        assert task is not None
        if self._faults.strike_connection():
            line.cut()
            return
        connection = Connection(line, self.broker, self._faults, self.access)
        self._lines[task] = (line, connection)
        try:
            await connection.serve()
        except Exception:
            LOG.exception("a client was not understood, so its connection ends")
            line.cut()
        finally:
            del self._lines[task]
            await line.close()
