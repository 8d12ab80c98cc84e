"""What the taps take for a statement decides what a campaign covers."""

import struct

import pytest

from tests.chaos.json_rpc import JsonRpc
from tests.chaos.speech import Mail, Oracle, Postgres
from tests.chaos.wire import Point, Request, Side, Trap

SSL_REQUEST = struct.pack(">ii", 8, 80877103)
STARTUP = struct.pack(">ii", 23, 196608) + b"database\0dssb\0\0"


def message(kind: bytes, body: bytes = b"") -> bytes:
    return kind + struct.pack(">i", len(body) + 4) + body


def packet(kind: int, body: bytes, width: int = 4) -> bytes:
    return (len(body) + 8).to_bytes(width, "big").ljust(4, b"\0") + bytes((kind, 0, 0, 0)) + body


def post(body: bytes, length: bytes = b"Content-Length") -> bytes:
    return b"POST / HTTP/1.1\r\n%b: %d\r\nHost: node\r\n\r\n%b" % (length, len(body), body)


# What a client says before it waits for an answer, and the statements in it.
POSTGRES = [
    (SSL_REQUEST, []),
    (STARTUP, []),
    (message(b"Q", b"BEGIN;\0"), ["BEGIN;"]),
    (message(b"P", b"s1\0select 'x', $1, 17\0\0\0") + message(b"D", b"Ss1\0") + message(b"H"), []),
    (message(b"B", b"\0s1\0\0\0") + message(b"E", bytes(5)) + message(b"S"), ["select ?, $1, ?"]),
    (message(b"Q", b"COPY t FROM STDIN\0"), ["COPY t FROM STDIN"]),
    (
        message(b"d", b"1\n") + message(b"d", b"2\n") + message(b"c"),
        ["rows of COPY t FROM STDIN", "end of COPY t FROM STDIN"],
    ),
    (message(b"Q", b"COMMIT;\0"), ["COMMIT of end of COPY t FROM STDIN"]),
    (message(b"X"), []),
]
ORACLE = [
    (packet(1, b"(DESCRIPTION=(CONNECT_DATA=(SID=DSSB)))", width=2), []),
    (packet(6, b"\0\0\x03\x5e\1\x19INSERT INTO t VALUES (:1)\1\1"), ["INSERT INTO t VALUES (:?)"]),
    (packet(6, b"\0\0\x03\x04\2") + packet(6, b"\0\0more rows"), ["again: INSERT INTO t VALUES (:?)"]),
    (packet(6, b"\0\0\x03\x0e\3"), ["COMMIT"]),
]
JSON_RPC = [
    (post(b'{"id": 1, "method": "eth_call"}'), ["eth_call"]),
    (post(b'[{"method": "eth_call"}, {"method": "eth_call"}]', b"content-length"), ["eth_call"]),
    (post(b'[{"method": "a"}, {"method": "b"}]') + post(b'{"method": "c"}'), ["a, b", "c"]),
]
MAIL = [
    (b"EHLO here\r\n", ["EHLO"]),
    (b"DATA\r\n", ["DATA"]),
    (b"Subject: DATA\r\n\r\nQUIT\r\n.\r\n", ["the mail itself"]),
    (b"QUIT\r\n", ["QUIT"]),
]


@pytest.mark.parametrize("piece", [1, 7, 10_000])
@pytest.mark.parametrize(
    ("speech", "talk"), [(Postgres, POSTGRES), (Oracle, ORACLE), (Mail, MAIL), (JsonRpc, JSON_RPC)]
)
def test_a_statement_is_seen_however_the_wire_cuts_it(speech, talk, piece):
    """Nothing is lost or changed on the way, and every statement is named once."""
    line = speech()
    for said, statements in talk:
        pieces = (said[at : at + piece] for at in range(0, len(said), piece))
        heard = [request for each in pieces for request in line.asked(each)]
        assert b"".join(request.data for request in heard) == said
        assert [request.statement for request in heard if request.statement] == statements
        line.answered(b"")
    assert line.place in {"dssb", "mail", "chain"}


def test_an_answer_is_complete_when_the_server_waits_again():
    """A row is not the end of PostgreSQL's answer; ReadyForQuery is, however it is cut."""
    line = Postgres()
    assert not line.answered(
        message(b"D", b"a row") + message(b"C", b"SELECT 1\0") + message(b"Z", b"I")[:-1]
    )
    assert line.answered(b"I")


@pytest.mark.parametrize("piece", [1, 7, 10_000])
def test_an_answer_over_http_is_complete_with_its_body(piece):
    """However it is cut, and once for each answer."""
    line = JsonRpc()
    answer = b'HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\n{"result": 1}'
    pieces = [answer[at : at + piece] for at in range(0, len(answer), piece)]
    for _ in range(2):
        assert [line.answered(each) for each in pieces] == [False] * (len(pieces) - 1) + [True]


def test_the_trap_counts_each_statement_and_strikes_once():
    """The second COMMIT is another point than the first, on either side of it."""
    trap = Trap()
    trap.set(Point("dssb", "COMMIT", 2, Side.LOST), lambda: False)
    sides = [trap.asked("dssb", Request(b"", "COMMIT")) for _ in range(3)]
    assert sides == [None, Side.LOST, None]
    assert not trap.strike()
    assert trap.struck.is_set()
    assert [point.nth for point in trap.points] == [1, 1, 2, 2, 3, 3]
