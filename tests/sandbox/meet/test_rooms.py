"""Rooms and people: who gets in when, and what is recorded of it."""

import doctest
from pathlib import Path

import httpx
import pytest

from sandbox.meet import MeetServer, quota, rooms, shapes
from tests.sandbox.meet.conftest import ACCOUNTS, client, make


async def visit(http: httpx.AsyncClient, what: str, link: str, person: str = "ann") -> int:
    answer = await http.post(f"/sandbox/{what}", json={"code": link, "person": person})
    return answer.status_code


async def test_an_open_room_is_entered_again_after_its_end(meet: MeetServer, http: httpx.AsyncClient) -> None:
    """Ending sends people out, but does not shut the door; a second record begins."""
    room = await make(http)
    assert await visit(http, "join", room["meetingUri"]) == 200
    await http.post(f"/v2/{room['name']}:endActiveConference", json={})
    assert await visit(http, "join", room["meetingUri"]) == 200
    assert len(meet.rooms.conferences) == 2


async def test_a_restricted_room_lets_nobody_in_again(http: httpx.AsyncClient) -> None:
    """Who is inside stays until the end; who left, and who never was there, gets a 403."""
    room = await make(http)
    await visit(http, "join", room["meetingUri"], "ann")
    await visit(http, "join", room["meetingUri"], "bob")
    await http.patch(
        f"/v2/{room['name']}",
        params={"updateMask": "config.accessType", "$alt": "json;enum-encoding=int"},
        json={"name": room["name"], "config": {"accessType": 3}},
    )
    counted = (await http.get("/sandbox/counters")).json()
    assert (counted["people_inside"], counted["open_rooms"]) == (2, 0)
    await visit(http, "leave", room["meetingUri"], "ann")
    assert await visit(http, "join", room["meetingUri"], "ann") == 403
    assert await visit(http, "join", room["meetingUri"], "eve") == 403


async def test_the_last_one_to_leave_ends_the_conference(meet: MeetServer, http: httpx.AsyncClient) -> None:
    """And with nobody inside there is none to end: a 400 with Google's own name for it."""
    room = await make(http)
    await visit(http, "join", room["meetingUri"])
    await visit(http, "leave", room["meetingUri"])
    assert meet.rooms.conferences[0].until_s is not None
    answer = await http.post(f"/v2/{room['name']}:endActiveConference", json={})
    assert (answer.status_code, answer.json()["error"]["status"]) == (400, "FAILED_PRECONDITION")


async def test_a_link_leads_to_its_room(http: httpx.AsyncClient) -> None:
    """Whoever follows it is told where they are."""
    room = await make(http)
    assert "open, 0 inside" in (await http.get(room["meetingUri"])).text
    assert (await http.get("/no-such-room")).status_code == 404


async def test_rooms_outlive_a_restart(tmp_path: Path) -> None:
    """After a kill in the middle of writing, too: what was answered is there, who was inside still is."""
    async with MeetServer(accounts=ACCOUNTS, folder=tmp_path) as first, client(first) as http:
        room = await make(http)
        await visit(http, "join", room["meetingUri"])
        port = first.port
    with (tmp_path / "rooms.jsonl").open("a") as file:
        file.write('["create", {"ke')
    async with MeetServer(accounts=ACCOUNTS, folder=tmp_path, port=port) as second, client(second) as http:
        again = (await http.get(f"/v2/{room['name']}")).json()
        assert again["meetingUri"] == room["meetingUri"]
        assert again["activeConference"]
        await make(http)
    async with MeetServer(accounts=ACCOUNTS, folder=tmp_path) as third:
        assert len(third.rooms.spaces) == 2


@pytest.mark.parametrize("module", [quota, rooms, shapes], ids=lambda module: module.__name__)
def test_the_examples_are_true(module: object) -> None:
    """Every example in the module's docstrings gives what it says, and there is one."""
    failed, tried = doctest.testmod(module)  # type: ignore[arg-type]
    assert (failed, tried > 0) == (0, True)
