"""One client's session: its requests, one by one, until one of the two has enough."""

from sandbox.oracle.answers import End, described, ended, fetched, status
from sandbox.oracle.backend import Backend
from sandbox.oracle.cursors import Cursors
from sandbox.oracle.errors import OracleError
from sandbox.oracle.packets import Interrupted, Line
from sandbox.oracle.requests import Call, CloseCursors, Execute, Fetch, Request, SetSchema, read_request
from sandbox.oracle.wire import Writer
from sandbox.oracle.work import BATCH_ERRORS, Outcome, Work

NO_DATA_FOUND, CANCELLED = 1403, 1013
LOGOFF = Call("logoff")


class Session:
    """Serves a client that is logged in."""

    def __init__(self, line: Line, backend: Backend, work: Work) -> None:
        self._line, self._backend, self._work = line, backend, work
        self._cursors = Cursors()

    def serve(self) -> None:
        """Answer until the client logs off.

        Raises:
            HungUp: the client is gone, or we go.
            UnknownMessage: the client said what is not understood here.
        """
        request: Request | None = None
        while request != LOGOFF and not self._backend.lost:
            try:
                request = read_request(self._line.reader, self._cursors)
                answer = self._answer(request)
                if answer:
                    self._line.attend()
            except Interrupted:
                answer = self._failure(OracleError(CANCELLED))
            if answer:
                self._line.send(answer)

    def _answer(self, request: Request) -> Writer | None:
        """Do what is asked; a piggyback gets no answer."""
        try:
            match request:
                case Execute():
                    return self._execute(request)
                case Fetch(number, count):
                    return self._fetch(number, count)
                case Call(name):
                    return self._call(name)
                case CloseCursors(numbers):
                    for number in numbers:
                        self._cursors.pop(number, None)
                case SetSchema(name):
                    self._backend.set_schema(name)
        except OracleError as error:
            return self._failure(error)
        return None

    def _call(self, name: str) -> Writer:
        if name in {"commit", "rollback"}:
            self._work.end(name)
        elif name == "logoff":
            self._work.leave()
        return status(Writer(), in_transaction=self._backend.in_transaction)

    def _execute(self, request: Execute) -> Writer:
        number = request.cursor or self._cursors.open(request.sql)
        outcome = self._work.execute(request)
        if outcome.error and not request.cursor:
            del self._cursors[number]
            return self._failure(outcome.error, rows=outcome.affected)
        cursor = self._cursors[number]
        cursor.binds, cursor.rows = request.binds, outcome.rows
        if outcome.rows:
            return self._rows(number, request.fetch, describe=True)
        return self._done(number, outcome)

    def _done(self, number: int, outcome: Outcome) -> Writer:
        error = OracleError(BATCH_ERRORS) if outcome.batch else outcome.error
        end = End(self._backend.in_transaction, outcome.affected, number, error, outcome.batch)
        return ended(Writer(), end)

    def _fetch(self, number: int, count: int) -> Writer:
        if number not in self._cursors or self._cursors[number].rows is None:
            raise OracleError(1001)
        return self._rows(number, count, describe=False)

    def _rows(self, number: int, count: int, *, describe: bool) -> Writer:
        rows, writer = self._cursors[number].rows, Writer()
        assert rows is not None
        if describe:
            described(writer, rows.columns)
        if count:
            fetched(writer, rows, count)
        error = OracleError(NO_DATA_FOUND) if count and rows.complete else None
        return ended(writer, End(self._backend.in_transaction, rows.fetched, number, error))

    def _failure(self, error: OracleError, rows: int = 0) -> Writer:
        return ended(Writer(), End(self._backend.in_transaction, rows, error=error))
