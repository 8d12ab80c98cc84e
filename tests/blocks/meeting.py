"""A Meet to talk to, the Block in front of it, and a clock on which a minute's quota takes no minute."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic, time
from typing import Any

from blocks.meet import Meet
from blocks.meet_rooms import Room, Rooms
from flows.common.clock import Clock
from sandbox.meet import MeetServer

BREATH_S = 0.1
SECRETS = {"host-1": "s3cret-Qk81", "host-2": "s3cret-Zw52"}


class Hurried(Clock):
    """Whoever sleeps is there as soon as what is under way is done; threads may ask it, too."""

    def __init__(self) -> None:
        self.skipped_s = 0.0

    def monotonic_s(self) -> float:
        return monotonic() + self.skipped_s

    async def sleep(self, seconds: float) -> None:
        until_s = self.monotonic_s() + seconds
        await asyncio.sleep(BREATH_S)
        self.skipped_s = max(self.skipped_s, until_s - monotonic())


def block(meet: MeetServer, **others: Any) -> Meet:
    """The Block as the server's own variables fill it."""
    env = meet.describe().env
    usual = {"endpoint": env["MEET_ENDPOINT"], "hosts": json.loads(env["MEET_HOSTS"]), "timeout_s": 1}
    return Meet.model_validate(usual | others)


@asynccontextmanager
async def meeting(
    hosts: int = 1, clock: Clock | None = None, *, patience_s: float = 0.0, **others: Any
) -> AsyncIterator[tuple[MeetServer, Rooms]]:
    """Yield a server with so many accounts, and its rooms as a flow gets them; both on one clock."""
    clock = clock or Clock()
    now_s = clock.monotonic_s if isinstance(clock, Hurried) else monotonic
    async with (
        MeetServer(accounts=dict(list(SECRETS.items())[:hosts]), now_s=now_s) as meet,
        block(meet, **others).open(clock, patience_s=patience_s) as rooms,
    ):
        yield meet, rooms


def enter(meet: MeetServer, room: Room, *people: str, ago_s: float = 0, has_account: bool = True) -> None:
    """Let people into a room; refused as at a real door."""
    for person in people:
        meet.rooms.join(code=code(room), person=person, has_account=has_account, at_s=time() - ago_s)


def leave(meet: MeetServer, room: Room, *people: str, ago_s: float = 0) -> None:
    for person in people:
        meet.rooms.leave(code=code(room), person=person, at_s=time() - ago_s)


def code(room: Room) -> str:
    return room.link.rpartition("/")[2]


def asked(meet: MeetServer) -> list[tuple[str, int]]:
    """Return method and status of every request, in order."""
    return [(request.method, request.status) for request in meet.journal.requests]
