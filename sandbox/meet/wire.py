"""HTTP around Meet: who asks, the quota, the faults on the way."""

import asyncio
import json
from collections.abc import Callable
from functools import partial
from time import time
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from uvicorn.protocols.http.h11_impl import H11Protocol

from sandbox.chain.faults import Fault, Faults
from sandbox.meet import journal
from sandbox.meet.api import Api, Call
from sandbox.meet.diary import Diary
from sandbox.meet.journal import Journal
from sandbox.meet.login import Login
from sandbox.meet.quota import Quota
from sandbox.meet.refusal import MeetRefusal
from sandbox.meet.rooms import Rooms

RECORD = "/v2/conferenceRecords/{record}/participants"
PATHS = {
    ("POST", "/v2/spaces"): "spaces.create",
    ("GET", "/v2/spaces/{space}"): "spaces.get",
    ("PATCH", "/v2/spaces/{space}"): "spaces.patch",
    ("POST", "/v2/spaces/{space}:endActiveConference"): "spaces.endActiveConference",
    ("GET", "/v2/conferenceRecords"): "conferenceRecords.list",
    ("GET", RECORD): "conferenceRecords.participants.list",
    ("GET", f"{RECORD}/{{participant:int}}/participantSessions"):
        "conferenceRecords.participants.participantSessions.list",
}  # fmt: skip


class Http(H11Protocol):
    """Hands the connection itself to the application, so that it can be cut."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


class Wire:
    """A request suffers a fault first, then shows its token, then counts against the quota."""

    def __init__(
        self, login: Login, rooms: Rooms, diary: Diary, quota: Quota, now_s: Callable[[], float]
    ) -> None:
        self.login, self.quota, self.now_s = login, quota, now_s
        self.faults, self.journal = Faults(), Journal()
        self._api, self._rooms = Api(rooms, diary), rooms

    def routes(self) -> list[Route]:
        """Return Meet's own routes: the API, the token endpoint, and the page behind a room's link."""
        return [
            *(
                Route(path, partial(self._answer, name), methods=[verb])
                for (verb, path), name in PATHS.items()
            ),
            Route("/token", self._token, methods=["POST"]),
            Route("/{code:str}", self._room),
            Route(
                "/{rest:path}",
                partial(self._answer, "unknown"),
                methods=["GET", "POST", "PATCH", "PUT", "DELETE"],
            ),
        ]

    async def _answer(self, method: str, request: Request) -> Response:
        fault = self.faults.strike({method}, self.now_s())
        if fault and fault.kind == "slow":
            await asyncio.sleep(fault.delay_s)
        account = ""
        try:
            account = self.login.account(request.headers.get("Authorization", ""))
            answer = JSONResponse(self._do(method, await _read(request, account), fault))
        except MeetRefusal as refusal:
            answer = JSONResponse(refusal.as_json(), refusal.code, _retry_after(fault))
        is_cut = fault is not None and fault.kind in {"down", "lost_answer"}
        self._note(request, account, method, 0 if is_cut else answer.status_code)
        if is_cut:
            request.scope["state"]["transport"].abort()
        return answer

    def _do(self, method: str, call: Call, fault: Fault | None) -> dict[str, Any]:
        if fault and fault.kind in {"http", "down"}:
            raise MeetRefusal(fault.status, "The sandbox was told to fail.")
        if method not in self._api.methods:
            raise MeetRefusal(501, "The sandbox's Meet does not know this method: see sandbox/meet/wire.py.")
        if not self.quota.take(call.account, method, self.now_s()):
            raise MeetRefusal(429, f"Quota exceeded for {method}.", reason="RATE_LIMIT_EXCEEDED")
        return self._api.methods[method](call)

    def _note(self, request: Request, account: str, method: str, status: int) -> None:
        name = request.path_params.get("space") or request.path_params.get("record", "")
        self.journal.requests.append(journal.Request(time(), account, method, name, status))

    async def _token(self, request: Request) -> Response:
        status, told = self.login.issue(await request.body())
        return JSONResponse(told, status)

    async def _room(self, request: Request) -> Response:
        """Tell whoever follows a room's link where they are."""
        code = request.path_params["code"]
        try:
            space = self._rooms.space(code)
        except MeetRefusal:
            return PlainTextResponse(f"There is no room {code}.\n", 404)
        inside = len(space.conference.inside) if space.conference else 0
        return PlainTextResponse(f"Room {code}: {space.access.name.lower()}, {inside} inside.\n")


async def _read(request: Request, account: str) -> Call:
    text = await request.body()
    path = {name: str(value) for name, value in request.path_params.items()}
    url = str(request.base_url).rstrip("/")
    try:
        body = json.loads(text or b"{}")
    except ValueError:
        raise MeetRefusal(400, "Invalid JSON payload received.") from None
    return Call(account, url, time(), path, dict(request.query_params), body)


def _retry_after(fault: Fault | None) -> dict[str, str]:
    asked = fault is not None and fault.kind == "http" and fault.retry_after_s is not None
    return {"Retry-After": str(fault.retry_after_s)} if fault and asked else {}
