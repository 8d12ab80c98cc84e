"""Every way in which Meet can go wrong, through the real client library."""

import asyncio
import time
from typing import Any

import pytest

from blocks.meet_problem import MeetProblem, MeetQuota, MeetRefusesUs, MeetUnreachable, RoomMissing
from blocks.meet_rooms import Room
from deployments.surroundings import free_port
from sandbox.chain.faults import Fault
from tests.blocks.meeting import Hurried, asked, block, meeting

MISSING = Room("spaces/none", "https://meet.example/none", "host-1")
FAULTS: list[tuple[dict[str, Any], type[MeetProblem], str]] = [
    ({"kind": "http", "status": 400}, MeetProblem, "HTTP 400, INVALID_ARGUMENT"),
    (
        {"kind": "http", "status": 401},
        MeetRefusesUs,
        "RefreshError",
    ),  # the library first asks for a new token
    ({"kind": "http", "status": 403}, MeetRefusesUs, "HTTP 403, PERMISSION_DENIED"),
    ({"kind": "http", "status": 404}, RoomMissing, "HTTP 404, NOT_FOUND"),
    ({"kind": "http", "status": 429}, MeetQuota, "HTTP 429, RESOURCE_EXHAUSTED"),
    ({"kind": "http", "status": 500}, MeetUnreachable, "HTTP 500, INTERNAL"),
    ({"kind": "http", "status": 503}, MeetUnreachable, "HTTP 503, UNAVAILABLE"),
    ({"kind": "slow", "delay_s": 0.6}, MeetUnreachable, "ReadTimeout"),
    ({"kind": "lost_answer"}, MeetUnreachable, "ConnectionError"),
    ({"kind": "down"}, MeetUnreachable, "ConnectionError"),
]


@pytest.mark.parametrize(("fault", "kind", "reason"), FAULTS, ids=lambda value: str(value)[:40])
async def test_what_is_wrong_is_told(fault: dict[str, Any], kind: type[MeetProblem], reason: str) -> None:
    """The host, the code, Google's own name for it, and whether trying again can help."""
    async with meeting(timeout_s=0.3) as (meet, rooms):
        meet.fault(Fault(**fault))
        with pytest.raises(kind, match=f"meet, host host-1: .*{reason}") as caught:
            await rooms.create()
        assert type(caught.value) is kind
        assert caught.value.heals == (kind not in {MeetRefusesUs, RoomMissing})
        assert caught.value.__suppress_context__


async def test_a_request_is_sent_once() -> None:
    """The library would try a reading one again for a minute; whoever asks us decides that."""
    async with meeting() as (meet, rooms):
        meet.fault(Fault(kind="http", status=503))
        with pytest.raises(MeetUnreachable):
            await rooms.check()
        assert asked(meet) == [("conferenceRecords.list", 503)]


async def test_a_timeout_ends_in_time() -> None:
    """An answer that does not come is not waited for, and another request is served meanwhile."""
    async with meeting(timeout_s=0.3) as (meet, rooms):
        meet.fault(Fault(kind="slow", delay_s=5, requests=1))
        began_s = time.monotonic()
        slow, room = await asyncio.gather(rooms.create(), rooms.create(), return_exceptions=True)
        assert {type(slow), type(room)} == {MeetUnreachable, Room}
        assert time.monotonic() - began_s < 3


async def test_nobody_listens() -> None:
    """A closed port is told as such."""
    async with meeting() as (meet, _):
        nowhere = block(meet, endpoint=f"http://127.0.0.1:{free_port()}")
    async with nowhere.open(Hurried()) as rooms:
        with pytest.raises(MeetUnreachable, match="ConnectionError"):
            await rooms.check()


STRANGERS = ["404 Not Found", "200 OK", "500 Internal Server Error"]


