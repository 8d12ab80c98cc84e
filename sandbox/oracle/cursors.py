"""What a session keeps of a statement between two calls: its text, its binds, the rows not fetched yet."""

from dataclasses import dataclass, field

from sandbox.oracle.binds import Bind
from sandbox.oracle.columns import Rows
from sandbox.oracle.errors import OracleError

MOST = 300  # OPEN_CURSORS


@dataclass
class Cursor:
    """`binds` without those that a RETURNING clause fills."""

    sql: str
    binds: list[Bind] = field(default_factory=list)
    rows: Rows | None = None


class Cursors(dict[int, Cursor]):
    """By the number that client and server call them by."""

    def open(self, sql: str) -> int:
        """Return the new one's number.

        Raises:
            OracleError: ORA-01000, somebody forgets to close his.
        """
        if len(self) >= MOST:
            raise OracleError(1000)
        number = next(number for number in range(1, MOST + 1) if number not in self)
        self[number] = Cursor(sql)
        return number
