"""TTC's primitives: a number or a text goes with its length in front. Nothing here knows a socket."""

from collections.abc import Callable
from typing import Self

SHORT = 252  # the longest text with its length in one byte
CHUNKED, ABSENT = 254, 255
CHUNK = 32_767
NEGATIVE = 0x80


class UnknownMessage(Exception):
    """The client sent what this server does not understand; nothing after it can be read either."""


class Reader:
    """Reads one client's requests in order.

    Args:
        more: waits for the next piece, which is never empty.
    """

    def __init__(self, more: Callable[[], bytes]) -> None:
        self._more = more
        self._data, self._at = b"", 0

    def take(self, length: int) -> bytes:
        end = self._at + length
        while end > len(self._data):
            self._data, self._at = self._data[self._at :] + self._more(), 0
            end = length
        taken = self._data[self._at : end]
        self._at = end
        return taken

    def byte(self) -> int:
        return self.take(1)[0]

    def number(self) -> int:
        """Read a ub2, ub4 or ub8, or an sb2 or sb4: on the wire they are the same."""
        length = self.byte()
        value = int.from_bytes(self.take(length & ~NEGATIVE), "big")
        return -value if length & NEGATIVE else value

    def numbers(self, count: int) -> list[int]:
        return [self.number() for _ in range(count)]

    def field(self) -> bytes | None:
        """Read a value; None is NULL, for an empty one is NULL too."""
        length = self.byte()
        if length <= SHORT:
            return self.take(length) or None
        if length == ABSENT:
            return None
        if length == CHUNKED:
            return b"".join(iter(lambda: self.take(self.number()), b"")) or None
        raise UnknownMessage(f"a value of length byte {length}")

    def text(self) -> str:
        return (self.field() or b"").decode()

    def counted_text(self) -> str:
        """Read a text that has its length in front twice."""
        return self.text() if self.number() else ""

    def expect(self, wanted: int) -> None:
        found = self.byte()
        if found != wanted:
            raise UnknownMessage(f"byte {found} where {wanted} belongs")

    def forget(self) -> None:
        """Drop what was read of a request that will not be finished."""
        self._data, self._at = b"", 0


class Writer:
    """Collects one answer."""

    def __init__(self) -> None:
        self.data = bytearray()

    def raw(self, data: bytes) -> Self:
        self.data += data
        return self

    def byte(self, *values: int) -> Self:
        self.data += bytes(values)
        return self

    def number(self, *values: int) -> Self:
        for value in values:
            length = (value.bit_length() + 7) // 8
            self.data.append(length)
            self.data += value.to_bytes(length, "big")
        return self

    def field(self, value: bytes) -> Self:
        return self.raw(with_length(value))

    def counted_text(self, text: str) -> Self:
        value = text.encode()
        self.number(len(value))
        return self.field(value) if value else self


def with_length(value: bytes) -> bytes:
    r"""Return a value as it goes over the wire.

    >>> with_length(b"abc"), with_length(b"")
    (b'\x03abc', b'\x00')
    """
    if len(value) <= SHORT:
        return bytes((len(value),)) + value
    writer = Writer().byte(CHUNKED)
    for start in range(0, len(value), CHUNK):
        piece = value[start : start + CHUNK]
        writer.number(len(piece)).raw(piece)
    return bytes(writer.number(0).data)
