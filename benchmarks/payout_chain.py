"""Chains that live for one measurement: `python -m sandbox.chain` in a process of its own, nothing kept on disk."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import Any

from sandbox.chain.alone import alone
from sandbox.state import LOOPBACK

# As many bring the base fee down to its least: every chain begins with the same fees, and with final blocks.
IDLE_BLOCKS = 60
TIMEOUT_S = 120


class NodeRefused(Exception):
    """The chain's node answers with an error, so nothing that was measured counts."""


class Node:
    """The chain's node over one connection, with as little around it as there can be."""

    def __init__(self, port: int) -> None:
        self.url = f"http://{LOOPBACK}:{port}"
        self._line = HTTPConnection(LOOPBACK, port, timeout=TIMEOUT_S)

    def ask(self, method: str, *params: Any) -> Any:
        return self.post(encoded(method, *params))

    def post(self, body: bytes) -> Any:
        """Send a request that is encoded already, and return its result.

        Raises:
            NodeRefused: it is none.
        """
        self._line.request("POST", "/", body, {"Content-Type": "application/json"})
        answer = json.loads(self._line.getresponse().read())
        if "result" not in answer:
            raise NodeRefused(str(answer)[:300])
        return answer["result"]

    def gas_used(self, tx_hashes: Iterable[str]) -> int:
        """Return what mined transactions used together."""
        receipts = (self.ask("eth_getTransactionReceipt", tx_hash) for tx_hash in tx_hashes)
        return sum(int(receipt["gasUsed"], 16) for receipt in receipts)

    def close(self) -> None:
        self._line.close()


def encoded(method: str, *params: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()


@contextmanager
def fresh(port: int, interval_s: float) -> Iterator[Node]:
    """Start a chain with the contracts and nothing else on it, and end it afterwards."""
    with alone(port, interval_s):
        node = Node(port)
        try:
            node.ask("sandbox_mine", IDLE_BLOCKS)
            yield node
        finally:
            node.close()
