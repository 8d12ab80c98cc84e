"""HTTP and WebSocket around a node, with the faults that strike on the wire."""

import asyncio
import json
from contextlib import suppress
from time import monotonic
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from sandbox.chain import rpc
from sandbox.chain.faults import Fault
from sandbox.chain.forms import PARSE, RpcError
from sandbox.chain.node import Node
from sandbox.chain.subscriptions import Subscriptions
from sandbox.state import LOOPBACK

TRY_AGAIN_LATER = 1013


class Http(H11Protocol):
    """Hands the connection itself to the application, so that it can be cut."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


class Socket(WebSocketsSansIOProtocol):
    """As `Http`."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


class Wire:
    """The application that the server runs."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self.app = Starlette(
            routes=[Route("/", self._http, methods=["POST"]), WebSocketRoute("/", self._socket)],
            middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=[LOOPBACK, "localhost"])],
        )

    async def _http(self, request: Request) -> Response:
        asked = _read(await request.body())
        fault = self._strike(asked)
        if fault and fault.kind == "http":
            after = {"Retry-After": str(fault.retry_after_s)} if fault.retry_after_s is not None else {}
            return Response(status_code=fault.status, headers=after)
        answer = await self._answer(asked, fault, rpc.METHODS)
        if answer is None:
            request.scope["state"]["transport"].abort()
            return Response()
        return Response(answer, media_type="application/json")

    async def _socket(self, socket: WebSocket) -> None:
        if self._down():
            socket.scope["state"]["transport"].abort()
            return
        await socket.accept()
        told: asyncio.Queue[str] = asyncio.Queue()
        subscriptions = Subscriptions(self._node, lambda news: told.put_nowait(json.dumps(news)))
        sending = asyncio.create_task(self._send(socket, told))
        try:
            await self._converse(socket, subscriptions, told)
        finally:
            subscriptions.close()
            sending.cancel()

    async def _converse(
        self, socket: WebSocket, subscriptions: Subscriptions, told: asyncio.Queue[str]
    ) -> None:
        methods = rpc.METHODS | subscriptions.methods
        while True:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            asked = _read(message.get("bytes") or message.get("text") or "")
            fault = self._strike(asked)
            if fault and fault.kind == "http":
                await socket.close(TRY_AGAIN_LATER)
                return
            answer = await self._answer(asked, fault, methods)
            if answer is None:
                socket.scope["state"]["transport"].abort()
                return
            told.put_nowait(answer)

    async def _send(self, socket: WebSocket, told: asyncio.Queue[str]) -> None:
        with suppress(WebSocketDisconnect, RuntimeError):
            while True:
                text = await told.get()
                if self._down():
                    socket.scope["state"]["transport"].abort()
                await socket.send_text(text)

    async def _answer(self, asked: Any, fault: Fault | None, methods: dict[str, rpc.Method]) -> str | None:
        """Return the answer's text; None cuts the connection instead."""
        if fault and fault.kind == "down":
            return None
        if fault and fault.kind == "slow":
            await asyncio.sleep(fault.delay_s)
        if isinstance(asked, RpcError):
            answers: Any = {"jsonrpc": "2.0", "id": None, "error": asked.as_json()}
        elif isinstance(asked, list) and asked:
            answers = [rpc.answer(self._node, each, methods) for each in asked]
        else:
            answers = rpc.answer(self._node, asked, methods)
        return None if fault and fault.kind == "lost_answer" else json.dumps(answers)

    def _strike(self, asked: Any) -> Fault | None:
        methods = rpc.names(asked)
        if any(method.startswith("sandbox_") for method in methods):
            return None
        fault = self._node.faults.strike(methods, monotonic())
        if fault:
            self._node.counters.faults[fault.kind] += 1
        return fault

    def _down(self) -> bool:
        faults = self._node.faults.active(monotonic())
        return any(fault.kind == "down" and fault.methods is None for fault in faults)


def _read(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return RpcError(PARSE, "parse error")
