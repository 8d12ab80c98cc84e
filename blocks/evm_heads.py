"""New blocks as they are announced over a WebSocket: hints to look, of which any may be missing."""

import asyncio
import json
import logging
from contextlib import suppress
from typing import Self

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from blocks.evm_node import Node
from blocks.jobs_problem import JobsProblem

_LOG = logging.getLogger("metronome")
_silent = logging.getLogger("metronome.wire")
_silent.disabled = True  # websockets' own logger prints the address, and so the key in it, at DEBUG
POLL_S = 2.0
_SUBSCRIBE = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["newHeads"]})


class Heads:
    """Listens from the first `seen` on, and connects again whenever the line is cut. Used as a context manager.

    Args:
        url: None, or one that turns us away, asks the node by the clock instead.
    """

    def __init__(self, node: Node, url: str | None) -> None:
        self._node, self._url = node, url
        self._news = asyncio.Event()
        self._listening: asyncio.Task[None] | None = None
        self._number = -1

    async def __aenter__(self) -> Self:
        if self._url:
            self._listening = asyncio.create_task(self._listen(self._url))
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait([self._listening])

    async def seen(self, timeout_s: float) -> bool:
        """Wait for a new block, or take the one that came since the last call; False when none comes."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self._listening is None or self._listening.done():
                    if await self._is_new():
                        return True
                    await self._told(POLL_S)
                return await self._told(timeout_s)
        return False

    async def _told(self, timeout_s: float) -> bool:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._news.wait(), timeout_s)
        told = self._news.is_set()
        self._news.clear()
        return told

    async def _is_new(self) -> bool:
        with suppress(JobsProblem):
            number = int(await self._node.ask("eth_blockNumber"), 16)
            before, self._number = self._number, number
            return number != before
        return False

    async def _listen(self, url: str) -> None:
        try:
            async for connection in connect(url, logger=_silent, proxy=None, compression=None):
                with suppress(WebSocketException):
                    await connection.send(_SUBSCRIBE)
                    async for _ in connection:  # the first is the answer: what came before it may be missed
                        self._news.set()
        except (OSError, WebSocketException) as error:
            _LOG.warning(
                "%s: no announcements of blocks (%s): waiting by the clock",
                self._node.block,
                type(error).__name__,
            )
            self._news.set()
