"""What Google's libraries raise, told as what an operator can mend: by code and reason, never by their text."""

import re
from http import HTTPStatus
from typing import Any

from google.api_core.exceptions import GoogleAPICallError
from google.auth.exceptions import RefreshError

from blocks.meet_problem import MeetProblem, MeetQuota, MeetRefusesUs, MeetUnreachable, RoomMissing
from blocks.meet_quota import WINDOW_S

_WORD = re.compile(r"[A-Za-z_]{1,60}")
_BY_CODE: dict[int, type[MeetProblem]] = {
    HTTPStatus.UNAUTHORIZED: MeetRefusesUs,
    HTTPStatus.FORBIDDEN: MeetRefusesUs,
    HTTPStatus.NOT_FOUND: RoomMissing,
    HTTPStatus.REQUEST_TIMEOUT: MeetUnreachable,
    HTTPStatus.TOO_MANY_REQUESTS: MeetQuota,
}


def explain(block: str, host: str, error: Exception) -> MeetProblem:
    """Return the `MeetProblem` for what a library raised."""
    told = {"block": block, "host": host, "reason": reason(error)}
    if isinstance(error, GoogleAPICallError):
        code = error.code or 0
        if code == HTTPStatus.NOT_FOUND and not status(error):
            return MeetUnreachable(**told)  # a page that some other server has not got
        kind = _BY_CODE.get(
            code, MeetUnreachable if code >= HTTPStatus.INTERNAL_SERVER_ERROR else MeetProblem
        )
        more = {"use": "request", "retry_after_s": retry_after_s(error)} if kind is MeetQuota else {}
        return kind(**told, **more)
    if isinstance(error, RefreshError) and not error.retryable:
        return MeetRefusesUs(**told)
    return MeetUnreachable(**told)


def status(error: GoogleAPICallError) -> str:
    """Return Google's own name for the code, say FAILED_PRECONDITION: the library knows it over gRPC alone."""
    return _word(_body(error).get("status"))


def reason(error: Exception) -> str:
    """Return codes and names alone: a text may quote what was sent."""
    if isinstance(error, GoogleAPICallError):
        words = (f"HTTP {error.code}", status(error), _word(error.reason))
        return ", ".join(word for word in words if word)
    kind = type(error).__name__
    answered = error.args[1] if isinstance(error, RefreshError) and len(error.args) > 1 else None
    word = _word(answered.get("error")) if isinstance(answered, dict) else ""
    return f"{kind}, {word}" if word else kind


def retry_after_s(error: GoogleAPICallError) -> float:
    """Return what the server asks for; Google's quotas are per minute, and it seldom says."""
    headers = getattr(error.response, "headers", {})
    asked = str(headers.get("Retry-After", ""))
    return float(asked) if asked.isdecimal() else WINDOW_S


def _body(error: GoogleAPICallError) -> dict[str, Any]:
    try:
        found = error.response.json()["error"]
    except (AttributeError, KeyError, TypeError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _word(value: object) -> str:
    return value if isinstance(value, str) and _WORD.fullmatch(value) else ""
