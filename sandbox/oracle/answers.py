"""What the server answers.

Source  python-oracledb 26.1, impl/thin/messages/base.pyx: `_process_error_info`, `_process_metadata`
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sandbox.oracle.columns import Column, Rows
from sandbox.oracle.errors import OracleError
from sandbox.oracle.wire import Writer

ERROR, ROW_HEADER, PARAMETERS, STATUS, DESCRIBE = 4, 6, 8, 9, 16
IN_TRANSACTION = 2
UB2_LARGEST = 0xFFFF
AL32UTF8, IMPLICIT_FORM = 873, 1
CHARACTERS = frozenset({1, 96})


@dataclass(frozen=True)
class End:
    """How a call ended. `rows` are those affected, or fetched so far; `batch` errors come with their row's place."""

    in_transaction: bool = False
    rows: int = 0
    cursor: int = 0
    error: OracleError | None = None
    batch: Sequence[tuple[int, OracleError]] = ()


def parameters(values: Mapping[str, str], flags: Mapping[str, int] | None = None) -> Writer:
    """Answer a phase of the login."""
    writer = Writer().byte(PARAMETERS).number(len(values))
    for name, value in values.items():
        writer.counted_text(name).counted_text(value).number((flags or {}).get(name, 0))
    return status(writer, in_transaction=False)


def status(writer: Writer, *, in_transaction: bool) -> Writer:
    return writer.byte(STATUS).number(IN_TRANSACTION if in_transaction else 0, 0)


def described(writer: Writer, columns: Sequence[Column]) -> None:
    writer.byte(DESCRIBE).field(b"\0").number(0, len(columns)).byte(0)
    for at, column in enumerate(columns, start=1):
        _describe(writer, column, at)
    writer.number(0, 0, 0, 0, 0, 0)


def fetched(writer: Writer, rows: Rows, count: int) -> None:
    writer.byte(ROW_HEADER, 0).number(0, 0, 0, 0, 0, 0).raw(rows.take(count))


def ended(writer: Writer, end: End) -> Writer:
    """Close an answer; an error is told by the number that the driver looks at, its text and nothing else."""
    code = end.error.code if end.error else 0
    writer.byte(ERROR).number(IN_TRANSACTION if end.in_transaction else 0, 0, 0)
    writer.number(min(code, UB2_LARGEST), 0, 0, end.cursor, 0).byte(0, 0, 0, 0, 0, 0)
    writer.number(0, 0).byte(0).number(0, 0)  # ROWID
    writer.number(0).byte(0, 0).number(0, end.rows, 0)
    _batch(writer, end.batch)
    writer.number(code, end.rows)
    if end.error:
        writer.field(f"{end.error}\n".encode())
    return writer


def _batch(writer: Writer, batch: Sequence[tuple[int, OracleError]]) -> None:
    """Three lists: codes, places, texts."""
    if not batch:
        writer.number(0, 0, 0)
        return
    writer.number(len(batch)).byte(0).number(*(error.code for _, error in batch))
    writer.number(len(batch)).byte(0).number(*(at for at, _ in batch))
    writer.number(len(batch)).byte(0)
    for _, error in batch:
        text = f"{error}\n".encode()
        writer.number(len(text)).field(text).raw(bytes(2))


def _describe(writer: Writer, column: Column, at: int) -> None:
    is_text = column.oracle_type in CHARACTERS
    writer.byte(column.oracle_type, 0, column.precision, column.scale & 0xFF)
    writer.number(column.buffer_bytes, 0, 0, 0, 0, AL32UTF8 if is_text else 0)
    writer.byte(IMPLICIT_FORM if is_text else 0).number(column.chars)
    writer.byte(1, min(len(column.name), 0xFF)).counted_text(column.name)
    writer.number(0, 0, at, 0)  # schema and name of an object type, position, flags
