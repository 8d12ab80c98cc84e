"""Every row of the answer table, against a real WebSocket server; and what never leaks."""

import asyncio
import logging
import ssl
from datetime import UTC, datetime

import pytest
import trustme
from websockets.datastructures import Headers
from websockets.exceptions import InvalidStatus
from websockets.http11 import Response

from blocks.pop_game import PopGame
from blocks.pop_protocol import BadReply, Overwhelmed, PopReply, Refused, classify, seconds_from
from sandbox.game import Capacity, Fault, GameServer

TOKEN = "token-that-nobody-may-see"
ACCOUNT = "0x00000000000000000000000000000000000000aa"


@pytest.fixture
async def server():
    async with GameServer(token=TOKEN) as server:
        yield server


def game_at(server, **changes):
    return PopGame(**{"url": server.url, "token": TOKEN, "timeout_s": 1.0, **changes})


async def test_a_pop_is_served(server):
    """The server counts 100 pops for the account and says so."""
    assert await game_at(server).pop(ACCOUNT, 100) == PopReply(pops_today=100, remaining_pops=0)
    assert (server.counters.pops, server.counters.served) == (100, {ACCOUNT})


async def test_a_second_pop_finds_the_quota_exhausted(server):
    """Serving somebody twice is harmless: the answer is as good as served."""
    await game_at(server).pop(ACCOUNT, 100)
    assert (await game_at(server).pop(ACCOUNT, 100)).remaining_pops == 0
    assert server.counters.pops == 100


async def test_seen_is_said_after_the_handshake(server):
    """The pacer counts its gap from a moment at which the server knows of us."""
    connections = []
    await game_at(server).pop(ACCOUNT, 1, lambda: connections.append(server.counters.connections))
    assert connections == [1]


OVERWHELMED = [
    *[
        ({"kind": "http", "status": status}, f"HTTP {status}")
        for status in (408, 425, 429, 500, 502, 503, 504)
    ],
    *[
        ({"kind": "close_after", "code": code}, f"close {code}")
        for code in (1001, 1006, 1008, 1011, 1013, 1014)
    ],
    ({"kind": "close_before", "code": 1011}, "close 1011"),
    ({"kind": "hang_handshake"}, "timeout"),
    ({"kind": "hang"}, "timeout"),
    ({"kind": "slow", "delay_s": 3.0}, "timeout"),
    ({"kind": "garbage"}, "garbage handshake"),
    ({"kind": "reset"}, None),
]


@pytest.mark.parametrize(("fault", "reason"), OVERWHELMED, ids=str)
async def test_an_overwhelmed_server_is_recognised(server, fault, reason):
    """These slow us down and are tried once more."""
    server.fault(Fault(**fault))
    with pytest.raises(Overwhelmed) as caught:
        await game_at(server).pop(ACCOUNT, 100)
    assert reason is None or caught.value.reason == reason
    assert not caught.value.restarting


async def test_a_restarting_server_says_so(server):
    """Close 1012 asks its clients to come back spread out."""
    server.fault(Fault(kind="close_after", code=1012))
    with pytest.raises(Overwhelmed) as caught:
        await game_at(server).pop(ACCOUNT, 100)
    assert caught.value.restarting


@pytest.mark.parametrize(
    ("header", "least", "most"), [(7, 7, 7), ("Wed, 21 Oct 2037 07:28:00 GMT", 3600, 3600)]
)
async def test_retry_after_reaches_the_pacer(server, header, least, most):
    """Seconds or a date, at most an hour."""
    server.fault(Fault(kind="http", status=503, retry_after=header))
    with pytest.raises(Overwhelmed) as caught:
        await game_at(server).pop(ACCOUNT, 100)
    assert least <= caught.value.retry_after_s <= most


async def test_beyond_its_capacity_the_server_is_overwhelmed(server):
    """The real bucket answers 503 or 429."""
    server.limit(Capacity(rate_per_s=0.001, burst=1))
    await game_at(server).pop(ACCOUNT, 1)
    with pytest.raises(Overwhelmed, match="HTTP"):
        await game_at(server).pop(ACCOUNT, 1)


BAD = [
    ({"kind": "malformed"}, "malformed JSON"),
    ({"kind": "wrong_shape"}, "not a markPop reply"),
    ({"kind": "binary"}, "binary"),
    ({"kind": "huge"}, "unreadable frame (1009)"),
    ({"kind": "wrong_user"}, "answer for another account"),
    ({"kind": "empty"}, "malformed JSON"),
    ({"kind": "no_answer"}, None),
    ({"kind": "close_after", "code": 1000}, "closed without an answer (1000)"),
]


@pytest.mark.parametrize(("fault", "reason"), BAD, ids=str)
async def test_a_bad_reply_is_recognised(server, fault, reason):
    """These are logged and passed over; the pace stays."""
    server.fault(Fault(**fault))
    with pytest.raises(BadReply) as caught:
        await game_at(server).pop(ACCOUNT, 100)
    assert reason is None or caught.value.reason == reason


