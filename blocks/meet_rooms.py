"""Rooms at Google Meet, within the quota: what a caller of the Block gets."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from google.apps.meet_v2 import Participant, ParticipantSession

from blocks.meet_account import Account, Page
from blocks.meet_attendance import Attendance, Stay, attendance
from blocks.meet_problem import MeetQuota, RoomMissing
from blocks.meet_quota import Quota, Use


class Clock(Protocol):
    """Tells the time and sleeps."""

    def utc(self) -> datetime: ...
    def monotonic_s(self) -> float: ...
    async def sleep(self, seconds: float) -> None: ...


@dataclass(frozen=True)
class Room:
    """A space at Meet: `name` is Google's, `host` the account that owns it, `link` lets people in."""

    name: str
    link: str
    host: str


class Rooms:
    """Several calls may run at once. Each raises MeetProblem; all but `create` may be repeated at will."""

    def __init__(
        self,
        block: str,
        accounts: Mapping[str, Account],
        clock: Clock,
        *,
        patience_s: float,
        quota_factor: int,
    ) -> None:
        self._block, self._accounts, self._clock = block, accounts, clock
        self._patience_s = patience_s
        self._quota = Quota(accounts, quota_factor)

    async def create(self, *, is_open: bool = True) -> Room:
        """Make a room on the account that has most of its quota left.

        Open from the start spares a request later: until somebody is given the link, nobody knows it. After an
        unanswered request there may be a room that nobody knows of; it harms nobody.
        """
        host = self._quota.next_host(Use.CREATE, self._clock.monotonic_s())
        async with self._within(host, Use.CREATE) as account:
            space = await account.create(is_open=is_open)
        return Room(space.name, space.meeting_uri, host)

    async def open(self, room: Room) -> None:
        """Let everybody in who has the link."""
        async with self._within(room.host, Use.WRITE) as account:
            await account.set_access(room.name, is_open=True)

    async def close(self, room: Room) -> None:
        """Let nobody in any more, then send everybody out: an ended room that is open can be entered again."""
        async with self._within(room.host, Use.WRITE) as account:
            await account.set_access(room.name, is_open=False)
        async with self._within(room.host, Use.WRITE) as account:
            await account.end(room.name)

    async def attendance(self, room: Room) -> Attendance:
        """Count who was in the room, in all of its conferences of the last 30 days; who is in it stays until now."""
        stays: list[Stay] = []
        for record in await self._all(room.host, Account.records, room.name):
            for guest in await self._all(room.host, Account.participants, record.name):
                sessions = await self._all(room.host, Account.sessions, guest.name)
                stays += (self._stay(guest, session) for session in sessions)
        return attendance(stays)

    async def check(self) -> int:
        """Ask for each account's conferences, so that `doctor` knows; return how many accounts there are."""
        for host in self._accounts:
            async with self._within(host, Use.READ) as account:
                await account.greet()
        return len(self._accounts)

    async def _all(
        self, host: str, ask: Callable[[Account, str, str], Awaitable[Page]], parent: str
    ) -> list[Any]:
        """Return what all pages hold; each page is a request."""
        async with self._within(host, Use.READ) as account:
            page = await ask(account, parent, "")
        found = list(page.items)
        while page.next_token:
            async with self._within(host, Use.READ) as account:
                page = await ask(account, parent, page.next_token)
            found += page.items
        return found

    @asynccontextmanager
    async def _within(self, host: str, use: Use) -> AsyncIterator[Account]:
        """Yield the account when a request is within the quota."""
        if host not in self._accounts:
            raise RoomMissing(block=self._block, host=host, reason="an account that the Block does not know")
        await self._turn(host, use)
        self._quota.take(host, use)
        try:
            yield self._accounts[host]
        except MeetQuota as refused:
            self._quota.rest(host, use, self._clock.monotonic_s() + refused.retry_after_s)
            raise MeetQuota(**{**refused.facts, "use": use}) from None
        finally:
            self._quota.give_back(host, use, self._clock.monotonic_s())

    async def _turn(self, host: str, use: Use) -> None:
        give_up_s = self._clock.monotonic_s() + self._patience_s
        while (wait_s := self._quota.wait_s(host, use, now_s := self._clock.monotonic_s())) > 0:
            if now_s + wait_s > give_up_s:
                told = {"block": self._block, "host": host, "use": use, "retry_after_s": wait_s}
                raise MeetQuota(**told, reason="by our own count")
            await self._clock.sleep(wait_s)

    def _stay(self, guest: Participant, session: ParticipantSession) -> Stay:
        until = session.end_time or self._clock.utc()
        return Stay(guest.signedin_user.user or guest.name, session.start_time.timestamp(), until.timestamp())
