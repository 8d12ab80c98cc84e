"""JSON-RPC 2.0: one request in, one answer out."""

import logging
from collections.abc import Callable
from inspect import signature
from typing import Any

from pydantic import ConfigDict, ValidationError, validate_call

from sandbox.chain import eth_blocks, eth_state, switches
from sandbox.chain.forms import INTERNAL, INVALID_PARAMS, INVALID_REQUEST, NO_METHOD, RpcError
from sandbox.chain.node import Node
from sandbox.forms import MistakeError

LOG = logging.getLogger("sandbox.chain")
Method = Callable[..., Any]
_checked = validate_call(config=ConfigDict(arbitrary_types_allowed=True))
METHODS: dict[str, Method] = {
    **eth_blocks.METHODS,
    **eth_state.METHODS,
    **{name: _checked(method) for name, method in switches.METHODS.items()},
}


def answer(node: Node, request: Any, methods: dict[str, Method] = METHODS) -> dict[str, Any]:
    """Answer one request; whatever goes wrong becomes an `error`."""
    number = request.get("id") if isinstance(request, dict) else None
    try:
        result = _run(node, request, methods)
    except RpcError as error:
        return {"jsonrpc": "2.0", "id": number, "error": error.as_json()}
    return {"jsonrpc": "2.0", "id": number, "result": result}


def names(request: Any) -> set[str]:
    """Methods that a request or a batch of them calls."""
    calls = request if isinstance(request, list) else [request]
    return {str(call.get("method")) for call in calls if isinstance(call, dict)}


def _run(node: Node, request: Any, methods: dict[str, Method]) -> Any:
    if not isinstance(request, dict) or not isinstance(request.get("method"), str):
        raise RpcError(INVALID_REQUEST, "invalid request")
    name, params = request["method"], request.get("params") or []
    node.counters.requests[name] += 1
    if name not in methods:
        raise RpcError(NO_METHOD, f"the method {name} does not exist/is not available")
    try:
        bound = signature(methods[name]).bind(node, *params)
    except TypeError as wrong:
        raise RpcError(INVALID_PARAMS, f"{name}: {wrong}") from None
    try:
        return methods[name](*bound.args)
    except ValidationError as invalid:
        told = "; ".join(f"{error['loc'][-1]}: {error['msg']}" for error in invalid.errors())
        raise RpcError(INVALID_PARAMS, f"{name}: {told}") from None
    except MistakeError as mistake:
        raise RpcError(INVALID_PARAMS, f"{name}: {mistake.problems}") from None
    except RpcError:
        raise
    except Exception as bug:
        LOG.exception("%s", name)
        raise RpcError(INTERNAL, f"{type(bug).__name__}: see the sandbox's log") from bug
