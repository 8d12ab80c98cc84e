"""The game's door and its one message."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from sandbox.game import GameServer


def mark(count: Any = 100, username: str = "0xab", kind: str = "markPop", **more: Any) -> str:
    return json.dumps({"type": kind, "value": json.dumps({"count": count, "username": username}), **more})


async def test_a_right_message_is_answered_in_the_contract_s_shape(game: GameServer, pop: Any) -> None:
    """A markPop is answered with the account, its pops of today and what remains."""
    assert await pop(game, count=60) == {
        "username": "0xab",
        "markPop": {
            "userPops": {
                "popCountToday": 60,
                "remainingPopCountToday": {
                    "todaysPops": 60,
                    "remainingPops": 40,
                    "dailyFreeBubbleQuota": 100,
                    "extraBubbles": 0,
                },
            }
        },
        "redeemableCountUpdate": {"redeemableCount": 60},
        "globalPopCountUpdate": {"globalPopCount": 60},
        "userCountsUpdate": {"userCounts": {"0xab": 60}},
    }


@pytest.mark.parametrize(
    ("odd", "seen"),
    [
        ({"token": ""}, "http_401"),
        ({"token": "wrong"}, "http_403"),
        ({"account": ""}, "http_400"),
        ({"origins": ()}, "http_403"),
        ({"origins": ("https://www.popcoin.game/",)}, "http_403"),
        ({"origins": ("https://www.popcoin.game", "https://www.popcoin.game")}, "http_403"),
    ],
)
async def test_the_door_checks_credentials(
    game: GameServer, pop: Any, odd: dict[str, Any], seen: str
) -> None:
    """Without the token, the one Origin and a username there is no handshake, and the refusal is counted."""
    assert await pop(game, **odd) == seen
    assert game.counters.refused == {int(seen.removeprefix("http_")): 1}
    assert game.counters.messages == 0


@pytest.mark.parametrize(
    "message",
    [
        "",
        "no json",
        "[]",
        mark().encode(),
        mark(kind="ping"),
        mark(extra=1),
        mark(username="0xcd"),
        mark(count=0),
        mark(count=True),
        json.dumps({"type": "markPop", "value": {"count": 100, "username": "0xab"}}),
    ],
)
async def test_a_wrong_message_closes_the_connection(game: GameServer, pop: Any, message: str) -> None:
    """Anything but the known message of the URL's own account is answered by close 1008 and pops nothing."""
    assert await pop(game, message=message) == "close_1008"
    assert game.counters.refused == {1008: 1}
    assert game.counters.pops == 0


async def test_the_quota_ends_and_comes_back_at_midnight(pop: Any, pass_time: Any) -> None:
    """An account that used its quota gets a valid answer with nothing remaining, until the next day (UTC)."""
    late = datetime(2030, 1, 1, 23, 59, 59, 700_000, tzinfo=UTC)
    async with GameServer(token="t0ken", quota=100, opens_utc=late) as game:
        today = [await pop(game, count=70) for _ in range(3)]
        assert [left_in(answer) for answer in today] == [30, 0, 0]
        assert game.counters.outcomes == {"served": 2, "exhausted": 1}
        await pass_time(0.5)
        assert left_in(await pop(game, count=70)) == 30


def left_in(answer: Any) -> int:
    return int(answer["markPop"]["userPops"]["remainingPopCountToday"]["remainingPops"])
