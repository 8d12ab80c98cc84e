"""What Meet says instead of an answer, in Google's form."""

from typing import Any

NAMES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


class MeetRefusal(Exception):
    """A request is not done; `name` is Google's own for the code where it has several."""

    def __init__(self, code: int, message: str, *, name: str = "", reason: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.reason = code, message, reason
        self.name = name or NAMES.get(code, "UNKNOWN")

    def as_json(self) -> dict[str, Any]:
        info = {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": self.reason,
            "domain": "googleapis.com",
        }
        error = {"code": self.code, "message": self.message, "status": self.name}
        return {"error": {**error, **({"details": [info]} if self.reason else {})}}