@pytest.mark.parametrize("status", [400, 401, 403, 404])
async def test_a_refusal_is_ours_to_mend(server, status):
    """Five in a row fail the run."""
    server.fault(Fault(kind="http", status=status))
    with pytest.raises(Refused, match=f"HTTP {status}"):
        await game_at(server).pop(ACCOUNT, 100)


async def test_a_redirect_is_not_followed(server):
    """It would carry the token to somebody else."""
    async with GameServer(token=TOKEN) as elsewhere:
        server.fault(Fault(kind="redirect", location=elsewhere.url))
        with pytest.raises(Refused, match="HTTP 302"):
            await game_at(server).pop(ACCOUNT, 100)
        assert elsewhere.counters.connections == 0


@pytest.mark.parametrize("changes", [{"token": "wrong"}, {"origin": "https://elsewhere.example"}])
async def test_the_servers_own_checks_refuse_us(server, changes):
    """A wrong token or Origin is refused by the server itself, not by a fault."""
    with pytest.raises(Refused):
        await game_at(server, **changes).pop(ACCOUNT, 100)
    assert server.counters.pops == 0


async def test_nobody_listens():
    """A server that is down is overwhelmed, not misconfigured."""
    async with GameServer(token=TOKEN) as server:
        url = server.url
    with pytest.raises(Overwhelmed, match="connection refused"):
        await PopGame(url=url, token=TOKEN).pop(ACCOUNT, 1)


async def test_a_name_that_does_not_resolve():
    """DNS may be down for a while."""
    with pytest.raises(Overwhelmed, match="gaierror"):
        await PopGame(url="ws://no-such-host.invalid/", token=TOKEN).pop(ACCOUNT, 1)


async def test_tls_is_spoken_and_checked(server, tmp_path, monkeypatch):
    """wss works with a trusted certificate; an untrusted one is a refusal, for it is ours to mend."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    async with GameServer(token=TOKEN, ssl=context) as secure:
        with pytest.raises(Refused, match="certificate not trusted"):
            await game_at(secure).pop(ACCOUNT, 1)
        authority.cert_pem.write_to_path(tmp_path / "ca.pem")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        assert (await game_at(secure).pop(ACCOUNT, 100)).pops_today == 100


async def test_the_token_is_in_no_log_and_no_error(server, caplog):
    """Root logger at DEBUG, every kind of failure: neither text nor chained errors hold the token."""
    caplog.set_level(logging.DEBUG)
    faults = [fault for fault, _ in [*OVERWHELMED, *BAD]] + [
        {"kind": "redirect"},
        {"kind": "http", "status": 401},
    ]
    games = [game_at(server, timeout_s=0.3), game_at(server, url="ws://no-such-host.invalid/")]
    for fault in faults:
        server.clear_faults()
        server.fault(Fault(**fault))
        results = await asyncio.gather(*(game.pop(ACCOUNT, 100) for game in games), return_exceptions=True)
        for error in results:
            assert isinstance(error, Exception)
            assert TOKEN not in f"{error!r} {error.__cause__!r}"
            assert error.__context__ is None or error.__suppress_context__
    assert TOKEN not in caplog.text
    assert TOKEN not in repr(games[0])


@pytest.mark.parametrize(
    "url",
    ["https://host/", "wss://", "wss://host/?token=x", "wss://host/?", "wss://host/#x", "wss://me@host/",
     "wss://host:99999/", "host"],
)  # fmt: skip
def test_a_wrong_address_is_refused_with_a_remedy(url):
    """Before it is stored, and without quoting a token that may be in it."""
    with pytest.raises(ValueError, match="must be wss://HOST/") as caught:
        PopGame(url=url, token=TOKEN)
    assert TOKEN not in str(caught.value)


def test_an_origin_with_a_slash_is_refused():
    """The server compares letter by letter."""
    with pytest.raises(ValueError, match="no trailing slash"):
        PopGame(url="wss://host/", token=TOKEN, origin="https://www.popcoin.game/")


def test_two_retry_afters_are_read_and_the_longer_one_holds():
    """A proxy and the server behind it may each have sent one."""
    headers = Headers([("Retry-After", "7"), ("Retry-After", "30"), ("Retry-After", "soon")])
    error = classify(InvalidStatus(Response(503, "Service Unavailable", headers)))
    assert isinstance(error, Overwhelmed)
    assert error.retry_after_s == 30.0


@pytest.mark.parametrize("header", ["soon", "nan", "", "Fri, 31 Dec 99999 00:00:00 GMT"])
def test_an_unreadable_retry_after_is_no_answer(header):
    """Then our own pause holds."""
    assert seconds_from(header, datetime.now(UTC)) is None
