"""What the client may ask for once it is logged in.

Source  python-oracledb 26.1, impl/thin/messages/{base,execute,fetch}.pyx
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.oracle.binds import Bind, read_binds, read_rows
from sandbox.oracle.cursors import Cursor
from sandbox.oracle.wire import Reader, UnknownMessage

FUNCTION, PIGGYBACK = 3, 17
BINDS, DEFINE, RUN, FETCH, COMMIT, BATCH_ERRORS = 0x8, 0x10, 0x20, 0x40, 0x100, 0x80000
SCROLLABLE, ROW_COUNTS = 0x02, 0x4000
COMMIT_AGAIN = 0x1
TIMES, IS_QUERY, FLAGS = 1, 7, 9  # places in a list of 13
RETURNED = re.compile(r"\breturning\b.*?\binto\b(.*)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Execute:
    """`cursor` is 0 for a new statement, `fetch` the number of rows to send along, `refused` what is not done."""

    cursor: int
    sql: str
    binds: list[Bind]
    rows: list[list[Any]]
    fetch: int = 0
    commit: bool = False
    batch_errors: bool = False
    refused: str = ""


@dataclass(frozen=True)
class Fetch:
    cursor: int
    count: int


@dataclass(frozen=True)
class CloseCursors:
    numbers: list[int]


@dataclass(frozen=True)
class SetSchema:
    name: str


@dataclass(frozen=True)
class Call:
    """`name` is commit, rollback, ping or logoff."""

    name: str


@dataclass(frozen=True)
class Remark:
    """What a client tells about itself: module, action and the like."""


Request = Execute | Fetch | CloseCursors | SetSchema | Call | Remark


def read_request(reader: Reader, cursors: Mapping[int, Cursor]) -> Request:
    """Read the next request; those of a piggyback (close cursors, schema, remark) want no answer.

    Raises:
        UnknownMessage: anything that is not above.
    """
    kind, function, _ = reader.take(3)
    readers: dict[tuple[int, int], Callable[[], Request]] = {
        (FUNCTION, 94): lambda: _execute(reader, cursors),
        (FUNCTION, 4): lambda: _execute_again(reader, cursors, fetch=False),
        (FUNCTION, 78): lambda: _execute_again(reader, cursors, fetch=True),
        (FUNCTION, 5): lambda: Fetch(*reader.numbers(2)),
        (FUNCTION, 14): lambda: Call("commit"),
        (FUNCTION, 15): lambda: Call("rollback"),
        (FUNCTION, 147): lambda: Call("ping"),
        (FUNCTION, 9): lambda: Call("logoff"),
        (PIGGYBACK, 105): lambda: _close_cursors(reader),
        (PIGGYBACK, 135): lambda: _remark(reader),
        (PIGGYBACK, 152): lambda: _set_schema(reader),
    }
    if (kind, function) not in readers:
        raise UnknownMessage(f"message {kind}, function {function}")
    return readers[kind, function]()


def _execute(reader: Reader, cursors: Mapping[int, Cursor]) -> Execute:
    options, number = reader.numbers(2)
    has_sql = reader.byte()
    fetch, bind_count = _execute_header(reader)
    sql = reader.text() if has_sql else _known(cursors, number).sql
    numbers = reader.numbers(13)
    if options & DEFINE:
        raise UnknownMessage("a define")
    binds = read_binds(reader, bind_count) if options & BINDS else []
    binds = binds[: len(binds) - _returned(sql)]
    rows = read_rows(reader, binds, 1 if numbers[IS_QUERY] else numbers[TIMES])
    return Execute(
        number, sql, binds, rows, fetch=fetch if options & FETCH else 0,
        commit=bool(options & COMMIT), batch_errors=bool(options & BATCH_ERRORS),
        refused=_refused(options, numbers[FLAGS], sql),
    )  # fmt: skip


def _execute_header(reader: Reader) -> tuple[int, int]:
    """Return how many rows are wanted at once, and how many binds there are."""
    reader.number()  # length of the statement
    reader.byte()
    reader.number()  # length of the list of numbers
    reader.take(2)
    reader.number()
    fetch = reader.number()
    reader.number()  # longest LONG
    reader.byte()
    bind_count = reader.number()
    reader.take(6)
    reader.numbers(2)  # defines, registration
    reader.take(3)
    reader.number()
    reader.byte()
    reader.numbers(2)
    reader.byte()
    reader.number()
    reader.byte()
    return fetch, bind_count


def _execute_again(reader: Reader, cursors: Mapping[int, Cursor], *, fetch: bool) -> Execute:
    number, count, _, options = reader.numbers(4)
    known = _known(cursors, number)
    rows = read_rows(reader, known.binds, 1 if fetch else count)
    return Execute(
        number, known.sql, known.binds, rows,
        fetch=count if fetch else 0, commit=bool(options & COMMIT_AGAIN and not fetch),
        refused=_refused(RUN, 0, known.sql),
    )  # fmt: skip


def _close_cursors(reader: Reader) -> CloseCursors:
    reader.byte()
    return CloseCursors(reader.numbers(reader.number()))


def _set_schema(reader: Reader) -> SetSchema:
    reader.byte()
    return SetSchema(reader.counted_text())


def _remark(reader: Reader) -> Remark:
    """Skip up to five texts, whose lengths come first."""
    reader.take(2)
    reader.number()
    lengths = [_announced(reader) for _ in range(3)]
    reader.byte()
    reader.number()
    reader.byte()
    reader.number()
    lengths.append(_announced(reader))
    for _ in range(2):
        reader.byte()
        reader.number()
    lengths.append(_announced(reader))
    for _ in filter(None, lengths):
        reader.field()
    return Remark()


def _announced(reader: Reader) -> int:
    reader.byte()
    return reader.number()


def _known(cursors: Mapping[int, Cursor], number: int) -> Cursor:
    if number not in cursors:
        raise UnknownMessage(f"cursor {number}, which is not open")
    return cursors[number]


def _returned(sql: str) -> int:
    """Count the binds that a RETURNING clause fills; the client sends no value for them."""
    clause = RETURNED.search(sql)
    return clause[1].count(":") if clause else 0


def _refused(options: int, flags: int, sql: str) -> str:
    reasons = {
        "parse without execution": not options & RUN,
        "scrollable cursors": flags & SCROLLABLE,
        "array DML row counts": flags & ROW_COUNTS,
        "RETURNING INTO": _returned(sql),
    }
    return next((reason for reason, applies in reasons.items() if applies), "")
