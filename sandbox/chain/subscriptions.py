"""eth_subscribe over one WebSocket: new heads and logs, also those that a reorganisation takes away."""

from collections.abc import Callable
from itertools import count
from typing import Any

from sandbox.chain.chain import Change
from sandbox.chain.formats import Json, header_json
from sandbox.chain.forms import INVALID_PARAMS, RpcError
from sandbox.chain.logs import Filter, read_filter
from sandbox.chain.node import Node

_numbers = count(1)


class Subscriptions:
    """One connection's. `push` takes each notification; `close` before the connection is forgotten."""

    def __init__(self, node: Node, push: Callable[[Json], None]) -> None:
        self._node, self._push = node, push
        self._heads: set[str] = set()
        self._logs: dict[str, Filter] = {}
        self.methods: dict[str, Callable[..., Any]] = {
            "eth_subscribe": self._subscribe,
            "eth_unsubscribe": self._unsubscribe,
        }
        node.chain.listeners.append(self._follow)

    def close(self) -> None:
        self._node.chain.listeners.remove(self._follow)

    def _subscribe(self, _node: Node, kind: str, wanted: Any = None) -> str:
        number = hex(next(_numbers))
        if kind == "newHeads":
            self._heads.add(number)
        elif kind == "logs":
            self._logs[number] = read_filter(wanted or {})
        else:
            raise RpcError(INVALID_PARAMS, f"no {kind!r} subscription in eth namespace")
        return number

    def _unsubscribe(self, _node: Node, number: str) -> bool:
        if number in self._heads:
            self._heads.remove(number)
            return True
        return self._logs.pop(number, None) is not None

    def _follow(self, change: Change) -> None:
        if self._node.lag_blocks:
            return
        for number, wanted in self._logs.items():
            for log in wanted.among(change.removed, removed=True):
                self._tell(number, log)
            for log in wanted.among(change.added):
                self._tell(number, log)
        for block in change.added if self._heads else ():
            for number in self._heads:
                self._tell(number, header_json(block))

    def _tell(self, number: str, result: Json) -> None:
        params = {"subscription": number, "result": result}
        self._push({"jsonrpc": "2.0", "method": "eth_subscription", "params": params})
