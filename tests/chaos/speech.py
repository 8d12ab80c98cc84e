"""The protocols on the taps, as far as it takes to see where a statement begins and where its answer ends.

Source  PostgreSQL's manual, "Message Formats"; python-oracledb, impl/thin; RFC 5321
"""

import re
from collections.abc import Iterator

from tests.chaos.wire import Request

# Oracle's calls without a statement of their own; a sequence number follows.
_ENDS = {b"\x03\x0e": "COMMIT", b"\x03\x0f": "ROLLBACK"}
_GO_ON = {b"\x03\x05": "fetch", b"\x03\x04": "again", b"\x03\x4e": "again"}
_COPY_IN = re.compile(r"^(rows of )?COPY\b.* FROM STDIN", re.IGNORECASE)
_LITERAL = re.compile(r"'[^']*'|(?<![$\w])\d+\b")


def named(sql: bytes) -> str:
    """Return a statement's name: one line, the same whatever its literals."""
    return " ".join(_LITERAL.sub("?", sql.decode(errors="replace")).split())


class Postgres:
    """Frontend messages up to the one that wants an answer are one request.

    COPY FROM STDIN goes on with its rows before it is answered: its answer is that of its end. A COMMIT is named for
    the statement before it.
    """

    _SSL_REQUEST, _GSS_REQUEST = 80877103, 80877104
    _HEAD = 5  # kind and length

    def __init__(self) -> None:
        self.place = ""
        self._has_begun = self._is_copying = False
        self._asked = self._answered = self._group = b""
        self._skipped = 0  # bytes of the answer to SSLRequest, which is no message
        self._statements: dict[bytes, str] = {}
        self._bound = self._latest = ""

    def asked(self, data: bytes) -> Iterator[Request]:
        self._asked += data
        if not self._has_begun:
            yield from self._greeted()
        while self._has_begun and (message := self._next(self._asked)):
            self._asked = self._asked[len(message) :]
            self._group += message
            kind, body = message[:1], message[self._HEAD :]
            if kind in b"QSHdcfXp":
                group, self._group = self._group, b""
                statement = self._asked_for(kind, body)
                if statement.startswith("COMMIT"):
                    statement = f"COMMIT of {self._latest}"
                self._latest = statement or self._latest
                yield Request(group, statement, is_answered=_COPY_IN.search(statement) is None)
            else:
                self._remember(kind, body)

    def answered(self, data: bytes) -> bool:
        """The server is ready for another query."""
        self._answered += data
        self._answered, self._skipped = self._answered[self._skipped :], 0
        is_complete = False
        while message := self._next(self._answered):
            self._answered = self._answered[len(message) :]
            is_complete = message[:1] == b"Z"
        return is_complete

    def _greeted(self) -> Iterator[Request]:
        while not self._has_begun and len(self._asked) >= 8:
            length, code = (int.from_bytes(self._asked[at : at + 4], "big") for at in (0, 4))
            if len(self._asked) < length:
                return
            message, self._asked = self._asked[:length], self._asked[length:]
            if code in {self._SSL_REQUEST, self._GSS_REQUEST}:
                self._skipped = 1
            else:
                words = message[8:].split(b"\0")
                self.place = dict(zip(words[::2], words[1::2], strict=False)).get(b"database", b"").decode()
                self._has_begun = True
            yield Request(message)

    def _next(self, data: bytes) -> bytes:
        """Return the first message, or nothing where it is not complete."""
        length = 1 + int.from_bytes(data[1 : self._HEAD], "big")
        return data[:length] if self._HEAD <= len(data) >= length else b""

    def _remember(self, kind: bytes, body: bytes) -> None:
        if kind == b"P":
            name, sql, _ = body.split(b"\0", 2)
            self._statements[name] = named(sql)
        elif kind == b"B":
            _, name, _ = body.split(b"\0", 2)
            self._bound = self._statements.get(name, "")

    def _asked_for(self, kind: bytes, body: bytes) -> str:
        was_copying, self._is_copying = self._is_copying, kind == b"d"
        if kind == b"Q":
            self._bound = named(body.rstrip(b"\0"))
            return self._bound
        if kind == b"S":
            bound, self._bound = self._bound, ""
            return bound
        if kind == b"c":
            return f"end of {self._bound}"
        return f"rows of {self._bound}" if kind == b"d" and not was_copying else ""


class Oracle:
    """TNS is half duplex: what the client sends until the server speaks is one request."""

    _CONNECT, _DATA = 1, 6
    _HEAD, _FLAGS = 8, 2
    _SID = re.compile(rb"\((?:SID|SERVICE_NAME)=([^).]+)", re.IGNORECASE)
    _SQL = re.compile(rb"(?:select|insert|update|delete|merge|alter|begin)\s[ -~\n]+", re.IGNORECASE)

    def __init__(self) -> None:
        self.place = ""
        self._asked = b""
        self._is_new = True
        self._last = ""

    def asked(self, data: bytes) -> Iterator[Request]:
        self._asked += data
        while packet := self._next():
            self._asked = self._asked[len(packet) :]
            kind, body = packet[4], packet[self._HEAD :]
            if kind == self._CONNECT and (found := self._SID.search(body)):
                self.place = found[1].decode().lower()
            is_first, self._is_new = self._is_new and kind == self._DATA, False
            yield Request(packet, self._asked_for(body[self._FLAGS :]) if is_first else "")

    def answered(self, data: bytes) -> bool:
        """The server speaks when it has done what was asked."""
        self._is_new = True
        return bool(data)

    def _next(self) -> bytes:
        width = 4 if self.place else 2
        length = int.from_bytes(self._asked[:width], "big")
        return self._asked[:length] if self._HEAD <= len(self._asked) >= length else b""

    def _asked_for(self, message: bytes) -> str:
        if found := self._SQL.search(message):
            self._last = named(found[0])
            return self._last
        if message[-3:-1] in _ENDS:
            return _ENDS[message[-3:-1]]
        how = next((how for code, how in _GO_ON.items() if code in message), "")
        return f"{how}: {self._last}" if how and self._last else ""


class Mail:
    """A command, or a whole mail, is one request."""

    place = "mail"
    _VERB = re.compile(rb"(?:EHLO|HELO|AUTH|MAIL|RCPT|DATA|RSET|QUIT)\b", re.IGNORECASE)

    def __init__(self) -> None:
        self._asked = self._answered = b""
        self._end = b"\r\n"

    def asked(self, data: bytes) -> Iterator[Request]:
        self._asked += data
        while self._end in self._asked:
            text, self._asked = self._asked.split(self._end, 1)
            text += self._end
            if self._end != b"\r\n":
                self._end = b"\r\n"
                yield Request(text, "the mail itself")
                continue
            verb = self._VERB.match(text)
            if verb and verb[0].upper() == b"DATA":
                self._end = b"\r\n.\r\n"
            yield Request(text, verb[0].decode().upper() if verb else "an answer")

    def answered(self, data: bytes) -> bool:
        """The last line of an answer has no dash behind its number."""
        self._answered += data
        *lines, self._answered = self._answered.split(b"\r\n")
        return bool(lines) and re.match(rb"\d{3} ", lines[-1]) is not None
