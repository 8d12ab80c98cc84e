"""What is said on the wire with the game server, and what its answers mean: pure.

Source  docs/pop.md, "The game server" and "Answers"
"""

import email.utils
import json
import math
import ssl
from datetime import UTC, datetime
from typing import Any, NamedTuple

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

RETRY_AFTER_MAX_S = 3600.0
OVERLOAD_STATUS = {408, 425, 429}
OVERLOAD_CLOSE = {1001, 1006, 1008, 1011, 1012, 1013, 1014}
SERVICE_RESTART = 1012


class GameError(Exception):
    """The game server did not serve a pop; `reason` is a class of failure, never the server's own text."""

    def __init__(self, reason: str, *, retry_after_s: float | None = None, restarting: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after_s = retry_after_s
        self.restarting = restarting


class Overwhelmed(GameError):
    """The server cannot cope now: slow down, try this account again later."""


class BadReply(GameError):
    """The server answered something that is not an answer to our pop."""


class Refused(GameError):
    """The server refuses us: address, token or Origin are wrong."""


class PopReply(NamedTuple):
    """What the server said of one account after a pop."""

    pops_today: int
    remaining_pops: int


def mark_pop(account: str, count: int) -> str:
    r"""Return the message: JSON inside JSON.

    >>> mark_pop("0xa", 100)
    '{"type": "markPop", "value": "{\\"count\\": 100, \\"username\\": \\"0xa\\"}"}'
    """
    return json.dumps({"type": "markPop", "value": json.dumps({"count": count, "username": account})})


def parse_reply(raw: str | bytes, account: str) -> PopReply:
    """Return what the server said of `account`.

    Raises:
        BadReply: binary, not JSON, not the contract's shape, or about somebody else.
    """
    if isinstance(raw, bytes):
        raise BadReply("binary")
    try:
        reply = json.loads(raw)
        pops = reply["markPop"]["userPops"]["remainingPopCountToday"]
        today, remaining = pops["todaysPops"], pops["remainingPops"]
        username = reply["username"]
    except (ValueError, RecursionError):
        raise BadReply("malformed JSON") from None
    except (KeyError, TypeError):
        raise BadReply("not a markPop reply") from None
    if username != account:
        raise BadReply("answer for another account")
    if not (_is_count(today) and _is_count(remaining)):
        raise BadReply("pop counts are not numbers")
    return PopReply(today, remaining)


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def classify(error: Exception) -> GameError:
    """Return what a failed exchange means, without any text of the library's or the server's."""
    if isinstance(error, InvalidStatus):
        return _classify_status(error.response.status_code, error.response.headers.get_all("Retry-After"))
    if isinstance(error, ConnectionClosed):
        return _classify_close(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return Refused("certificate not trusted")
    if isinstance(error, InvalidURI):
        return Refused("address not valid")
    reasons = {
        InvalidHandshake: "garbage handshake",
        TimeoutError: "timeout",
        ConnectionRefusedError: "connection refused",
    }
    known = (reason for kind, reason in reasons.items() if isinstance(error, kind))
    return Overwhelmed(next(known, f"network: {type(error).__name__}"))


def _classify_status(status: int, retry_after: list[str]) -> GameError:
    if status in OVERLOAD_STATUS or status >= 500:  # noqa: PLR2004
        # A proxy and the server behind it may each have said when to come back.
        waits_s = (seconds_from(header, datetime.now(UTC)) for header in retry_after)
        longest_s = max((wait_s for wait_s in waits_s if wait_s is not None), default=None)
        return Overwhelmed(f"HTTP {status}", retry_after_s=longest_s)
    return Refused(f"HTTP {status}")


def _classify_close(error: ConnectionClosed) -> GameError:
    if error.sent and not error.rcvd:
        return BadReply(f"unreadable frame ({error.sent.code})")
    code = error.rcvd.code if error.rcvd else 1006
    if code in OVERLOAD_CLOSE:
        return Overwhelmed(f"close {code}", restarting=code == SERVICE_RESTART)
    return BadReply(f"closed without an answer ({code})")


def seconds_from(retry_after: str, now_utc: datetime) -> float | None:
    """Return a Retry-After header (seconds or an HTTP date) in seconds, at most an hour.

    >>> seconds_from("7", datetime.now(UTC)), seconds_from("soon", datetime.now(UTC))
    (7.0, None)
    """
    try:
        seconds = float(retry_after)
    except ValueError:
        seconds = _seconds_until(retry_after, now_utc)
    return None if math.isnan(seconds) else min(max(seconds, 0.0), RETRY_AFTER_MAX_S)


def _seconds_until(http_date: str, now_utc: datetime) -> float:
    parsed = email.utils.parsedate_tz(http_date)
    try:
        return math.nan if parsed is None else email.utils.mktime_tz(parsed) - now_utc.timestamp()
    except (ValueError, OverflowError):  # the year 99999
        return math.nan
