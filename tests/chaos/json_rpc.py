"""JSON-RPC over HTTP on the taps: a request is its method, or for a batch the methods in it.

Source  RFC 9112; sandbox/chain and real nodes answer with a Content-Length
"""

import json
import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from tests.chaos.wire import Request

_LENGTH = re.compile(rb"^content-length:\s*(\d+)", re.IGNORECASE | re.MULTILINE)
_END = b"\r\n\r\n"


class JsonRpc:
    """Who asks waits for the answer before asking again on the same line."""

    place = "chain"

    def __init__(self) -> None:
        self._asked = self._answered = b""

    def asked(self, data: bytes) -> Iterator[Request]:
        self._asked += data
        while message := _first(self._asked):
            self._asked = self._asked[len(message) :]
            yield Request(message, _methods(json.loads(message.partition(_END)[2])))

    def answered(self, data: bytes) -> bool:
        """All of the body is there."""
        self._answered += data
        if is_complete := bool(message := _first(self._answered)):
            self._answered = self._answered[len(message) :]
        return is_complete


def _first(data: bytes) -> bytes:
    """Return the first whole message, or nothing."""
    head, end, body = data.partition(_END)
    length = _LENGTH.search(head)
    wanted = int(length[1]) if length else 0
    return data[: len(head) + len(end) + wanted] if end and len(body) >= wanted else b""


def _methods(asked: Any) -> str:
    """Name them in their order, the same ones in a row once.

    >>> _methods([{"method": "eth_chainId"}, {"method": "eth_call"}, {"method": "eth_call"}])
    'eth_chainId, eth_call'
    """
    calls = asked if isinstance(asked, list) else [asked]
    return ", ".join(method for method, _ in groupby(call["method"] for call in calls))
