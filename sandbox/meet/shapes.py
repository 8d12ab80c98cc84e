"""Meet's JSON: spaces, conference records, participants and their sessions, with enums as numbers."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sandbox.meet.refusal import MeetRefusal
from sandbox.meet.rooms import Access, Conference, Guest, Session, Space

KEPT_S = 30 * 86_400  # records are gone after 30 days
USUAL, MOST = 25, 100  # of a page


def space(found: Space, url: str) -> dict[str, Any]:
    told = {
        "name": f"spaces/{found.key}",
        "meetingUri": f"{url}/{found.code}",
        "meetingCode": found.code,
        "config": {"accessType": int(found.access), "entryPointAccess": 1},
    }
    if found.conference:
        told["activeConference"] = {"conferenceRecord": f"conferenceRecords/{found.conference.key}"}
    return told


def record(found: Conference) -> dict[str, Any]:
    return {
        "name": f"conferenceRecords/{found.key}",
        **_times(found.since_s, found.until_s),
        "expireTime": moment((found.until_s or found.since_s) + KEPT_S),
        "space": f"spaces/{found.space}",
    }


def participant(conference: str, number: int, guest: Guest) -> dict[str, Any]:
    last_s = guest.sessions[-1].until_s
    told = {
        "name": f"conferenceRecords/{conference}/participants/{number}",
        "earliestStartTime": moment(guest.sessions[0].since_s),
        **({} if last_s is None else {"latestEndTime": moment(last_s)}),
    }
    if guest.has_account:
        return {**told, "signedinUser": {"user": f"users/{guest.person}", "displayName": guest.person}}
    return {**told, "anonymousUser": {"displayName": guest.person}}


def session(participant_name: str, number: int, found: Session) -> dict[str, Any]:
    name = f"{participant_name}/participantSessions/{number}"
    return {"name": name, **_times(found.since_s, found.until_s)}


def moment(unix_s: float) -> str:
    """Return a time as protobuf writes it in JSON.

    >>> moment(0.25)
    '1970-01-01T00:00:00.250000Z'
    """
    return datetime.fromtimestamp(unix_s, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def page(name: str, items: Sequence[dict[str, Any]], size: str, token: str) -> dict[str, Any]:
    """Return a page of a list; the token is the number of what was seen already.

    Raises:
        MeetRefusal: a size or a token that is none.
    """
    if not (size or "0").isdecimal() or not (token or "0").isdecimal():
        raise MeetRefusal(400, "The page size or the page token is not valid.")
    start, most = int(token or 0), min(int(size or 0) or USUAL, MOST)
    more = {"nextPageToken": str(start + most)} if len(items) > start + most else {}
    return {name: items[start : start + most], **more}


def access(config: dict[str, Any]) -> Access:
    """Return the access that a config asks for; unspecified is Google's usual.

    Raises:
        MeetRefusal: no access type, or a field that nobody here sends.
    """
    given = config.get("accessType", 0) or Access.TRUSTED
    if config.keys() - {"accessType"} or given not in list(Access):
        raise MeetRefusal(501, f"The sandbox knows accessType 1 to 3 and no other field, not {config}.")
    return Access(given)


def _times(since_s: float, until_s: float | None) -> dict[str, str]:
    return {"startTime": moment(since_s), **({} if until_s is None else {"endTime": moment(until_s)})}
