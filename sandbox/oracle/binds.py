"""What the client binds: how a value is announced, and how it is read."""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.oracle import moment, number
from sandbox.oracle.wire import Reader, UnknownMessage

ROW = 7
ARRAY = 0x40
NATIONAL = 2
LONGEST_BYTES = 4000  # MAX_STRING_SIZE=STANDARD: longer ones are sent after all the others of their row


@dataclass(frozen=True)
class Bind:
    """`size_bytes` is the largest that the client may send, not the size of one value."""

    size_bytes: int
    decode: Callable[[bytes], Any]


def decode_double(raw: bytes) -> float:
    """Return a BINARY_DOUBLE or BINARY_FLOAT, whose bits are turned so that they sort as bytes.

    >>> decode_double(bytes.fromhex("bff8000000000000")), decode_double(bytes.fromhex("4007ffffffffffff"))
    (1.5, -1.5)
    """
    positive = raw[0] & 0x80
    plain = bytes((raw[0] & 0x7F, *raw[1:])) if positive else bytes(byte ^ 0xFF for byte in raw)
    value: float = struct.unpack(">d" if len(plain) == struct.calcsize("d") else ">f", plain)[0]
    return value


def _text(raw: bytes) -> str:
    return raw.decode()


DECODERS: dict[int, Callable[[bytes], Any]] = {
    1: _text,  # VARCHAR2
    2: number.decode,  # NUMBER
    3: number.decode,  # BINARY_INTEGER, which is how the driver sends a bool
    8: _text,  # LONG
    12: moment.decode,  # DATE
    23: bytes,  # RAW
    24: bytes,  # LONG RAW
    96: _text,  # CHAR
    100: decode_double,  # BINARY_FLOAT
    101: decode_double,  # BINARY_DOUBLE
    180: moment.decode,  # TIMESTAMP
}


def read_binds(reader: Reader, count: int) -> list[Bind]:
    """Read what is announced.

    Raises:
        UnknownMessage: a type that is not spoken here; what follows cannot be read.
    """
    return [_read_bind(reader) for _ in range(count)]


def read_rows(reader: Reader, binds: list[Bind], count: int) -> list[list[Any]]:
    """Read one list of values for each execution; nothing is sent where nothing is bound."""
    if not binds:
        return [[] for _ in range(count)]
    order = sorted(range(len(binds)), key=lambda at: binds[at].size_bytes > LONGEST_BYTES)
    decoders = [(at, binds[at].decode) for at in order]
    rows = []
    for _ in range(count):
        reader.expect(ROW)
        row: list[Any] = [None] * len(binds)
        for at, decode in decoders:
            raw = reader.field()
            if raw is not None:
                row[at] = decode(raw)
        rows.append(row)
    return rows


def _read_bind(reader: Reader) -> Bind:
    kind, flags, _, _ = reader.take(4)
    size_bytes = reader.number()
    reader.numbers(5)  # elements, flags, object's id and version, character set
    form = reader.byte()
    reader.number()  # size of a LOB to send along
    if kind not in DECODERS or flags & ARRAY or form == NATIONAL:
        raise UnknownMessage(f"a bind of Oracle's type {kind}, flags {flags}, form {form}")
    return Bind(size_bytes, DECODERS[kind])
