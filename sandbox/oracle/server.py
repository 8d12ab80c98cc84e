"""The listener: several databases behind one port, a thread for each connection."""

import asyncio
import logging
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from threading import Lock, Thread
from typing import Any, Self

from sandbox.oracle.answers import End, ended
from sandbox.oracle.database import Database, Log
from sandbox.oracle.errors import OracleError
from sandbox.oracle.faults import Fault
from sandbox.oracle.packets import HungUp, Line
from sandbox.oracle.reception import Reception, Visit
from sandbox.oracle.wire import UnknownMessage, Writer
from sandbox.service import Place
from sandbox.state import LOOPBACK

LOG = logging.getLogger("sandbox.oracle")


class OracleServer:
    """`with OracleServer({"DSSB": Database(…)}) as oracle:` listens on `oracle.port`; `async with` does, too.

    Args:
        databases: by their SID.
        port: 0 takes any free one.

    Attributes:
        log: what the clients had done; `clear()` empties it.
    """

    def __init__(self, databases: Mapping[str, Database], *, port: int = 0) -> None:
        self.databases, self.port = databases, port
        self._reception = Reception(databases)
        self.log: Log = self._reception.log
        self._visits: dict[Thread, Visit] = {}
        self._lock = Lock()
        self._listener: socket.socket | None = None
        self._accepting: Thread | None = None

    def open(self) -> None:
        self._listener = socket.create_server((LOOPBACK, self.port))
        self.port = self._listener.getsockname()[1]
        self._accepting = _thread("oracle listener", self._accept, self._listener)
        self._accepting.start()

    def close(self) -> None:
        """End at once, whatever the clients are doing; what they did not commit is rolled back."""
        listener, self._listener = self._listener, None
        if listener is None or self._accepting is None:
            return
        with suppress(OSError), socket.create_connection((LOOPBACK, self.port)):
            pass  # wakes the listener, which then sees that it is over
        self._accepting.join()
        listener.close()
        self.disconnect()

    def disconnect(self, database: str | None = None) -> None:
        """Cut the lines of a database's clients, or of all, and wait for the end of their sessions."""
        with self._lock:
            visits = dict(self._visits)
        cut = {thread: visit for thread, visit in visits.items() if database in {None, visit.sid}}
        for visit in cut.values():
            visit.line.hang_up()
        for thread in cut:
            thread.join()

    async def start(self) -> None:
        self.open()

    async def stop(self) -> None:
        await asyncio.to_thread(self.close)

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def describe(self) -> Place:
        env = {
            f"{database.variables}_{name}": value
            for sid, database in self.databases.items()
            if database.variables
            for name, value in self._variables(sid, database).items()
        }
        return Place("oracle", f"oracle://{LOOPBACK}:{self.port}", env)

    def fault(self, fault: Fault) -> None:
        """Let what is asked for from now on go wrong."""
        self._reception.faults.add(fault)

    def clear_faults(self) -> None:
        self._reception.faults.clear()

    def _variables(self, sid: str, database: Database) -> dict[str, str]:
        name, user = next(iter(database.users.items()))
        return {
            "HOST": LOOPBACK,
            "PORT": str(self.port),
            "SID": sid,
            "USER": name,
            "PASSWORD": user.password,
        }

    def _accept(self, listener: socket.socket) -> None:
        while True:
            connection, _ = listener.accept()
            if self._listener is None:
                connection.close()
                return
            visit = Visit(Line(connection))
            thread = _thread("oracle session", self._serve, visit)
            with self._lock:
                self._visits[thread] = visit
            thread.start()

    def _serve(self, visit: Visit) -> None:
        try:
            self._reception.receive(visit)
        except HungUp:
            LOG.debug("a client of %s hung up", visit.sid)
        except Exception as error:
            LOG.exception("%s: not understood, so the connection ends", visit.sid or "listener")
            if visit.line.accepted:
                # Another error's text might hold a value.
                _say_farewell(visit.line, str(error if isinstance(error, UnknownMessage) else type(error)))
        finally:
            visit.line.close()
            with self._lock:
                self._visits = {thread: other for thread, other in self._visits.items() if other is not visit}


def _say_farewell(line: Line, reason: str) -> None:
    with suppress(HungUp):
        line.send(ended(Writer(), End(error=OracleError(600, reason))))
        line.part()


def _thread(name: str, target: Callable[..., None], *arguments: Any) -> Thread:
    """Return a thread that does not keep a process alive that forgot to close."""
    return Thread(target=target, args=arguments, name=name, daemon=True)
