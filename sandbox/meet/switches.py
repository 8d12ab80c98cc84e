"""The sandbox's side of Meet, below /sandbox: people who come and go, faults, the quota, and what was seen."""

from collections.abc import Awaitable, Callable
from time import time
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.chain.faults import Fault
from sandbox.forms import read, read_body
from sandbox.meet.diary import Diary
from sandbox.meet.quota import Quota
from sandbox.meet.refusal import MeetRefusal
from sandbox.meet.rooms import Rooms
from sandbox.meet.wire import Wire


class Visit(BaseModel):
    """Somebody at a room's door."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: str = Field(min_length=1, description="the room's code, or the whole link")
    person: str = Field(min_length=1, description="any name that tells people of one room apart")
    has_account: bool = Field(True, description="false for somebody whom Google does not know")

    @property
    def room(self) -> str:
        return self.code.rstrip("/").rpartition("/")[2]


class Grant(BaseModel):
    """How much more than usual Google allows."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    factor: int = Field(1, ge=1, le=1000, description="times Google's usual quotas, 1 to 1000")


class Account(BaseModel):
    """A host account."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    account: str = Field(min_length=1, description="a host account's name")


class Slice(BaseModel):
    """Which requests."""

    model_config = ConfigDict(extra="forbid")

    after: int = Field(0, ge=0, description="how many requests you have already, 0 or more")


class Switches:
    """What each route does is what it answers with: the counters, where nothing else is said."""

    def __init__(self, wire: Wire, rooms: Rooms, diary: Diary) -> None:
        self._wire, self._rooms, self._diary = wire, rooms, diary

    def routes(self) -> list[Route]:
        table: list[tuple[str, str, Callable[[Request], Awaitable[Response]]]] = [
            ("GET", "counters", self.counters),
            ("GET", "requests", self.requests),
            ("POST", "join", self.join),
            ("POST", "leave", self.leave),
            ("POST", "fault", self.fault),
            ("DELETE", "fault", self.clear_faults),
            ("POST", "quota", self.grant),
            ("POST", "revoke", self.revoke),
            ("DELETE", "revoke", self.restore),
        ]
        return [Route(f"/sandbox/{name}", answer, methods=[verb]) for verb, name, answer in table]

    async def counters(self, _request: Request) -> Response:
        return JSONResponse(self._counters())

    async def requests(self, request: Request) -> Response:
        after = read(dict(request.query_params), Slice).after
        return JSONResponse([each._asdict() for each in self._wire.journal.requests[after:]])

    async def join(self, request: Request) -> Response:
        visit = await read_body(request, Visit)
        facts = {"code": visit.room, "person": visit.person, "has_account": visit.has_account}
        return self._change("join", **facts, at_s=time())

    async def leave(self, request: Request) -> Response:
        visit = await read_body(request, Visit)
        return self._change("leave", code=visit.room, person=visit.person, at_s=time())

    async def fault(self, request: Request) -> Response:
        self._wire.faults.add(await read_body(request, Fault), self._wire.now_s())
        return JSONResponse(self._counters())

    async def clear_faults(self, _request: Request) -> Response:
        self._wire.faults.clear()
        return JSONResponse(self._counters())

    async def grant(self, request: Request) -> Response:
        self._wire.quota = Quota((await read_body(request, Grant)).factor)
        return JSONResponse(self._counters())

    async def revoke(self, request: Request) -> Response:
        self._wire.login.revoke((await read_body(request, Account)).account)
        return JSONResponse(self._counters())

    async def restore(self, _request: Request) -> Response:
        self._wire.login.revoke(None)
        return JSONResponse(self._counters())

    def _change(self, what: str, **facts: Any) -> Response:
        try:
            self._diary.change(what, **facts)
        except MeetRefusal as refusal:
            return JSONResponse(refusal.as_json(), refusal.code)
        return JSONResponse(self._counters())

    def _counters(self) -> dict[str, Any]:
        spaces = self._rooms.spaces.values()
        active = [space.conference for space in spaces if space.conference]
        faults = self._wire.faults.active(self._wire.now_s())
        return {
            "rooms": len(self._rooms.spaces),
            "open_rooms": sum(space.access.name == "OPEN" for space in spaces),
            "active_conferences": len(active),
            "people_inside": sum(len(conference.inside) for conference in active),
            "methods": self._wire.journal.by_method,
            "statuses": self._wire.journal.by_status,
            "quota_factor": self._wire.quota.factor,
            "faults": [fault.model_dump(mode="json", exclude_defaults=True) for fault in faults],
        }
