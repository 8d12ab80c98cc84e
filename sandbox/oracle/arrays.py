"""Array DML: one statement with many rows of values, of which some may fail."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg

Row = Sequence[Any]


@dataclass
class Changes:
    """`rows` are those affected; errors come with the place of the values that failed."""

    rows: int = 0
    errors: list[tuple[int, psycopg.Error]] = field(default_factory=list)


def in_pieces(
    rows: Sequence[Row], run: Callable[[Sequence[Row]], int], *, keep_going: bool = False
) -> Changes:
    """Run all at once, and on a failure in halves until its row is found: what stands before it stays done.

    >>> def run(piece):
    ...     if [3] in piece:
    ...         raise psycopg.errors.UniqueViolation("3")
    ...     return len(piece)
    >>> in_pieces([[1], [2], [3], [4]], run).rows, in_pieces([[1], [2], [3], [4]], run, keep_going=True).rows
    (2, 3)

    Args:
        rows: one list of values for each execution.
        run: does a piece or nothing of it, and returns how many rows were affected.
        keep_going: go on behind a row that failed (batch errors).
    """
    changes, at, size = Changes(), 0, len(rows)
    while at < len(rows):
        piece = rows[at : at + size]
        try:
            changes.rows += run(piece)
        except psycopg.Error as error:
            if _is_no_rows_fault(error):
                raise
            size = len(piece) // 2
            if size:
                continue
            changes.errors.append((at, error))
            if not keep_going:
                break
        at += len(piece)
        size = max(2 * size, 1)
    return changes


def _is_no_rows_fault(error: psycopg.Error) -> bool:
    """Whether the connection is lost, or the statement was cancelled."""
    return error.sqlstate is None or error.sqlstate.startswith(("08", "57"))
