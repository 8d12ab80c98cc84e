"""Spaces, the conferences in them, and the people in those. Pure: times are Unix and handed in."""

from dataclasses import dataclass, field
from enum import IntEnum

from sandbox.meet.refusal import MeetRefusal


class Access(IntEnum):
    """Who may come in; the numbers are Google's."""

    OPEN = 1
    TRUSTED = 2
    RESTRICTED = 3


@dataclass
class Session:
    """One person inside without a break; no `until_s` while they are."""

    since_s: float
    until_s: float | None = None


@dataclass
class Guest:
    """A person in one conference; with an account they are the same person in each."""

    person: str
    has_account: bool
    sessions: list[Session] = field(default_factory=list)

    @property
    def is_inside(self) -> bool:
        return bool(self.sessions) and self.sessions[-1].until_s is None


@dataclass
class Conference:
    """From the first person's coming until the last one's leaving, or until it is ended."""

    key: str
    space: str
    since_s: float
    until_s: float | None = None
    guests: dict[str, Guest] = field(default_factory=dict)

    @property
    def inside(self) -> list[Guest]:
        return [guest for guest in self.guests.values() if guest.is_inside]


@dataclass
class Space:
    """A room; `conference` is the one that is going on."""

    key: str
    code: str
    owner: str
    access: Access
    conference: Conference | None = None


class Rooms:
    """All that a Meet knows; every change is one method with arguments that fit into JSON.

    >>> rooms = Rooms()
    >>> rooms.create(key="s1", code="abc-defg-hij", owner="host-1", access=1)
    >>> rooms.join(code="abc-defg-hij", person="ann", has_account=True, at_s=5)
    >>> rooms.end(key="s1", at_s=65)
    >>> [(each.since_s, each.until_s) for each in rooms.conferences]
    [(5, 65)]
    """

    def __init__(self) -> None:
        self.spaces: dict[str, Space] = {}
        self.conferences: list[Conference] = []
        self._by_code: dict[str, Space] = {}

    def space(self, key: str) -> Space:
        """Return a space by its key or its code, as Meet does.

        Raises:
            MeetRefusal: there is none.
        """
        found = self.spaces.get(key) or self._by_code.get(key)
        if found is None:
            raise MeetRefusal(404, f"There is no space {key}.")
        return found

    def conference(self, key: str) -> Conference:
        """Return a conference.

        Raises:
            MeetRefusal: there is none.
        """
        for found in self.conferences:
            if found.key == key:
                return found
        raise MeetRefusal(404, f"There is no conference record {key}.")

    def create(self, *, key: str, code: str, owner: str, access: int) -> None:
        self.spaces[key] = self._by_code[code] = Space(key, code, owner, Access(access))

    def admit(self, *, key: str, access: int) -> None:
        """Say who may come in from now on; who is inside stays."""
        self.space(key).access = Access(access)

    def join(self, *, code: str, person: str, has_account: bool, at_s: float) -> None:
        """Let a person in, which begins a conference when nobody is inside.

        Raises:
            MeetRefusal: there is no such room, or it is not open.
        """
        space = self.space(code)
        if space.access is not Access.OPEN:
            raise MeetRefusal(403, f"{code} is not open: nobody lets you in.")
        if space.conference is None:
            key = f"{space.key}-{1 + sum(each.space == space.key for each in self.conferences)}"
            space.conference = Conference(key, space.key, at_s)
            self.conferences.append(space.conference)
        guest = space.conference.guests.setdefault(person, Guest(person, has_account))
        if not guest.is_inside:
            guest.sessions.append(Session(at_s))

    def leave(self, *, code: str, person: str, at_s: float) -> None:
        """Let a person out, and end the conference with the last one. Who is not inside may always leave."""
        space = self.space(code)
        for guest in space.conference.inside if space.conference else ():
            if guest.person == person:
                guest.sessions[-1].until_s = at_s
        if space.conference and not space.conference.inside:
            self._end(space, at_s)

    def end(self, *, key: str, at_s: float) -> None:
        """Send everybody out.

        Raises:
            MeetRefusal: nobody is inside.
        """
        space = self.space(key)
        if space.conference is None:
            raise MeetRefusal(
                400, "There is no active conference for the given space.", name="FAILED_PRECONDITION"
            )
        self._end(space, at_s)

    def _end(self, space: Space, at_s: float) -> None:
        assert space.conference is not None
        for guest in space.conference.inside:
            guest.sessions[-1].until_s = at_s
        space.conference.until_s, space.conference = at_s, None
