"""TNS: the packets that carry one conversation over a socket. Nothing here knows what is said in them.

Source  python-oracledb 26.1, impl/thin/packet.pyx and messages/connect.pyx
"""

import select
import socket
import struct
from contextlib import suppress
from enum import IntEnum

from sandbox.oracle.wire import Reader, UnknownMessage, Writer

VERSION = 315  # 12.1, the oldest that the driver speaks: packets above 64 KiB, and none of what came later
HEADER_BYTES, FLAG_BYTES = 8, 2
END_OF_FILE = 0x40
CONNECT_DATA_LENGTH, CONNECT_DATA_OFFSET, SDU_OFFSET = 16, 18, 50
PARTING_S = 1.0
ATTENTION = b"\x01\x00"  # a marker's first two bytes; the third says which


class Packet(IntEnum):
    CONNECT = 1
    ACCEPT = 2
    REFUSE = 4
    DATA = 6
    MARKER = 12


class Marker(IntEnum):
    BREAK = 1
    RESET = 2
    INTERRUPT = 3


class HungUp(Exception):
    """The client is gone."""


class Interrupted(Exception):
    """The client does not want to wait any longer, and expects an error."""


class Line:
    """One client's socket. Once it is accepted, `reader` reads what it says and `send` answers."""

    def __init__(self, connection: socket.socket) -> None:
        with suppress(OSError):  # somebody only looked in, and is gone
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = connection
        self._incoming = connection.makefile("rb", buffering=1 << 16)
        self.accepted = False
        self.reader = Reader(self._data)

    def connect_string(self) -> str:
        """Read what the client wants to be connected to."""
        kind, body = self._receive()
        if kind != Packet.CONNECT:
            raise UnknownMessage(f"packet {kind} instead of CONNECT")
        length, offset = struct.unpack_from(">HH", body, CONNECT_DATA_LENGTH)
        (self._sdu_bytes,) = struct.unpack_from(">I", body, SDU_OFFSET)
        text = body[offset - HEADER_BYTES :] or self._data()  # a long one comes in a packet of its own
        return text[:length].decode()

    def accept(self) -> None:
        """Agree on the size of packets that the client asked for."""
        body = struct.pack(">HH10xB9xI", VERSION, 0, 0, self._sdu_bytes)
        self._send_packet(Packet.ACCEPT, body)
        self.accepted = True

    def refuse(self, code: int) -> None:
        reason = f"(DESCRIPTION=(TMP=)(VSNNUM=0)(ERR={code}))".encode()
        self._send_packet(Packet.REFUSE, struct.pack(">HH", 0, len(reason)) + reason)

    def send(self, answer: Writer) -> None:
        size = self._sdu_bytes - HEADER_BYTES - FLAG_BYTES
        pieces = (answer.data[at : at + size] for at in range(0, len(answer.data), size))
        self._send(b"".join(self._packet(Packet.DATA, bytes(FLAG_BYTES) + piece) for piece in pieces))

    def fileno(self) -> int:
        return self._socket.fileno()

    def attend(self, for_s: float = 0) -> None:
        """Listen whether the client says something although it is not its turn.

        Raises:
            Interrupted: it does not want to wait any longer; both sides are in step again.
            HungUp: it is gone.
        """
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        if not poll.poll(for_s * 1000):
            return
        kind, _ = self._receive()
        if kind != Packet.MARKER:
            raise UnknownMessage(f"packet {kind} out of turn")
        self._reset()
        raise Interrupted

    def hang_up(self) -> None:
        """Wake whoever waits on this line; callable from any thread."""
        with suppress(OSError):  # it is gone already
            self._socket.shutdown(socket.SHUT_RDWR)

    def part(self) -> None:
        """Let the client read what was sent to it, and wait a moment for it to hang up."""
        self._socket.settimeout(PARTING_S)
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)
            while self._incoming.read(1 << 16):
                pass

    def close(self) -> None:
        self._incoming.close()
        self._socket.close()

    def _data(self) -> bytes:
        """Wait for the next piece of a request."""
        while True:
            kind, body = self._receive()
            if kind == Packet.MARKER:
                self._reset()
                raise Interrupted
            if kind != Packet.DATA:
                raise UnknownMessage(f"packet {kind}")
            if int.from_bytes(body[:FLAG_BYTES], "big") & END_OF_FILE:
                raise HungUp
            if len(body) > FLAG_BYTES:
                return body[FLAG_BYTES:]

    def _reset(self) -> None:
        """Drop all that is under way until the client says that it starts anew."""
        for marker in (Marker.BREAK, Marker.RESET):
            self._send_packet(Packet.MARKER, ATTENTION + bytes((marker,)))
        while self._receive() != (Packet.MARKER, ATTENTION + bytes((Marker.RESET,))):
            pass
        self.reader.forget()

    def _receive(self) -> tuple[int, bytes]:
        header = self._read(HEADER_BYTES)
        length = struct.unpack(">I" if self.accepted else ">H2x", header[:4])[0]
        return header[4], self._read(length - HEADER_BYTES)

    def _read(self, length: int) -> bytes:
        try:
            data = self._incoming.read(length)
        except OSError:
            raise HungUp from None
        if len(data) < length:
            raise HungUp
        return bytes(data)

    def _packet(self, kind: Packet, body: bytes) -> bytes:
        length = HEADER_BYTES + len(body)
        start = struct.pack(">I", length) if self.accepted else struct.pack(">H2x", length)
        return start + bytes((kind, 0, 0, 0)) + body

    def _send_packet(self, kind: Packet, body: bytes) -> None:
        self._send(self._packet(kind, body))

    def _send(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except OSError:
            raise HungUp from None
