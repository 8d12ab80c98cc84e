"""One PostgreSQL session behind one Oracle session: transactions, and errors told in Oracle's words.

Oracle opens a transaction with the first change and not with a query; so does this, or a client that only looks
would hold locks that it does not know of.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg
from psycopg import RawCursor, sql
from psycopg.conninfo import make_conninfo
from psycopg.pq import TransactionStatus
from psycopg.pq.abc import PGresult

from sandbox.oracle.arrays import Changes, Row, in_pieces
from sandbox.oracle.errors import OracleError
from sandbox.oracle.explain import explain
from sandbox.oracle.interruptible import Interruptible
from sandbox.oracle.packets import Line
from sandbox.oracle.rights import may_know_of
from sandbox.oracle.translate import Copy, Statement

SETTINGS = "-c datestyle=ISO -c timezone=UTC -c bytea_output=hex -c client_encoding=UTF8"
OPEN = frozenset({TransactionStatus.INTRANS, TransactionStatus.INERROR})
MARK = "oracle_statement"
UNDO, KEEP = f"ROLLBACK TO SAVEPOINT {MARK}; RELEASE SAVEPOINT {MARK}", f"RELEASE SAVEPOINT {MARK}"


class Backend:
    """Opened as the PostgreSQL role of the Oracle user; its unqualified names are those of `schema`.

    Args:
        conninfo: PostgreSQL's, without user and password.
        client: who is served; a statement ends when it interrupts or hangs up.

    Raises:
        OracleError: ORA-01034, PostgreSQL cannot be reached, or does not let the role in.
    """

    def __init__(self, conninfo: str, user: str, password: str, schema: str, client: Line) -> None:
        address = make_conninfo(conninfo, user=user, password=password, options=SETTINGS)
        try:
            self._connection = Interruptible.connect(address, autocommit=True, cursor_factory=RawCursor)
        except psycopg.OperationalError as error:
            raise OracleError(1034) from error
        self._client = client
        self.set_schema(schema)

    @property
    def in_transaction(self) -> bool:
        return self._connection.info.transaction_status in OPEN

    @property
    def lost(self) -> bool:
        return self._connection.closed

    def set_schema(self, name: str) -> None:
        path = sql.SQL("SET search_path TO {}, oracle, pg_catalog").format(sql.Identifier(name.lower()))
        self._connection.execute(path)

    def query(self, statement: Statement, values: Row) -> PGresult:
        with self._explained(statement):
            if statement.locks or self.in_transaction:
                with self._undone_if_it_fails():
                    return self._run(statement.sql, values)
            return self._run(statement.sql, values)

    def change(self, statement: Statement, rows: Sequence[Row], *, keep_going: bool) -> Changes:
        """Run a change once for each row; see `in_pieces` for those that fail."""

        def run(piece: Sequence[Row]) -> int:
            with self._undone_if_it_fails():
                if statement.copy:
                    return self._load(statement.copy, piece)
                return self._run_all(statement.sql, piece)

        with self._explained(statement):
            return in_pieces(rows, run, keep_going=keep_going)

    def define(self, statement: Statement) -> None:
        """Run DDL, which commits before and after."""
        self.end("commit")
        with self._explained(statement):
            self._run(statement.sql)

    def control(self, statement: Statement) -> None:
        """Run a statement about the transaction, a lock or the session."""
        with self._explained(statement):
            if statement.kind == "lock":
                with self._undone_if_it_fails():
                    self._run(statement.sql)
            elif statement.kind == "rollback to":
                self._roll_back_to(statement.sql)
            elif statement.kind == "session":
                self._run(statement.sql)
            else:
                self._first_of_transaction(statement)

    def end(self, how: str) -> None:
        """End the transaction, if there is one: commit or rollback."""
        statement = Statement(how, how.upper())
        with self._explained(statement):
            if self.in_transaction:
                self._run(statement.sql)

    def close(self) -> None:
        """Roll back what is open and leave."""
        self._connection.close()

    def error(self, error: psycopg.Error, statement: Statement) -> OracleError:
        """Explain an error; who may do nothing at all with a table does not learn that there is one."""
        if error.sqlstate != "42501" or statement.kind == "ddl":
            return explain(error, statement.verb)
        return OracleError(1031 if may_know_of(self._connection, statement.tables) else 942)

    def _first_of_transaction(self, statement: Statement) -> None:
        if not self.in_transaction:
            self._run("BEGIN")
        elif statement.kind == "set":
            raise OracleError(1453)
        self._run(statement.sql)

    def _roll_back_to(self, statement: str) -> None:
        if not self.in_transaction:
            raise OracleError(1086, statement.rpartition(" ")[2])
        self._run(f"SAVEPOINT {MARK}")  # goes with all that came after the savepoint
        try:
            self._run(statement)
        except psycopg.Error:
            self._run(UNDO)
            raise

    @contextmanager
    def _undone_if_it_fails(self) -> Iterator[None]:
        """Begin a transaction if there is none; a statement that fails leaves it as it found it."""
        first = not self.in_transaction
        self._run(f"BEGIN; SAVEPOINT {MARK}" if first else f"SAVEPOINT {MARK}")
        try:
            yield
        except BaseException:
            if not self.lost:
                self._run("ROLLBACK" if first else UNDO)
            raise
        self._run(KEEP)

    @contextmanager
    def _explained(self, statement: Statement) -> Iterator[None]:
        self._connection.client = self._client
        try:
            yield
        except psycopg.Error as error:
            raise self.error(error, statement) from error
        finally:
            self._connection.client = None

    def _run(self, statement: str, values: Row = ()) -> PGresult:
        cursor = self._connection.execute(statement, values or None)
        result = cursor.pgresult
        assert result is not None
        return result

    def _run_all(self, statement: str, rows: Sequence[Row]) -> int:
        with self._connection.cursor() as cursor:
            if len(rows) == 1:
                cursor.execute(statement, rows[0] or None)
            else:
                cursor.executemany(statement, rows)
            return cursor.rowcount

    def _load(self, copy: Copy, rows: Sequence[Row]) -> int:
        with self._connection.cursor() as cursor:
            with cursor.copy(copy.sql) as stream:
                for row in rows:
                    stream.write_row([row[at] for at in copy.order])
            return cursor.rowcount
