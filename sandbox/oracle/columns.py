"""What the client fetches: PostgreSQL's result as Oracle describes and encodes it.

A column is described by its type and, where there is one, by its modifier: `numeric(10, 2)`, `timestamp(0)`.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from psycopg.pq.abc import PGresult

from sandbox.oracle import moment, number
from sandbox.oracle.errors import OracleError
from sandbox.oracle.wire import with_length

ROW, NULL = b"\x07", b"\x00"
MODIFIER_OFFSET = 4  # PostgreSQL adds it to lengths and precisions
UNLIMITED = -127  # the scale of a NUMBER without one
LONGEST_CHARS, BYTES_PER_CHAR = 4000, 4

Encode = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Column:
    """As the driver is told; `encode` turns PostgreSQL's text into bytes with their length in front."""

    name: str
    oracle_type: int
    encode: Encode
    buffer_bytes: int
    chars: int = 0
    precision: int = 0
    scale: int = 0


@lru_cache(maxsize=65_536)
def _number(raw: bytes) -> bytes:
    return with_length(number.encode(raw.decode()))


@lru_cache(maxsize=65_536)
def _moment(raw: bytes) -> bytes:
    return with_length(moment.encode(raw.decode()))


def _double(raw: bytes) -> bytes:
    """Turn the bits so that they sort as bytes: see binds.decode_double."""
    plain = struct.pack(">d", float(raw))
    turned = bytes(byte ^ 0xFF for byte in plain) if plain[0] & 0x80 else bytes((plain[0] | 0x80, *plain[1:]))
    return with_length(turned)


def _bytes(raw: bytes) -> bytes:
    return with_length(bytes.fromhex(raw[2:].decode()))


def _as_varchar2(name: str, modifier: int) -> Column:
    chars = modifier - MODIFIER_OFFSET if modifier > 0 else LONGEST_CHARS
    return Column(name, 1, with_length, chars * BYTES_PER_CHAR, chars)


def _as_char(name: str, modifier: int) -> Column:
    chars = modifier - MODIFIER_OFFSET if modifier > 0 else 1
    return Column(name, 96, with_length, chars * BYTES_PER_CHAR, chars)


def _as_number(name: str, modifier: int) -> Column:
    if modifier < 0:
        return Column(name, 2, _number, 22, scale=UNLIMITED)
    precision, scale = divmod(modifier - MODIFIER_OFFSET, 1 << 16)
    return Column(name, 2, _number, 22, precision=precision, scale=scale)


def _as_integer(name: str, _: int) -> Column:
    return Column(name, 2, _number, 22, precision=38)


def _as_double(name: str, _: int) -> Column:
    return Column(name, 101, _double, 8)


def _as_date(name: str, _: int) -> Column:
    return Column(name, 12, _moment, 7)


def _as_timestamp(name: str, modifier: int) -> Column:
    return Column(name, 180, _moment, 11, scale=6) if modifier else _as_date(name, modifier)


def _as_raw(name: str, _: int) -> Column:
    return Column(name, 23, _bytes, LONGEST_CHARS)


BY_TYPE: dict[int, Callable[[str, int], Column]] = {
    17: _as_raw,  # bytea
    19: _as_varchar2,  # name
    20: _as_integer,  # bigint
    21: _as_integer,  # smallint
    23: _as_integer,  # integer
    25: _as_varchar2,  # text
    700: _as_double,  # real
    701: _as_double,  # double precision
    1042: _as_char,
    1043: _as_varchar2,
    1082: _as_date,
    1114: _as_timestamp,
    1700: _as_number,  # numeric
}


def describe(result: PGresult) -> list[Column]:
    """Return the result's columns.

    Raises:
        OracleError: ORA-03115, a type that Oracle 19 has not got, such as boolean.
    """
    return [_describe(result, at) for at in range(result.nfields)]


def _describe(result: PGresult, at: int) -> Column:
    kind = BY_TYPE.get(result.ftype(at))
    if kind is None:
        raise OracleError(3115)
    name = (result.fname(at) or b"").decode().swapcase()
    return kind(name, result.fmod(at))


class Rows:
    """A query's rows, fetched bit by bit."""

    def __init__(self, result: PGresult) -> None:
        self.columns = describe(result)
        self.total, self.fetched = result.ntuples, 0
        self._result = result

    @property
    def complete(self) -> bool:
        return self.fetched == self.total

    def take(self, count: int) -> bytes:
        """Encode the next rows, at most `count`."""
        end = min(self.fetched + count, self.total)
        encoders = [(at, column.encode) for at, column in enumerate(self.columns)]
        get, data = self._result.get_value, bytearray()
        for row in range(self.fetched, end):
            data += ROW
            for at, encode in encoders:
                value = get(row, at)
                data += encode(value) if value else NULL
        self.fetched = end
        return bytes(data)
