"""What each fault does on the wire."""

import asyncio
import json
import socket
import struct
from contextlib import suppress
from http import HTTPStatus
from http.client import responses
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.http11 import Response

from sandbox.game.faults import ABORT, Fault

HUGE_BYTES = 64 * 1024
GARBAGE = b"\x16\x03\x01 this is not HTTP\r\n\r\n"
LINGER_NOT = struct.pack("ii", 1, 0)


async def at_the_door(fault: Fault, connection: ServerConnection) -> Response:
    """Go wrong instead of answering the handshake; once the line is dead, nobody hears the response."""
    if fault.kind == "hang_handshake":
        await connection.wait_closed()
    elif fault.kind == "reset":
        _reset(connection)
    elif fault.kind == "garbage":
        connection.transport.write(GARBAGE)
        connection.transport.close()
    return _http(fault)


async def after_the_message(fault: Fault, connection: ServerConnection, reply: dict[str, Any]) -> None:
    """Go wrong instead of sending `reply`."""
    if fault.kind == "close_after":
        await close(connection, fault.code)
    elif fault.kind == "no_answer":
        await connection.close()
    elif fault.kind == "hang":
        await connection.wait_closed()
    else:
        await connection.send(spoil(fault.kind, reply))


async def close(connection: ServerConnection, code: int, reason: str = "") -> None:
    if code == ABORT:
        connection.transport.abort()
    else:
        await connection.close(code, reason)


async def delay(connection: ServerConnection, delay_s: float) -> None:
    """Let time pass, but no longer than the client stays."""
    with suppress(TimeoutError):
        await asyncio.wait_for(connection.wait_closed(), delay_s)


def spoil(kind: str, reply: dict[str, Any]) -> str | bytes:
    """The answer as the fault would have it.

    >>> spoil("malformed", {"username": "0xab"})
    '{"username": '
    """
    text = json.dumps(reply)
    spoiled: dict[str, str | bytes] = {
        "malformed": text[:13],
        "wrong_shape": json.dumps({"username": reply["username"], "markPop": "ok"}),
        "binary": text.encode(),
        "huge": json.dumps(reply | {"padding": "x" * HUGE_BYTES}),
        "wrong_user": json.dumps(reply | {"username": "0x" + "0" * 40}),
        "empty": "",
    }
    return spoiled[kind]


def _http(fault: Fault) -> Response:
    status = fault.refusal or HTTPStatus.INTERNAL_SERVER_ERROR
    headers = Headers({"Connection": "close", "Content-Length": "0"})
    if fault.kind == "redirect":
        headers["Location"] = fault.location
    if fault.retry_after is not None:
        headers["Retry-After"] = str(fault.retry_after)
    return Response(status, responses.get(status, "Unheard Of"), headers)


def _reset(connection: ServerConnection) -> None:
    """Closing without lingering sends RST instead of FIN."""
    connection.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
    connection.transport.abort()
