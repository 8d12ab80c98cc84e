"""Many rows at once, with one column that varies: COPY on PostgreSQL, array DML elsewhere.

The column is a numpy array of bytes (UTF-8, an empty element where the database has NULL), so that a million
values are one object of 12 MB and not a million objects of 60 bytes each.

Source  PostgreSQL's manual, COPY, "Text Format"
"""

import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
from asyncpg import Connection
from numpy.typing import NDArray
from sqlalchemy import Select, Table, insert, text
from sqlalchemy.ext.asyncio import AsyncConnection

Column = NDArray[np.bytes_]
Places = NDArray[np.uint32]

COPY_ROWS = 4_096  # rows in one piece of COPY text: 400 KB, for the server waits for the first
ARRAY_ROWS = 10_000  # rows in one call of array DML, or of a fetch
NEWLINE, BACKSLASH = ord("\n"), ord("\\")
PAD = b"\0"  # of a shorter value; no text of a database holds it
ESCAPES = {b"\\": b"\\\\", b"\n": b"\\n", b"\r": b"\\r", b"\t": b"\\t"}
PLAIN = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
NO_VALUE = b"\\N"


class Rows(NamedTuple):
    """Rows that differ in one column only.

    Attributes:
        name: of the column that varies.
        constants: the other columns' values, by name.
    """

    name: str
    column: Column
    constants: Mapping[str, Any]


async def insert_rows(connection: AsyncConnection, table: Table, parts: Sequence[Rows]) -> int:
    """Insert within the connection's transaction and return how many rows were sent.

    All parts have the same columns. The rows go in the order of the column that varies, whatever part they
    are of: a key that begins with it then grows at its end, which is half the work of growing everywhere.
    """
    filled = [rows for rows in parts if len(rows.column)]
    if not filled:
        return 0
    column, places = _in_order(filled)
    if (driver := await _postgres(connection)) is not None:
        await driver.copy_to_table(
            table.name,
            schema_name=table.schema,
            columns=[filled[0].name, *filled[0].constants],
            source=_copy_text(column, _tails(filled), places),
        )
    else:
        for batch in _batches(column, filled, places):
            await connection.execute(insert(table), batch)
    return len(column)


async def read_column(connection: AsyncConnection, statement: Select[tuple[str]]) -> Column:
    """Return the statement's only column."""
    if (driver := await _postgres(connection)) is None:
        return await _fetch_column(connection, statement)
    compiled = statement.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
    pieces: list[bytes] = []

    async def keep(piece: bytes) -> None:
        pieces.append(piece)

    await driver.copy_from_query(str(compiled), output=keep, format="text")
    return parse_copy_text(b"".join(pieces))


async def _postgres(connection: AsyncConnection) -> Connection | None:
    """Return asyncpg's own connection, in a transaction; None on other databases."""
    if connection.dialect.driver != "asyncpg":
        return None
    # SQLAlchemy opens the transaction with its own first statement, and knows nothing of the driver's.
    await connection.execute(text("select 1"))
    driver: Connection | None = (await connection.get_raw_connection()).driver_connection
    return driver


async def _fetch_column(connection: AsyncConnection, statement: Select[tuple[str]]) -> Column:
    async with connection.stream_scalars(statement) as values:
        batches = values.partitions(ARRAY_ROWS)
        parts = [np.array([(value or "").encode() for value in batch]) async for batch in batches]
    return np.concatenate([np.array([], dtype="S1"), *parts])


def _in_order(parts: Sequence[Rows]) -> tuple[Column, Places]:
    """Return all values in their order, and for each the place of its part in `parts`."""
    column = np.concatenate([rows.column for rows in parts])
    places = np.repeat(np.arange(len(parts), dtype=np.uint32), [len(rows.column) for rows in parts])
    order = np.argsort(column, kind="stable")  # fast where the parts are in order themselves
    return column[order], places[order]


def _batches(column: Column, parts: Sequence[Rows], places: Places) -> Iterable[list[dict[str, Any]]]:
    for start in range(0, len(column), ARRAY_ROWS):
        chosen = slice(start, start + ARRAY_ROWS)
        rows = zip(column[chosen].tolist(), places[chosen].tolist(), strict=True)
        yield [{parts[place].name: value.decode(), **parts[place].constants} for value, place in rows]


def _tails(parts: Iterable[Rows]) -> Column:
    """Return what follows the varying column in the COPY text of each part."""
    fields = ([_field(value) for value in rows.constants.values()] for rows in parts)
    return np.array([b"".join(b"\t" + field for field in part) + b"\n" for part in fields])


async def _copy_text(column: Column, tails: Column, places: Places) -> AsyncIterator[bytes]:
    for start in range(0, len(column), COPY_ROWS):
        chosen = slice(start, start + COPY_ROWS)
        yield copy_text(column[chosen], tails[places[chosen]])


def _field(value: Any) -> bytes:
    if value is None:
        return NO_VALUE
    # Every field is parsed once for each row, so a midnight goes without its zeros.
    told = value.isoformat(" ").removesuffix(" 00:00:00") if isinstance(value, datetime) else str(value)
    return _escaped(told.encode())


def _escaped(field: bytes) -> bytes:
    for plain, escaped in ESCAPES.items():
        field = field.replace(plain, escaped)
    return field


def copy_text(column: Column, tails: Column) -> bytes:
    r"""Return each value followed by its tail, as one text.

    >>> copy_text(np.array([b"01", b"7"]), np.array([b"\tx\n", b"\n"]))
    b'01\tx\n7\n'
    """
    plain = column.tobytes()
    if any(special in plain for special in ESCAPES):
        column = np.array([_escaped(value) for value in column.tolist()])
    return np.strings.add(column, tails).tobytes().replace(PAD, b"")


def parse_copy_text(text: bytes) -> Column:
    r"""Return the values of COPY's text with one column; NULL is an empty value.

    >>> parse_copy_text(b"01\n\\N\n a\\\\b\n").tolist()
    [b'01', b'', b' a\\b']
    """
    flat = np.frombuffer(text, np.uint8)
    ends = np.flatnonzero(flat == NEWLINE)
    starts = np.concatenate(([0], ends[:-1] + 1)) if len(ends) else ends
    lengths = ends - starts
    width = int(lengths.max(initial=1)) or 1
    values = np.zeros((len(ends), width), np.uint8)
    for place in range(width):  # a column of bytes at a time: no index as large as the text
        long = lengths > place
        values[long, place] = flat[starts[long] + place]
    column = values.view(f"S{width}").reshape(-1)
    for row in np.flatnonzero((values == BACKSLASH).any(axis=1)):
        column[row] = _plain(bytes(column[row]))
    return column


def _plain(field: bytes) -> bytes:
    return b"" if field == NO_VALUE else _ESCAPED.sub(lambda found: PLAIN.get(found[1], found[1]), field)
