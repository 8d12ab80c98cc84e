"""The game's WebSocket server: one connection, one `markPop`, one answer.

Source  docs/pop.md, "The game server"
Errors  Overwhelmed, BadReply, Refused: what the caller does with each stands in docs/pop.md, "Answers"
"""

import asyncio
import logging
import ssl
from collections.abc import Callable
from functools import cached_property
from urllib.parse import urlencode, urlsplit

from prefect.blocks.core import Block
from pydantic import Field, SecretStr, field_validator
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException
from websockets.typing import Origin

from blocks.pop_protocol import PopReply, classify, mark_pop, parse_reply

_silent = logging.getLogger("metronome.wire")
_silent.disabled = True  # websockets' own logger prints the URL, and so the token, at DEBUG


class _ConnectOnce(connect):
    """A connection that goes where it was told to: a redirect would carry the token elsewhere."""

    def process_redirect(self, exc: Exception) -> Exception:
        return exc


class PopGame(Block):
    """Where the game server is, and the token that opens it."""

    _block_type_name = "Pop Game"
    _block_type_slug = "pop-game"
    _description = "The game's WebSocket server and our token for it."

    url: str = Field(description="wss://HOST/ without query; the token and the username are added to it.")
    token: SecretStr = Field(description="Our token; it travels in the URL and is shown nowhere.")
    origin: str = Field(default="https://www.popcoin.game", description="Origin header, no trailing slash.")
    timeout_s: float = Field(default=10.0, gt=0, le=60, description="Longest time for one whole exchange.")

    @field_validator("url")
    @classmethod
    def _is_websocket(cls, url: str) -> str:
        parts = urlsplit(url)
        extras = {"?", "#", "@"} & set(url)
        if parts.scheme not in {"ws", "wss"} or not parts.hostname or extras or not _has_valid_port(url):
            raise ValueError("must be wss://HOST/ (or ws:// on localhost) and no more: see POP_GAME_URL")
        return url

    @field_validator("origin")
    @classmethod
    def _has_no_slash(cls, origin: str) -> str:
        if origin.endswith("/"):
            raise ValueError("must have no trailing slash: the server compares it letter by letter")
        return origin

    @cached_property
    def _tls(self) -> ssl.SSLContext | None:
        # Made once: 3 ms a connect instead of 25.
        return ssl.create_default_context() if self.url.startswith("wss:") else None

    async def pop(self, account: str, count: int, seen: Callable[[], None] = lambda: None) -> PopReply:
        """Send one `markPop` of `count` pops for `account` and return the server's answer.

        `seen` is called when the server has certainly seen us: its handshake is done.

        Raises:
            Overwhelmed, BadReply, Refused: see their docstrings.
        """
        try:
            async with asyncio.timeout(self.timeout_s), self._connect(account) as connection:
                seen()
                await connection.send(mark_pop(account, count))
                raw = await connection.recv()
        except (OSError, WebSocketException) as error:
            raise classify(error) from None  # the library's own text may hold the URL
        return parse_reply(raw, account)

    def _connect(self, account: str) -> _ConnectOnce:
        query = urlencode({"token": self.token.get_secret_value(), "username": account})
        return _ConnectOnce(
            f"{self.url}?{query}",
            origin=Origin(self.origin),
            ssl=self._tls,
            compression=None,
            proxy=None,
            open_timeout=None,  # the exchange has one clock
            ping_interval=None,
            close_timeout=2,
            max_size=64 * 1024,
            logger=_silent,
        )


def _has_valid_port(url: str) -> bool:
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False
