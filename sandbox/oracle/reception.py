"""How a client gets in: through the listener to a database, and there to a session of its own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count

from sandbox.oracle import login
from sandbox.oracle.answers import End, ended
from sandbox.oracle.backend import Backend
from sandbox.oracle.database import Database, Entry, Log
from sandbox.oracle.errors import OracleError
from sandbox.oracle.faults import Faults
from sandbox.oracle.mishap import suffering
from sandbox.oracle.packets import Line
from sandbox.oracle.session import Session
from sandbox.oracle.wire import Writer
from sandbox.oracle.work import Work

UNKNOWN_SID, UNKNOWN_SERVICE, WRONG_PASSWORD = 12505, 12514, 1017


@dataclass
class Visit:
    """One connection; `sid` is empty until it is known."""

    line: Line
    sid: str = ""


@dataclass
class Reception:
    """What all connections share: the databases by their SID, the log, the faults."""

    databases: Mapping[str, Database]
    log: Log = field(default_factory=list)
    faults: Faults = field(default_factory=Faults)
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    def receive(self, visit: Visit) -> None:
        """Serve a client from its first packet to its last.

        Raises:
            HungUp: it is gone, or was cut off.
            UnknownMessage: it said what is not understood here.
        """
        visit.sid = self._find(visit.line)
        if not visit.sid:
            return
        visit.line.accept()
        login.agree(visit.line)
        database = self.databases[visit.sid]
        passwords = {name: user.password for name, user in database.users.items()}
        name, welcome = login.authenticate(visit.line, passwords.get, database.service)
        try:
            self._open(visit, name, welcome)
        except OracleError as error:
            self._note_failure(visit.sid, name, error.code)
            visit.line.send(ended(Writer(), End(error=error)))

    def _find(self, line: Line) -> str:
        """Return the SID of the database that is asked for, or refuse the connection."""
        kind, name = login.wanted(line.connect_string())
        for sid, database in self.databases.items():
            if name.casefold() == (sid if kind == "SID" else database.service).casefold():
                return sid
        code = UNKNOWN_SID if kind == "SID" else UNKNOWN_SERVICE
        self._note_failure(name, "", code)
        line.refuse(code)
        return ""

    def _open(self, visit: Visit, name: str, welcome: Writer | None) -> None:
        if welcome is None:
            raise OracleError(WRONG_PASSWORD)
        with suffering(self.faults.strike("login", visit.sid), visit.line):
            database = self.databases[visit.sid]
        user = database.users[name]
        backend = Backend(database.conninfo, user.role, user.role_password, name, visit.line)
        who = Entry(visit.sid, name, next(self._numbers), "login")
        work = Work(backend, who, self.log, self.faults, visit.line)
        try:
            self.log.append(who)
            visit.line.send(welcome)
            Session(visit.line, backend, work).serve()
        finally:
            work.leave()

    def _note_failure(self, database: str, user: str, code: int) -> None:
        self.log.append(Entry(database, user, 0, "login", error=code))
