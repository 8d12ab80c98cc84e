"""What the game accepts and answers, without any I/O. Source: docs/pop.md, the outside contract."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from sandbox.game.quota import Tally

ORIGIN = "https://www.popcoin.game"


class WrongMessageError(Exception):
    """The message is not a markPop of this connection's account."""


@dataclass(frozen=True)
class Refusal:
    status: int
    reason: str


def account_of(path: str) -> str:
    """The username in the URL, or an empty string.

    >>> account_of("/?token=t&username=0xab")
    '0xab'
    """
    return _query(path, "username")


def refusal(path: str, origins: Sequence[str], token: str) -> Refusal | None:
    """Why the door stays shut: no or a wrong token, a wrong or doubled Origin, no username."""
    given = _query(path, "token")
    if not given:
        return Refusal(401, "token is missing")
    if given != token:
        return Refusal(403, "token is wrong")
    if list(origins) != [ORIGIN]:
        return Refusal(403, f"Origin must be sent once and be {ORIGIN}")
    if not account_of(path):
        return Refusal(400, "username is missing")
    return None


def pops_in(message: str | bytes, account: str) -> int:
    """How many pops the message marks.

    Raises:
        WrongMessageError: it is anything but the one known message, or somebody else's.
    """
    outer = _object(message, {"type", "value"})
    if outer["type"] != "markPop":
        raise WrongMessageError("type is not markPop")
    inner = _object(outer["value"], {"count", "username"})
    if inner["username"] != account:
        raise WrongMessageError("username is not the one in the URL")
    if type(inner["count"]) is not int or inner["count"] < 1:
        raise WrongMessageError("count is not a positive whole number")
    return inner["count"]


def reply(account: str, tally: Tally) -> dict[str, Any]:
    """The answer to a markPop, as the game shapes it."""
    remaining = {
        "todaysPops": tally.todays_pops,
        "remainingPops": tally.remaining_pops,
        "dailyFreeBubbleQuota": tally.quota_pops,
        "extraBubbles": 0,
    }
    pops = {"popCountToday": tally.todays_pops, "remainingPopCountToday": remaining}
    return {
        "username": account,
        "markPop": {"userPops": pops},
        "redeemableCountUpdate": {"redeemableCount": tally.account_pops},
        "globalPopCountUpdate": {"globalPopCount": tally.all_pops},
        "userCountsUpdate": {"userCounts": {account: tally.account_pops}},
    }


def _query(path: str, name: str) -> str:
    return parse_qs(urlsplit(path).query).get(name, [""])[0]


def _object(text: object, keys: set[str]) -> dict[str, Any]:
    if not isinstance(text, str):
        raise WrongMessageError("JSON inside a text is expected")
    try:
        value = json.loads(text)
    except ValueError:
        raise WrongMessageError("not JSON") from None
    if not isinstance(value, dict) or value.keys() != keys:
        raise WrongMessageError(f"expected an object with {sorted(keys)}")
    return value