@pytest.mark.parametrize("body", ["<html>no Meet</html>", '{"error": "no Meet"}', "[]", ""])
@pytest.mark.parametrize("line", STRANGERS)
async def test_another_server_at_the_address(line: str, body: str) -> None:
    """A page of somebody's, or JSON of another kind: Meet is not reached, and no library's error comes through."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        await reader.readexactly(int(asked.partition("content-length: ")[2].split()[0]))
        head = f"HTTP/1.1 {line}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write((head + body).encode())
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as stranger:
        async with meeting() as (meet, _):
            address = f"http://127.0.0.1:{stranger.sockets[0].getsockname()[1]}"
            wrong = block(meet, endpoint=address)
        async with wrong.open(Hurried()) as rooms:
            with pytest.raises(MeetUnreachable, match=r"HTTP \d|is not Meet"):
                await rooms.create()


async def test_a_room_that_is_gone() -> None:
    """Neither opened nor closed, and said so."""
    async with meeting() as (_, rooms):
        for act in (rooms.open, rooms.close):
            with pytest.raises(RoomMissing):
                await act(MISSING)


async def test_somebody_elses_room() -> None:
    """An account may not change another one's room."""
    async with meeting(hosts=2) as (_, rooms):
        room = await rooms.create()
        with pytest.raises(MeetRefusesUs, match="PERMISSION_DENIED"):
            await rooms.close(Room(room.name, room.link, "host-2"))


async def test_a_room_that_cannot_be_shut_is_not_ended() -> None:
    """Ended while open it would be entered again: nothing is gained, and the quota is spared."""
    async with meeting() as (meet, rooms):
        room = await rooms.create()
        meet.fault(Fault(kind="http", status=500, methods=frozenset({"spaces.patch"})))
        with pytest.raises(MeetUnreachable):
            await rooms.close(room)
        assert "spaces.endActiveConference" not in meet.journal.by_method
        meet.clear_faults()
        await rooms.close(room)


async def test_a_lost_answer_to_a_close_is_made_good_by_the_next() -> None:
    """It was done; doing it again does no harm."""
    async with meeting() as (meet, rooms):
        room = await rooms.create()
        meet.fault(Fault(kind="lost_answer", methods=frozenset({"spaces.endActiveConference"}), requests=1))
        meet.rooms.join(code=room.link[-12:], person="ann", has_account=True, at_s=0)
        with pytest.raises(MeetUnreachable):
            await rooms.close(room)
        await rooms.close(room)
        assert meet.rooms.conferences[0].until_s is not None


async def test_a_refusal_for_quota_is_believed() -> None:
    """Somebody else used it up: until the time that the server names it is not asked again, afterwards it is."""
    clock = Hurried()
    async with meeting(clock=clock) as (meet, rooms):
        meet.fault(Fault(kind="http", status=429, retry_after_s=17, requests=1))
        with pytest.raises(MeetQuota, match=r'quota for "create" .*429') as refused:
            await rooms.create()
        assert refused.value.retry_after_s == 17
        with pytest.raises(MeetQuota, match="by our own count"):
            await rooms.create()
        assert len(asked(meet)) == 1
        await clock.sleep(17)
        await rooms.create()


async def test_a_quota_without_a_time_is_a_minute() -> None:
    """Google's quotas are per minute, and it seldom names a time; writing rests, reading goes on."""
    async with meeting() as (meet, rooms):
        room = await rooms.create()
        meet.fault(Fault(kind="http", status=429, methods=frozenset({"spaces.patch"})))
        with pytest.raises(MeetQuota) as refused:
            await rooms.close(room)
        assert refused.value.retry_after_s == 60
        await rooms.attendance(room)


async def test_the_servers_own_quota() -> None:
    """Another process of ours asks with the same account: the server refuses, and that is understood."""
    async with meeting() as (meet, rooms), block(meet).open(Hurried()) as others:
        for _ in range(10):
            await others.create()
        with pytest.raises(MeetQuota, match="HTTP 429, RESOURCE_EXHAUSTED, RATE_LIMIT_EXCEEDED"):
            await rooms.create()


async def test_who_gives_up_leaves_nothing_running() -> None:
    """A call that is cancelled in the middle of a slow answer does not hold its caller up."""
    async with meeting() as (meet, rooms):
        meet.fault(Fault(kind="slow", delay_s=0.8))
        began_s = time.monotonic()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await rooms.create()
        assert time.monotonic() - began_s < 0.6
