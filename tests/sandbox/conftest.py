"""A real client of the game, and a game to talk to."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from ssl import SSLContext
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus

from sandbox.game import GameServer

ORIGIN = "https://www.popcoin.game"
TOKEN = "t0ken"
PATIENCE_S = 1.5

PassTime = Callable[[float], Awaitable[None]]
Pop = Callable[..., Awaitable[Any]]


@pytest.fixture
async def game() -> AsyncIterator[GameServer]:
    async with GameServer(token=TOKEN) as game:
        yield game


@pytest.fixture
def pop() -> Pop:
    """Plays one connection as the contract says and returns the answer, or a word for how it went wrong."""
    return _play


@pytest.fixture
def pass_time() -> PassTime:
    """Lets seconds of the event loop's clock go by."""
    return _pass


async def _pass(seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(asyncio.Event().wait(), seconds)


async def _play(
    game: GameServer, account: str = "0xab", *, patience_s: float = PATIENCE_S, **odd: Any
) -> Any:
    try:
        async with asyncio.timeout(patience_s):
            return await _converse(game, account, **odd)
    except TimeoutError:
        return "timeout"
    except InvalidStatus as refused:
        return f"http_{refused.response.status_code}"
    except ConnectionClosed as closed:
        return f"close_{closed.rcvd.code if closed.rcvd else 1006}"
    except (InvalidMessage, EOFError) as broken:
        return "garbage" if "did not receive a valid HTTP" in str(broken) else repr(broken)
    except OSError as dead:
        return type(dead).__name__


async def _converse(  # noqa: PLR0913 - every way to be odd
    game: GameServer,
    account: str,
    *,
    token: str = TOKEN,
    origins: tuple[str, ...] = (ORIGIN,),
    message: str | bytes | None = None,
    count: int = 100,
    ssl: SSLContext | None = None,
) -> Any:
    url = f"{game.url}?token={token}&username={account}"
    headers = [("Origin", origin) for origin in origins]
    options = {
        "compression": None,
        "ping_interval": None,
        "close_timeout": 0.2,
        "proxy": None,
        "max_size": 2**16,
        "ssl": ssl,
    }
    async with connect(url, additional_headers=headers, **options) as connection:
        value = json.dumps({"count": count, "username": account})
        await connection.send(json.dumps({"type": "markPop", "value": value}) if message is None else message)
        answer = await connection.recv()
        try:
            return json.loads(answer) if isinstance(answer, str) else answer
        except ValueError:
            return answer
