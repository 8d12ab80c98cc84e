"""What a session has done for it: on its backend, in the log, and with what goes wrong on purpose."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sandbox.oracle import moment
from sandbox.oracle.arrays import Row
from sandbox.oracle.backend import Backend
from sandbox.oracle.columns import Rows
from sandbox.oracle.database import Entry, Log
from sandbox.oracle.errors import OracleError
from sandbox.oracle.faults import Fault, Faults
from sandbox.oracle.mishap import suffering
from sandbox.oracle.packets import Line
from sandbox.oracle.requests import Execute
from sandbox.oracle.translate import Statement, translate

BATCH_ERRORS = 24381


@dataclass(frozen=True)
class Outcome:
    """A query has `rows`, a change the number that it `affected`; `batch` errors come with their row's place.

    An error leaves done what array DML did before it.
    """

    rows: Rows | None = None
    affected: int = 0
    error: OracleError | None = None
    batch: Sequence[tuple[int, OracleError]] = ()


class Work:
    """Does one thing after the other.

    Args:
        who: an entry for the log that lacks what was done.
        line: the client's; a delay ends when it says something.
    """

    def __init__(self, backend: Backend, who: Entry, log: Log, faults: Faults, line: Line) -> None:
        self._backend, self._line = backend, line
        self._who, self._log, self._faults = who, log, faults
        self._left = False

    def execute(self, request: Execute) -> Outcome:
        bound = len(request.rows) if request.binds else 0
        entry = replace(self._who, kind="refused", sql=request.sql, bound=bound)
        try:
            statement = _translated(request)
            entry = replace(entry, kind=statement.kind)
            with suffering(self._strike("statement", request.sql), self._line):
                outcome = self._run(statement, request)
                self._note(entry, outcome)
        except OracleError as error:
            outcome = Outcome(error=error)
            self._note(entry, outcome)
        if request.commit and self._backend.in_transaction and not outcome.error and not outcome.batch:
            self.end("commit")
        return outcome

    def end(self, how: str) -> None:
        """End the transaction, also if there is none: commit or rollback."""
        entry = replace(self._who, kind=how)
        try:
            with suffering(self._strike(how), self._line):
                self._backend.end(how)
                self._log.append(entry)
        except OracleError as error:
            self._log.append(replace(entry, error=error.code))
            raise

    def leave(self) -> None:
        """Go, with or without a farewell; what was not committed is rolled back."""
        if self._left:
            return
        self._left = True
        if self._backend.in_transaction:
            self._log.append(replace(self._who, kind="rollback"))
        self._log.append(replace(self._who, kind="logoff"))
        self._backend.close()

    def _run(self, statement: Statement, request: Execute) -> Outcome:
        rows = _values(statement, request)
        if statement.kind == "select":
            return Outcome(rows=Rows(self._backend.query(statement, rows[0])))
        if statement.kind == "dml":
            return self._change(statement, rows, keep_going=request.batch_errors)
        if statement.kind == "ddl":
            self._backend.define(statement)
        elif statement.kind in {"commit", "rollback"}:
            self.end(statement.kind)
        else:
            self._backend.control(statement)
        return Outcome()

    def _change(self, statement: Statement, rows: Sequence[Row], *, keep_going: bool) -> Outcome:
        changes = self._backend.change(statement, rows, keep_going=keep_going)
        errors = [(at, self._backend.error(error, statement)) for at, error in changes.errors]
        if keep_going:
            return Outcome(affected=changes.rows, batch=errors)
        return Outcome(affected=changes.rows, error=errors[0][1] if errors else None)

    def _strike(self, event: str, text: str = "") -> Fault | None:
        return self._faults.strike(event, self._who.database, text)

    def _note(self, entry: Entry, outcome: Outcome) -> None:
        if entry.kind in {"commit", "rollback"} and not outcome.error:
            return  # `end` did
        rows = outcome.rows.total if outcome.rows else outcome.affected
        code = outcome.error.code if outcome.error else BATCH_ERRORS if outcome.batch else 0
        self._log.append(replace(entry, rows=rows, error=code))


def _translated(request: Execute) -> Statement:
    if request.refused:
        raise OracleError(3001, request.refused)
    moments = frozenset(at for at, bind in enumerate(request.binds) if bind.decode is moment.decode)
    statement = translate(request.sql, moments)
    if len(statement.binds) != len(request.binds):
        raise OracleError(1008)
    return statement


def _values(statement: Statement, request: Execute) -> Sequence[Row]:
    """Return for each execution the values of $1, $2, …: those of a name in several places only once."""
    if len(set(statement.binds)) == len(statement.binds):
        return request.rows
    firsts = [statement.binds.index(number) for number in sorted(set(statement.binds))]
    for row in request.rows:
        if any(row[place] != row[firsts[number - 1]] for place, number in enumerate(statement.binds)):
            raise OracleError(3001, "one name bound to two values")
    return [[row[first] for first in firsts] for row in request.rows]
