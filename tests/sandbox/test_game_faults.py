"""Every way in which the game can go wrong, as a real client meets it."""

import asyncio
import json
import ssl
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import trustme
from pydantic import ValidationError
from websockets.asyncio.client import connect

from sandbox.game import Fault, GameServer
from sandbox.game.faults import Kind

REPLY_FAULTS: dict[Kind, Any] = {
    "malformed": lambda answer: answer == '{"username": ',
    "wrong_shape": lambda answer: answer == {"username": "0xab", "markPop": "ok"},
    "binary": lambda answer: json.loads(answer)["username"] == "0xab" and isinstance(answer, bytes),
    "huge": lambda answer: answer == "close_1006",
    "wrong_user": lambda answer: answer["username"] != "0xab" and "markPop" in answer,
    "empty": lambda answer: answer == "",
}


@pytest.mark.parametrize("status", [400, 408, 425, 429, 500, 503, 599])
async def test_an_http_fault_refuses_the_handshake(game: GameServer, pop: Any, status: int) -> None:
    """The handshake is answered by exactly the status asked for, and counted under it."""
    game.fault(Fault(kind="http", status=status))
    assert await pop(game) == f"http_{status}"
    assert game.counters.refused == {status: 1}
    assert game.counters.outcomes == {f"http_{status}": 1}


@pytest.mark.parametrize("value", [7, "30", "Wed, 21 Oct 2026 07:28:00 GMT"])
async def test_retry_after_is_sent_as_given(game: GameServer, value: int | str) -> None:
    """Retry-After goes out in seconds or as an HTTP-date."""
    game.fault(Fault(kind="http", status=503, retry_after=value))
    answer = await plain_get(game)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, str(value))


async def test_a_redirect_names_another_place(game: GameServer) -> None:
    """A redirect is a 302 with the Location that was set."""
    game.fault(Fault(kind="redirect", location="wss://evil.example/"))
    answer = await plain_get(game)
    assert (answer.status_code, answer.headers["Location"]) == (302, "wss://evil.example/")
    assert game.counters.outcomes == {"http_302": 1}


@pytest.mark.parametrize("code", [1000, 1001, 1006, 1008, 1011, 1012, 1013, 1014, 4000])
@pytest.mark.parametrize("kind", ["close_before", "close_after"])
async def test_a_close_fault_ends_the_connection(game: GameServer, pop: Any, kind: Kind, code: int) -> None:
    """The connection is closed with the code, before the message is read or after."""
    game.fault(Fault(kind=kind, code=code))
    assert await pop(game) == f"close_{code}"
    assert game.counters.refused == {code: 1}
    assert game.counters.messages == (0 if kind == "close_before" else 1)


@pytest.mark.parametrize("kind", REPLY_FAULTS)
async def test_a_reply_fault_spoils_the_answer(game: GameServer, pop: Any, kind: Kind) -> None:
    """The answer comes, but not the one that the contract promises, and the account is not served."""
    game.fault(Fault(kind=kind))
    assert REPLY_FAULTS[kind](await pop(game))
    assert game.counters.outcomes == {kind: 1}
    assert game.counters.served == set()


async def test_a_huge_answer_is_right_but_for_its_size(game: GameServer) -> None:
    """A client without a limit reads the valid answer in the huge frame, which is above 64 KiB."""
    game.fault(Fault(kind="huge"))
    url = f"{game.url}?token={game.token}&username=0xab"
    value = json.dumps({"count": 1, "username": "0xab"})
    async with connect(url, origin="https://www.popcoin.game", max_size=None, proxy=None) as connection:  # type: ignore[arg-type]
        await connection.send(json.dumps({"type": "markPop", "value": value}))
        answer = await connection.recv()
    assert len(answer) > 64 * 1024
    assert json.loads(answer)["username"] == "0xab"


@pytest.mark.parametrize(
    ("kind", "seen"),
    [
        ("hang_handshake", "timeout"),
        ("hang", "timeout"),
        ("no_answer", "close_1000"),
        ("garbage", "garbage"),
    ],
)
async def test_a_dead_line_is_felt_by_the_client(game: GameServer, pop: Any, kind: Kind, seen: str) -> None:
    """Silence, and bytes that are not HTTP, reach the client as such."""
    game.fault(Fault(kind=kind))
    assert await pop(game) == seen
    assert game.counters.outcomes == {kind: 1}


async def test_a_reset_is_a_real_one(game: GameServer) -> None:
    """The client's TCP connection is reset, not closed."""
    game.fault(Fault(kind="reset"))
    reader, writer = await asyncio.open_connection("127.0.0.1", game.port)
    writer.write(b"GET /?token=t0ken&username=0xab HTTP/1.1\r\nHost: localhost\r\n\r\n")
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()
    assert game.counters.outcomes == {"reset": 1}


