"""The methods of Meet's REST API that the client library calls for us; any other is refused loudly."""

import re
import secrets
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from string import ascii_lowercase
from typing import Any

from sandbox.meet import shapes
from sandbox.meet.diary import Diary
from sandbox.meet.refusal import MeetRefusal
from sandbox.meet.rooms import Rooms, Space

_ONE_SPACE = re.compile(r'space\.name = "spaces/([\w-]+)"')


@dataclass(frozen=True)
class Call:
    """A request as it came: `path` holds what stands between the slashes, `url` is where people find rooms."""

    account: str
    url: str
    at_s: float
    path: dict[str, str]
    query: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)


class Api:
    """Each method returns its JSON or raises MeetRefusal."""

    def __init__(self, rooms: Rooms, diary: Diary) -> None:
        self._rooms, self._diary = rooms, diary
        self.methods: dict[str, Callable[[Call], dict[str, Any]]] = {
            "spaces.create": self.create,
            "spaces.get": self.get,
            "spaces.patch": self.patch,
            "spaces.endActiveConference": self.end,
            "conferenceRecords.list": self.records,
            "conferenceRecords.participants.list": self.participants,
            "conferenceRecords.participants.participantSessions.list": self.sessions,
        }

    def create(self, call: Call) -> dict[str, Any]:
        _known(call, body={"config"})
        key = secrets.token_urlsafe(9).replace("_", "a").replace("-", "b")
        access = shapes.access(call.body.get("config", {}))
        self._diary.change("create", key=key, code=_code(), owner=call.account, access=int(access))
        return shapes.space(self._rooms.space(key), call.url)

    def get(self, call: Call) -> dict[str, Any]:
        _known(call)
        return shapes.space(self._owned(call), call.url)

    def patch(self, call: Call) -> dict[str, Any]:
        _known(call, {"updateMask"}, {"name", "config"})
        if call.query.get("updateMask") != "config.accessType":
            raise MeetRefusal(501, "The sandbox patches config.accessType alone: send that updateMask.")
        space = self._owned(call)
        self._diary.change("admit", key=space.key, access=int(shapes.access(call.body["config"])))
        return shapes.space(space, call.url)

    def end(self, call: Call) -> dict[str, Any]:
        _known(call)
        self._diary.change("end", key=self._owned(call).key, at_s=call.at_s)
        return {}

    def records(self, call: Call) -> dict[str, Any]:
        _known(call, {"filter", "pageSize", "pageToken"})
        wanted = call.query.get("filter", "")
        only = _ONE_SPACE.fullmatch(wanted)
        if wanted and not only:
            raise MeetRefusal(501, 'The sandbox knows one filter: space.name = "spaces/NAME".')
        found = [
            shapes.record(each)
            for each in reversed(self._rooms.conferences)
            if self._rooms.space(each.space).owner == call.account and (not only or each.space == only[1])
        ]
        return _page("conferenceRecords", found, call)

    def participants(self, call: Call) -> dict[str, Any]:
        _known(call, {"pageSize", "pageToken"})
        conference = self._rooms.conference(call.path["record"])
        self._owns(call, self._rooms.space(conference.space))
        guests = enumerate(conference.guests.values(), 1)
        found = [shapes.participant(conference.key, number, guest) for number, guest in guests]
        return _page("participants", found, call)

    def sessions(self, call: Call) -> dict[str, Any]:
        _known(call, {"pageSize", "pageToken"})
        conference = self._rooms.conference(call.path["record"])
        self._owns(call, self._rooms.space(conference.space))
        number = int(call.path["participant"])
        guest = dict(enumerate(conference.guests.values(), 1)).get(number)
        if guest is None:
            raise MeetRefusal(404, f"There is no participant {number}.")
        name = f"conferenceRecords/{conference.key}/participants/{number}"
        found = [shapes.session(name, index, each) for index, each in enumerate(guest.sessions, 1)]
        return _page("participantSessions", found, call)

    def _owned(self, call: Call) -> Space:
        space = self._rooms.space(call.path["space"])
        self._owns(call, space)
        return space

    @staticmethod
    def _owns(call: Call, space: Space) -> None:
        if space.owner != call.account:
            raise MeetRefusal(403, "The caller does not have permission.")


def _page(name: str, found: list[dict[str, Any]], call: Call) -> dict[str, Any]:
    return shapes.page(name, found, call.query.get("pageSize", ""), call.query.get("pageToken", ""))


def _known(call: Call, query: AbstractSet[str] = frozenset(), body: AbstractSet[str] = frozenset()) -> None:
    """Refuse what our client does not send: whoever sends it would wait for what never happens."""
    if call.query.get("$alt") != "json;enum-encoding=int":
        raise MeetRefusal(501, "The sandbox writes enums as numbers: ask with $alt=json;enum-encoding=int.")
    if unknown := (call.query.keys() - query - {"$alt"}) | (call.body.keys() - body):
        raise MeetRefusal(501, f"The sandbox does not know {', '.join(sorted(unknown))} here.")


def _code() -> str:
    letters = [secrets.choice(ascii_lowercase) for _ in range(10)]
    return "-".join("".join(part) for part in (letters[:3], letters[3:7], letters[7:]))
