"""The sandbox's switches over HTTP."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.admin import Admin
from sandbox.game import GameServer
from sandbox.mail import MailSink
from sandbox.oracle import OracleServer

LETTER = b'From: m@example.org\r\nTo: a@example.org\r\nSubject: Hi <all>\r\nContent-Type: text/html\r\n\r\n<p>it\'s "me"</p>'


@pytest.fixture
async def mail(tmp_path: Path) -> MailSink:
    sink = MailSink(tmp_path, username="u", password="p")
    sink.take("m@example.org", ["a@example.org"], LETTER)
    return sink


@pytest.fixture
async def admin(game: GameServer, mail: MailSink) -> AsyncIterator[httpx.AsyncClient]:
    server = Admin(game, mail, OracleServer({}))
    await server.start()
    async with httpx.AsyncClient(base_url=server.url, trust_env=False) as client:
        yield client
    await server.stop()


async def test_counters_tell_what_the_game_saw(admin: httpx.AsyncClient, game: GameServer, pop: Any) -> None:
    """Counters and arrivals over HTTP are those of the server."""
    await pop(game)
    await pop(game, token="wrong")
    counters = (await admin.get("/game/counters")).json()
    assert counters["connections"] == 2
    assert counters["outcomes"] == {"served": 1, "http_403": 1}
    assert counters["refused"] == {"403": 1}
    assert (counters["pops"], counters["accounts_served"]) == (100, 1)
    later = (await admin.get("/game/arrivals?after=1")).json()
    assert [(row["account"], row["outcome"]) for row in later] == [("0xab", "http_403")]


async def test_faults_are_switched_on_and_off(admin: httpx.AsyncClient, game: GameServer, pop: Any) -> None:
    """POST adds a fault, DELETE clears all."""
    answer = await admin.post("/game/fault", json={"kind": "http", "status": 503, "connections": 5})
    assert answer.json()["faults"] == [{"kind": "http", "connections": 5}]
    assert await pop(game) == "http_503"
    assert (await admin.delete("/game/fault")).json()["faults"] == []
    assert isinstance(await pop(game), dict)


async def test_capacity_is_changed_while_it_runs(
    admin: httpx.AsyncClient, game: GameServer, pop: Any
) -> None:
    """The new limit holds from the next connection on; an empty body lifts it."""
    await admin.post("/game/capacity", json={"rate_per_s": 0.01, "burst": 1, "status": 503})
    assert [isinstance(await pop(game), dict) for _ in range(2)] == [True, False]
    await admin.post("/game/capacity")
    assert isinstance(await pop(game), dict)


async def test_reset_counts_from_zero(admin: httpx.AsyncClient, game: GameServer, pop: Any) -> None:
    """A reset empties the counters."""
    await pop(game)
    assert (await admin.post("/game/reset")).json()["connections"] == 0


@pytest.mark.parametrize(
    ("path", "body", "field", "remedy"),
    [
        ("/game/fault", {"kind": "explode"}, "kind", "hang_handshake"),
        ("/game/fault", {}, "kind", "hang_handshake"),
        ("/game/fault", {"kind": "http", "status": 200}, "status", "300 to 599"),
        ("/game/fault", {"kind": "http", "colour": 1}, "colour", "retry_after"),
        ("/game/fault", [1], "body", "retry_after"),
        ("/game/capacity", {"rate_per_s": 0}, "rate_per_s", "per second"),
        ("/mail/refuse", {"code": 250}, "code", "400 to 499"),
    ],
    ids=lambda value: str(value)[:24],
)
async def test_a_mistake_is_answered_with_its_remedy(
    admin: httpx.AsyncClient, path: str, body: Any, field: str, remedy: str
) -> None:
    """422 names the field, the problem and what to send instead."""
    answer = await admin.post(path, json=body)
    assert answer.status_code == 422
    (problem,) = answer.json()["problems"]
    assert problem["field"] == field
    assert problem["problem"]
    assert remedy in problem["remedy"]


async def test_other_input_that_is_not_understood(admin: httpx.AsyncClient) -> None:
    """A body that is not JSON, an unknown query and an unknown mail are told, not ignored."""
    assert (await admin.post("/game/fault", content=b"{")).json()["problems"][0]["problem"] == "is not JSON"
    assert (await admin.get("/game/arrivals?befor=1")).json()["problems"] == [
        {"field": "befor", "problem": "is not known here", "remedy": "use one of after"}
    ]
    assert "no mail 7" in (await admin.get("/mail/7")).text


async def test_mails_are_listed_and_shown(admin: httpx.AsyncClient) -> None:
    """The list is JSON; a mail's page shows it as its reader sees it, and nothing in it can escape."""
    (mail,) = (await admin.get("/mail")).json()
    assert (mail["from"], mail["to"], mail["subject"]) == ("m@example.org", "a@example.org", "Hi <all>")
    assert (mail["text"], mail["html"], mail["attachments"]) == (None, '<p>it\'s "me"</p>', [])
    page = (await admin.get("/mail/1")).text
    assert "Hi &lt;all&gt;" in page
    assert 'srcdoc="&lt;p&gt;it&#39;s &#34;me&#34;&lt;/p&gt;"' in page
    assert (await admin.delete("/mail")).json() == []


async def test_mail_is_refused_and_accepted_again(admin: httpx.AsyncClient, mail: MailSink) -> None:
    """POST switches refusing on, DELETE off."""
    await admin.post("/mail/refuse", json={"code": 451})
    assert mail.take("m@example.org", ["a@example.org"], LETTER).startswith("451")
    await admin.delete("/mail/refuse")
    assert mail.take("m@example.org", ["a@example.org"], LETTER).startswith("250")


async def test_the_index_shows_where_things_are(admin: httpx.AsyncClient, game: GameServer) -> None:
    """A person finds every address and the mails on one page, but no token."""
    page = (await admin.get("/")).text
    assert game.url in page
    assert '<a href="/mail/1">' in page
    assert game.token not in page


async def test_only_local_names_are_answered(admin: httpx.AsyncClient) -> None:
    """A page on the internet cannot reach the switches through a name of its own."""
    assert (await admin.get("/game/counters", headers={"Host": "evil.example"})).status_code == 400
