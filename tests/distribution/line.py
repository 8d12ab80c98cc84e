"""A line to PostgreSQL that fails when it is told to: what the Oracle stand-in does by itself, done on the wire.

Source  PostgreSQL's manual, "Message Formats"
"""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable
from contextlib import suppress
from typing import Self

from sandbox.oracle import Fault
from sandbox.oracle.faults import Faults
from sandbox.state import LOOPBACK

SSL_REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"
QUERY, PARSE = b"Q", b"P"
PIECE_BYTES = 65_536

Strike = Callable[[str, str], Fault | None]


class Line:
    """`async with Line("SPSS", port, faults) as line:` listens on `line.port` and passes on what it is not told to lose.

    Knows the faults `drop_before` and `drop_after`, on login, statement, commit and rollback.
    """

    def __init__(self, database: str, server_port: int, faults: Faults) -> None:
        self.database, self.port = database, 0
        self._server_port, self._faults = server_port, faults
        self._visits: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._listener = await asyncio.start_server(self._receive, LOOPBACK, 0)
        self.port = self._listener.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listener.close()
        for visit in self._visits:
            visit.cancel()
        await asyncio.gather(*self._visits, return_exceptions=True)

    async def _receive(self, reader: StreamReader, writer: StreamWriter) -> None:
        visit = asyncio.create_task(self._serve(reader, writer))
        self._visits.add(visit)
        visit.add_done_callback(self._visits.discard)

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        opened = [writer]
        try:
            if self._strike("login", "") is None:
                server = await asyncio.open_connection(LOOPBACK, self._server_port)
                opened.append(server[1])
                await Call(client=(reader, writer), server=server, strike=self._strike).pass_on()
        except (OSError, EOFError):
            pass  # one end has hung up
        finally:
            for each in opened:
                each.close()
            with suppress(OSError):
                await asyncio.gather(*(each.wait_closed() for each in opened))

    def _strike(self, event: str, sql: str) -> Fault | None:
        return self._faults.strike(event, self.database, sql)


class Call:
    """One connection; ends when either end hangs up, or when a fault cuts it."""

    def __init__(
        self,
        client: tuple[StreamReader, StreamWriter],
        server: tuple[StreamReader, StreamWriter],
        strike: Strike,
    ) -> None:
        (self._requests, self._client), (self._answers, self._server) = client, server
        self._strike = strike
        self._is_cut_at_answer = False

    async def pass_on(self) -> None:
        """Pass on both ways; the first that ends, ends the other."""
        ways = {asyncio.create_task(self._pass_requests()), asyncio.create_task(self._pass_answers())}
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _pass_requests(self) -> None:
        await self._pass_greeting()
        while True:
            kind = await self._requests.readexactly(1)
            body = await self._read_body()
            fault = self._struck(kind, body[4:])
            if fault is not None and fault.kind == "drop_before":
                return
            self._is_cut_at_answer |= fault is not None
            self._server.write(kind + body)
            await self._server.drain()

    async def _pass_greeting(self) -> None:
        """The first messages have no kind; the wish for TLS comes before the login."""
        while True:
            greeting = await self._read_body()
            self._server.write(greeting)
            if greeting != SSL_REQUEST:
                return

    async def _read_body(self) -> bytes:
        length = await self._requests.readexactly(4)
        return length + await self._requests.readexactly(int.from_bytes(length) - len(length))

    def _struck(self, kind: bytes, body: bytes) -> Fault | None:
        if kind not in {QUERY, PARSE}:
            return None
        sql = body.split(b"\0")[0 if kind == QUERY else 1].decode()
        word = sql.strip().rstrip(";").casefold()
        return self._strike(word if word in {"commit", "rollback"} else "statement", sql)

    async def _pass_answers(self) -> None:
        while piece := await self._answers.read(PIECE_BYTES):
            if self._is_cut_at_answer:
                return
            self._client.write(piece)
            await self._client.drain()
