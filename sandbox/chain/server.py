"""The chain's server on loopback: JSON-RPC over HTTP and WebSocket on one port, and a miner."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Iterator
from typing import Self

import uvicorn

from sandbox.chain.node import Node
from sandbox.chain.wire import Http, Socket, Wire
from sandbox.state import LOOPBACK

LOG = logging.getLogger("sandbox.chain")
GLANCE_S = 0.05
IDLE_S = 120  # as geth: a client's idle connection must not die under its next request
MESSAGE_BYTES = 16 * 1024 * 1024


class ChainServer:
    """`async with ChainServer(Node()) as chain:` serves at `chain.url` until the block ends.

    Args:
        port: 0 takes any free one.
    """

    def __init__(self, node: Node, *, port: int = 0) -> None:
        self.node, self.port = node, port
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def ws_url(self) -> str:
        return f"ws://{LOOPBACK}:{self.port}"

    async def start(self) -> None:
        listener = socket.create_server((LOOPBACK, self.port))
        # Headers and body go out in two writes: without this the second waits 40 ms for the client's ACK.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port = listener.getsockname()[1]
        config = uvicorn.Config(
            Wire(self.node).app, http=Http, ws=Socket, ws_max_size=MESSAGE_BYTES, ws_per_message_deflate=False,
            lifespan="off", log_config=None, log_level="warning", access_log=False, timeout_graceful_shutdown=1,
            timeout_keep_alive=IDLE_S,
        )  # fmt: skip
        self._server = _Uvicorn(config)
        self._tasks = [
            asyncio.create_task(self._server.serve([listener])),
            asyncio.create_task(self._mine()),
        ]

    async def stop(self) -> None:
        if self._tasks:
            serving, mining = self._tasks
            mining.cancel()
            self._server.should_exit = True
            await serving
            with contextlib.suppress(asyncio.CancelledError):
                await mining

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _mine(self) -> None:
        """Keep to the interval, whatever a block costs, and to changes of it."""
        now_s = asyncio.get_running_loop().time
        last_s = now_s()
        while True:
            interval_s = self.node.interval_s
            wait_s = GLANCE_S if interval_s is None else last_s + interval_s - now_s()
            await asyncio.sleep(min(max(wait_s, 0), GLANCE_S))
            if interval_s is None:
                last_s = now_s()
            elif now_s() >= last_s + interval_s:
                last_s = max(last_s + interval_s, now_s() - interval_s)
                self._mine_one()

    def _mine_one(self) -> None:
        try:
            self.node.chain.mine()
        except Exception:
            LOG.exception("mining ends here")
            raise


class _Uvicorn(uvicorn.Server):
    """Leaves the signals to the process that it is a guest in."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