async def test_slow_is_late_but_right(game: GameServer, pop: Any) -> None:
    """A slow answer comes after its delay; a client that does not wait for it is not served."""
    game.fault(Fault(kind="slow", delay_s=0.15))
    assert await pop(game, "0x01", patience_s=0.05) == "timeout"
    assert (await pop(game, "0x02"))["username"] == "0x02"
    assert game.counters.outcomes == {"left": 1, "served": 1}
    assert game.counters.served == {"0x02"}


async def test_a_fault_may_strike_after_the_pops_are_counted(game: GameServer, pop: Any) -> None:
    """With `counted` the game books the pops although its answer never comes."""
    game.fault(Fault(kind="close_after", counted=True, connections=1))
    assert await pop(game, count=100) == "close_1011"
    assert game.counters.pops == 100
    await pop(game, count=100)
    assert game.counters.outcomes == {"close_1011": 1, "exhausted": 1}


async def test_a_fault_for_n_connections_then_peace(game: GameServer, pop: Any) -> None:
    """It strikes exactly the next N connections."""
    game.fault(Fault(kind="http", connections=2))
    assert [isinstance(await pop(game, f"0x{n}"), dict) for n in range(4)] == [False, False, True, True]
    assert game.faults() == []


async def test_a_fault_for_a_while_then_peace(game: GameServer, pop: Any, pass_time: Any) -> None:
    """It strikes until its time is over."""
    game.fault(Fault(kind="http", duration_s=0.1))
    assert await pop(game) == "http_503"
    await pass_time(0.15)
    assert isinstance(await pop(game), dict)


async def test_a_fault_until_it_is_cleared(game: GameServer, pop: Any) -> None:
    """Without a scope it lasts until somebody clears it."""
    game.fault(Fault(kind="no_answer"))
    assert [await pop(game) for _ in range(3)] == ["close_1000"] * 3
    game.clear_faults()
    assert isinstance(await pop(game), dict)


async def test_a_fault_for_some_accounts(game: GameServer, pop: Any) -> None:
    """Others do not feel it."""
    game.fault(Fault(kind="http", accounts=frozenset({"0x01"})))
    assert await pop(game, "0x01") == "http_503"
    assert (await pop(game, "0x02"))["username"] == "0x02"


async def test_a_fault_with_a_probability(game: GameServer, pop: Any) -> None:
    """About as many connections as its probability says go wrong."""
    game.fault(Fault(kind="http", probability=0.5))
    seen = [await pop(game) for _ in range(60)]
    assert 15 < seen.count("http_503") < 45


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "explode"},
        {"kind": "http", "status": 200},
        {"kind": "http", "retry_after": "soon"},
        {"kind": "http", "retry_after": -1},
        {"kind": "close_after", "code": 1005},
        {"kind": "hang", "connections": 0},
        {"kind": "hang", "accounts": []},
        {"kind": "hang", "unknown": 1},
    ],
)
def test_a_fault_that_cannot_be_is_rejected(wrong: dict[str, Any]) -> None:
    """Values that no server could send, and unknown names, are mistakes and not ignored."""
    with pytest.raises(ValidationError):
        Fault.model_validate(wrong)


async def test_stopping_does_not_wait_for_those_who_hang(pop: Any, pass_time: Any) -> None:
    """The server ends at once although clients hang at the door, after the message and in a slow answer."""
    game = GameServer(token="t0ken")
    await game.start()
    game.fault(Fault(kind="hang_handshake", connections=1))
    game.fault(Fault(kind="hang", connections=1))
    game.fault(Fault(kind="slow", delay_s=3600, connections=1))
    clients = [asyncio.create_task(pop(game, f"0x{n}", patience_s=10)) for n in range(3)]
    await pass_time(0.1)
    await asyncio.wait_for(game.stop(), 1)
    assert len(await asyncio.gather(*clients)) == 3


async def test_wss_is_served_with_a_certificate(pop: Any) -> None:
    """With an SSL context the same server speaks TLS."""
    authority = trustme.CA()
    server, client = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(server)
    authority.configure_trust(client)
    async with GameServer(token="t0ken", ssl=server) as game:
        assert game.url.startswith("wss://")
        game.fault(Fault(kind="hang_handshake", connections=1))
        assert await pop(game, ssl=client) == "timeout"
        assert (await pop(game, ssl=client))["username"] == "0xab"


async def plain_get(game: GameServer) -> httpx.Response:
    """The handshake as any HTTP client sees it, which follows no redirect."""
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.get(f"http://{urlsplit(game.url).netloc}/?token=t0ken&username=0xab")
