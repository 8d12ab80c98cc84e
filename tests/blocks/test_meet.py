"""Rooms at Google Meet by the real client library: made, opened, closed, counted, within the quota."""

import asyncio

import pytest

from blocks.meet_attendance import Attendance
from blocks.meet_problem import MeetQuota, RoomMissing
from blocks.meet_rooms import Room
from sandbox.meet.refusal import MeetRefusal
from sandbox.meet.rooms import Access
from tests.blocks.meeting import Hurried, asked, code, enter, leave, meeting

PATCH, END = "spaces.patch", "spaces.endActiveConference"


async def test_a_new_room_has_a_name_and_a_link() -> None:
    """The link leads to the room, which is open from the start, or shut when that is asked for."""
    async with meeting() as (meet, rooms):
        room, shut = await rooms.create(), await rooms.create(is_open=False)
        assert room.name.startswith("spaces/")
        assert room.host == "host-1"
        enter(meet, room, "ann")
        with pytest.raises(MeetRefusal, match="not open"):
            enter(meet, shut, "ann")


async def test_a_room_is_opened() -> None:
    """Who was kept out gets in after it."""
    async with meeting() as (meet, rooms):
        room = await rooms.create(is_open=False)
        await rooms.open(room)
        enter(meet, room, "ann")
        assert meet.rooms.space(code(room)).access is Access.OPEN


async def test_a_room_is_shut_before_it_is_ended() -> None:
    """The server sees the patch first; between the two nobody could come back in."""
    async with meeting() as (meet, rooms):
        room = await rooms.create()
        enter(meet, room, "ann", "bob")
        await rooms.close(room)
        assert asked(meet) == [("spaces.create", 200), (PATCH, 200), (END, 200)]
        assert meet.rooms.space(code(room)).conference is None
        with pytest.raises(MeetRefusal, match="not open"):
            enter(meet, room, "ann")


async def test_a_room_that_nobody_came_to_is_closed_all_the_same() -> None:
    """That there is no conference to end is as good; so is closing a second time."""
    async with meeting() as (meet, rooms):
        room = await rooms.create()
        await rooms.close(room)
        await rooms.close(room)
        assert asked(meet)[1:] == [(PATCH, 200), (END, 400)] * 2


async def test_people_and_their_time_together() -> None:
    """Two who come, one of whom leaves and comes back: two people, and the time when both were there."""
    async with meeting() as (meet, rooms):
        room = await rooms.create()
        enter(meet, room, "ann", ago_s=300)
        enter(meet, room, "bob", ago_s=240)
        leave(meet, room, "bob", ago_s=180)
        enter(meet, room, "bob", ago_s=60)
        leave(meet, room, "ann", "bob", ago_s=30)
        seen = await rooms.attendance(room)
        assert seen == Attendance(people=2, together_s=pytest.approx(90, abs=1))


async def test_a_person_is_one_in_all_conferences_of_a_room() -> None:
    """An ended room that is open is entered again: a second record, the same people."""
    async with meeting() as (meet, rooms):
        room = await rooms.create()
        for ago_s in (300, 100):
            enter(meet, room, "ann", "bob", ago_s=ago_s)
            meet.rooms.end(key=code(room), at_s=meet.rooms.conferences[-1].since_s + 40)
        assert len(meet.rooms.conferences) == 2
        assert await rooms.attendance(room) == Attendance(2, pytest.approx(80, abs=1))


async def test_who_is_still_inside_stays_until_now() -> None:
    """A conference that goes on has no end yet; somebody without an account counts, too."""
    async with meeting() as (meet, rooms):
        room = await rooms.create()
        enter(meet, room, "ann", ago_s=50)
        enter(meet, room, "bob", ago_s=20, has_account=False)
        assert await rooms.attendance(room) == Attendance(2, pytest.approx(20, abs=2))


async def test_an_empty_room_had_nobody() -> None:
    """No record at all is an answer."""
    async with meeting() as (_, rooms):
        assert await rooms.attendance(await rooms.create()) == Attendance(0, 0)


async def test_a_list_of_several_pages_is_read_to_its_end() -> None:
    """A page holds a hundred; 101 people are 101, and each page costs a request."""
    async with meeting() as (meet, rooms):
        room = await rooms.create()
        enter(meet, room, *(f"p{number}" for number in range(101)), ago_s=10)
        assert (await rooms.attendance(room)).people == 101
        assert meet.journal.by_method["conferenceRecords.participants.list"] == 2


async def test_another_room_does_not_count() -> None:
    """Records are asked for one room, though the account has more."""
    async with meeting() as (meet, rooms):
        room, other = await rooms.create(), await rooms.create()
        enter(meet, other, "ann", "bob", ago_s=60)
        assert await rooms.attendance(room) == Attendance(0, 0)


async def test_hosts_are_used_in_turn() -> None:
    """Each account makes its share, and a room is changed by the account that owns it."""
    async with meeting(hosts=2) as (meet, rooms):
        made = [await rooms.create() for _ in range(6)]
        assert [room.host for room in made] == ["host-1", "host-2"] * 3
        await asyncio.gather(*map(rooms.close, made))
        owners = {room.name.removeprefix("spaces/"): room.host for room in made}
        changes = [each for each in meet.journal.requests if each.method == PATCH]
        assert {each.name: each.account for each in changes} == owners


async def test_twenty_rooms_at_once_need_two_hosts() -> None:
    """Ten a minute each; the twenty-first is refused by our own count, and the server never is asked."""
    async with meeting(hosts=2) as (meet, rooms):
        made = await asyncio.gather(*(rooms.create() for _ in range(20)))
        assert len({room.link for room in made}) == 20
        with pytest.raises(MeetQuota, match="by our own count") as refused:
            await rooms.create()
        assert 55 < refused.value.retry_after_s <= 60
        assert asked(meet) == [("spaces.create", 200)] * 20


@pytest.mark.parametrize("at_once", [True, False])
async def test_who_is_patient_waits_for_the_quota(at_once: bool) -> None:
    """Twenty-five rooms of one account take two minutes, and the server never has to refuse one."""
    clock = Hurried()
    async with meeting(clock=clock, patience_s=300) as (meet, rooms):
        if at_once:
            await asyncio.gather(*(rooms.create() for _ in range(25)))
        else:
            for _ in range(25):
                await rooms.create()
        assert asked(meet) == [("spaces.create", 200)] * 25
        assert clock.skipped_s >= 115


async def test_a_larger_quota_is_used() -> None:
    """Where Google granted more, both sides count by it."""
    async with meeting(quota_factor=3) as (meet, rooms):
        meet._wire.quota.factor = 3
        await asyncio.gather(*(rooms.create() for _ in range(30)))
        with pytest.raises(MeetQuota):
            await rooms.create()
        assert asked(meet) == [("spaces.create", 200)] * 30


async def test_doctor_asks_every_host() -> None:
    """One reading request for each account, and nothing is changed."""
    async with meeting(hosts=2) as (meet, rooms):
        assert await rooms.check() == 2
        assert [(each.account, each.method) for each in meet.journal.requests] == [
            ("host-1", "conferenceRecords.list"),
            ("host-2", "conferenceRecords.list"),
        ]


async def test_a_room_of_an_account_that_was_taken_out() -> None:
    """Nobody else may close it: said without asking."""
    async with meeting() as (meet, rooms):
        with pytest.raises(RoomMissing, match="host-9"):
            await rooms.close(Room("spaces/x", "https://meet.example/x", "host-9"))
        assert asked(meet) == []
