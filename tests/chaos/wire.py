"""Taps: ports that pass a protocol on unchanged, see where each statement begins and ends, and can strike there.

So a client is stopped at an exact statement without knowing of it: the wire is the only thing that is touched.
"""

import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from enum import StrEnum
from select import select
from threading import Event, Lock, Thread
from typing import NamedTuple, Protocol

LOOPBACK = "127.0.0.1"
PIECE = 1 << 16


class Side(StrEnum):
    """Of a statement."""

    BEFORE = "before"  # it arrived and is not passed on
    LOST = "answer lost"  # it was done, and its answer is not passed on


class Point(NamedTuple):
    """Where a run can be struck: the n-th time that this is asked of that place."""

    place: str
    statement: str
    nth: int
    side: Side

    def __str__(self) -> str:
        nth = f" ({self.nth})" if self.nth > 1 else ""
        return f"{self.place}: {self.statement[:60]}{nth}, {self.side}"


class Request(NamedTuple):
    """What a client sends in one go, and what it asks for with it; empty where that is of no concern."""

    data: bytes
    statement: str = ""
    is_answered: bool = True


class Speech(Protocol):
    """One connection's protocol."""

    place: str
    """Who is spoken to; known before the first statement."""

    def asked(self, data: bytes) -> Iterator[Request]:
        """Cut what the client sends into requests; an unfinished one is kept."""

    def answered(self, data: bytes) -> bool:
        """Tell whether the last request's answer is complete."""


class Trap:
    """Sees every statement of a run on all taps, and strikes at one point.

    Attributes:
        points: those of the run so far, in order; each statement has one or two.
        struck: set when the point is reached.
        where: which point that is.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self.set()

    def set(self, wanted: Point | int | None = None, strike: Callable[[], bool] = lambda: True) -> None:
        """Begin a new run.

        Args:
            wanted: the point, or its place in `points`.
            strike: what happens there; returns whether the line lives on.
        """
        with self._lock:
            self.points: list[Point] = []
            self.where: Point | None = None
            self.struck = Event()
            self._counts: Counter[tuple[str, str]] = Counter()
            self._wanted, self._strike = wanted, strike

    def asked(self, place: str, request: Request) -> Side | None:
        """Note a statement; return on which side of it to strike, if at all."""
        with self._lock:
            self._counts[place, request.statement] += 1
            nth = self._counts[place, request.statement]
            found = None
            for side in Side if request.is_answered else (Side.BEFORE,):
                point = Point(place, request.statement, nth, side)
                if self._wanted in (point, len(self.points)):
                    found, self.where = side, point
                self.points.append(point)
            return found

    def strike(self) -> bool:
        self.struck.set()
        return self._strike()


class Tap:
    """Listens on `port` and hands whoever comes over to the one on `server_port`."""

    def __init__(self, server_port: int, speech: Callable[[], Speech], trap: Trap) -> None:
        self._server_port, self._speech, self._trap = server_port, speech, trap
        self._lines: list[Line] = []
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port: int = self._listener.getsockname()[1]
        Thread(target=self._accept, daemon=True).start()

    def is_quiet(self) -> bool:
        """Tell whether nobody is connected."""
        self._lines = [line for line in self._lines if line.is_alive()]
        return not self._lines

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                line = Line(client, self._server_port, self._speech(), self._trap)
                self._lines.append(line)
                line.start()


class Line(Thread):
    """One connection, passed on in both directions until one side ends it."""

    def __init__(self, client: socket.socket, server_port: int, speech: Speech, trap: Trap) -> None:
        super().__init__(daemon=True)
        self._client, self._server_port, self._speech, self._trap = client, server_port, speech, trap
        self._is_to_be_lost = False

    def run(self) -> None:
        address = (LOOPBACK, self._server_port)
        with suppress(OSError), self._client as client, socket.create_connection(address) as server:
            ways = {client: (server, self._pass_on), server: (client, self._pass_back)}
            for each in ways:
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while True:
                for source in select(list(ways), [], [])[0]:
                    target, pass_over = ways[source]
                    data = source.recv(PIECE)
                    if not data or not pass_over(data, target):
                        return

    def _pass_on(self, data: bytes, server: socket.socket) -> bool:
        """Hand requests over; return whether the line lives on."""
        for request in self._speech.asked(data):
            side = self._trap.asked(self._speech.place, request) if request.statement else None
            if side is Side.BEFORE and not self._trap.strike():
                return False
            self._is_to_be_lost |= side is Side.LOST
            server.sendall(request.data)
        return True

    def _pass_back(self, data: bytes, client: socket.socket) -> bool:
        """Hand answers over, save the one that is to be lost; return whether the line lives on."""
        is_complete = self._speech.answered(data)
        if not self._is_to_be_lost:
            client.sendall(data)
            return True
        return not is_complete or self._trap.strike()
