"""The game's WebSocket server on loopback: a thin shell around protocol, quota, capacity and faults."""

import asyncio
import json
import logging
import ssl as tls
from contextlib import suppress
from datetime import UTC, datetime
from typing import Self, cast

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.protocol import State

from sandbox.game import protocol, wire
from sandbox.game.capacity import Bucket, Capacity
from sandbox.game.counters import Counters
from sandbox.game.faults import Fault, Faults
from sandbox.game.quota import Quota, Tally
from sandbox.game.visit import Visit
from sandbox.service import Place
from sandbox.state import LOOPBACK

DAY_S = 86_400
POLICY_VIOLATION = 1008
LOG = logging.getLogger("sandbox.game")
LOG.addFilter(lambda record: record.msg == "connection handler failed")  # others may hold the URL's token


class GameServer:
    """`async with GameServer(token="t") as game:` serves at `game.url` until the block ends.

    All times are the event loop's, so it also runs on virtual time.

    Args:
        port: 0 takes any free one.
        quota: pops per account and day (UTC).
        opens_utc: what the clock shows when the server starts; default now.
        ssl: serves wss instead of ws.
        seed: of the dice for faults with a probability.
    """

    def __init__(  # noqa: PLR0913 - each one a switch of its own, by keyword, with a default
        self, *, token: str, port: int = 0, quota: int = 100, capacity: Capacity | None = None,
        opens_utc: datetime | None = None, ssl: tls.SSLContext | None = None, seed: int = 0,
    ) -> None:  # fmt: skip
        self.token, self.port, self.quota = token, port, quota
        self.counters = Counters()
        self._faults, self._quota = Faults(seed), Quota(quota)
        self._capacity = capacity or Capacity()
        self._opens_utc, self._ssl = opens_utc, ssl
        self._server: Server | None = None

    @property
    def url(self) -> str:
        """Without token and username."""
        return f"{'wss' if self._ssl else 'ws'}://{LOOPBACK}:{self.port}/"

    async def start(self) -> None:
        self._opened_s = asyncio.get_running_loop().time()
        self._opened_utc = self._opens_utc or datetime.now(UTC)
        self.limit(self._capacity)
        self._server = await serve(
            self._converse, LOOPBACK, self.port, ssl=self._ssl, process_request=self._admit,
            create_connection=Visit, compression=None, ping_interval=None,
            open_timeout=None, close_timeout=2, logger=LOG, server_header=None,
        )  # fmt: skip
        self.port = next(iter(self._server.sockets)).getsockname()[1]

    async def stop(self) -> None:
        if self._server is None:
            return
        for connection in self._server.handlers:
            if connection.state is State.CONNECTING:  # hung on purpose: the library would wait for it
                connection.transport.abort()
        self._server.close()
        await self._server.wait_closed()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def describe(self) -> Place:
        env = {"POP_GAME_URL": self.url, "POP_GAME_TOKEN": self.token, "POP_GAME_ORIGIN": protocol.ORIGIN}
        return Place("game", self.url, env)

    def fault(self, fault: Fault) -> None:
        """Let connections that arrive from now on go wrong."""
        self._faults.add(fault, self._now_s())

    def clear_faults(self) -> None:
        self._faults.clear()

    def faults(self) -> list[Fault]:
        return self._faults.active(self._now_s())

    def limit(self, capacity: Capacity) -> None:
        """Change what the game bears; the bucket starts full."""
        self.capacity, self._bucket = capacity, Bucket(capacity, self._now_s())

    def reset(self) -> None:
        """Count from zero and give every account its day's quota back; faults and capacity stay."""
        self.counters, self._quota = Counters(), Quota(self.quota)

    async def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        """Answer the handshake: a fault first, then the capacity, then the credentials."""
        visit = cast(Visit, connection)
        visit.arrive(self.counters, protocol.account_of(request.path), self._opened_s)
        visit.fault = self._faults.strike(visit.account, self._now_s())
        if visit.fault and visit.fault.at_the_door:
            visit.fail(visit.fault)
            return await wire.at_the_door(visit.fault, visit)
        if not self._bucket.take(self._now_s()):
            return self._overwhelmed(visit)
        refusal = protocol.refusal(request.path, request.headers.get_all("Origin"), self.token)
        if refusal:
            visit.refuse(refusal.status)
            return visit.respond(refusal.status, refusal.reason)
        return None

    def _overwhelmed(self, visit: Visit) -> Response:
        visit.refuse(self.capacity.status)
        response = visit.respond(self.capacity.status, "more than the game can bear")
        if self.capacity.retry_after_s is not None:
            response.headers["Retry-After"] = str(self.capacity.retry_after_s)
        return response

    async def _converse(self, connection: ServerConnection) -> None:
        visit = cast(Visit, connection)
        if visit.fault and visit.fault.kind == "close_before":
            visit.fail(visit.fault)
            await wire.close(visit, visit.fault.code)
            return
        with suppress(ConnectionClosed):
            await self._answer(visit, await visit.recv())
            await visit.recv()
            await wire.close(visit, POLICY_VIOLATION, "one message per connection")

    async def _answer(self, visit: Visit, message: str | bytes) -> None:
        visit.counters.messages += 1
        try:
            pops = protocol.pops_in(message, visit.account)
        except protocol.WrongMessageError as wrong:
            visit.refuse(POLICY_VIOLATION)
            await wire.close(visit, POLICY_VIOLATION, str(wrong))
            return
        if visit.fault and visit.fault.kind != "slow":
            await self._fail(visit, visit.fault, pops)
            return
        if visit.fault:
            await wire.delay(visit, visit.fault.delay_s)
        await self._serve(visit, pops)

    async def _serve(self, visit: Visit, pops: int) -> None:
        if visit.state is not State.OPEN:
            return
        tally = self._count(visit, pops)
        visit.serve("served" if tally.counted_pops else "exhausted")
        await visit.send(json.dumps(protocol.reply(visit.account, tally)))

    async def _fail(self, visit: Visit, fault: Fault, pops: int) -> None:
        tally = self._count(visit, pops if fault.counted else 0)
        visit.fail(fault)
        await wire.after_the_message(fault, visit, protocol.reply(visit.account, tally))

    def _count(self, visit: Visit, pops: int) -> Tally:
        now_s = self._opened_utc.timestamp() + self._now_s() - self._opened_s
        tally = self._quota.take(visit.account, pops, day=int(now_s // DAY_S))
        visit.counters.pops += tally.counted_pops
        return tally

    def _now_s(self) -> float:
        return asyncio.get_running_loop().time()
