"""JSON-RPC: `sandbox_…`, what tests and people switch and read while the chain runs."""

from collections.abc import Callable
from time import monotonic
from typing import Any

from sandbox.chain import forms
from sandbox.chain.faults import Fault
from sandbox.chain.forms import INVALID_PARAMS, RpcError
from sandbox.chain.history import HistoryGoneError
from sandbox.chain.node import Node
from sandbox.chain.worker import Orders
from sandbox.forms import read

Json = dict[str, Any]


def mine(node: Node, blocks: int = 1) -> str:
    for _ in range(blocks):
        node.chain.mine()
    return node.chain.head.hash


def reorganise(node: Node, depth: int, drop: bool = False) -> Json:
    """Replace the last blocks by empty ones; their transactions wait again, or are forgotten."""
    try:
        change = node.chain.reorganise(depth, drop=drop)
    except HistoryGoneError as gone:
        raise RpcError(INVALID_PARAMS, f"too deep: {gone}") from None
    return {
        "removed": [block.hash for block in change.removed],
        "added": [block.hash for block in change.added],
    }


def set_interval(node: Node, seconds: float | None) -> float | None:
    """None stops mining."""
    if seconds is not None and not 0 < seconds < float("inf"):
        raise RpcError(INVALID_PARAMS, "send seconds above 0, or null for none")
    node.interval_s = seconds
    return seconds


def set_base_fee(node: Node, wei: int) -> int:
    """Of the next block; from there on it moves by the rule."""
    if wei < 0:
        raise RpcError(INVALID_PARAMS, "send wei, 0 or more")
    node.chain.set_base_fee(wei)
    return wei


def set_lag(node: Node, blocks: int) -> int:
    if not 0 <= blocks <= node.chain.history.kept:
        raise RpcError(INVALID_PARAMS, f"send 0 to {node.chain.history.kept} blocks")
    node.lag_blocks = blocks
    return blocks


def increase_time(node: Node, seconds: float) -> float:
    """Put the chain's clock forward."""
    if not 0 <= seconds < float("inf"):
        raise RpcError(INVALID_PARAMS, "send seconds, 0 or more")
    node.chain.ahead_s += seconds
    return node.chain.ahead_s


def add_fault(node: Node, fault: Json) -> list[Json]:
    node.faults.add(read(fault, Fault), monotonic())
    return faults(node)


def clear_faults(node: Node) -> list[Json]:
    node.faults.clear()
    return faults(node)


def faults(node: Node) -> list[Json]:
    active = node.faults.active(monotonic())
    return [fault.model_dump(mode="json", exclude_defaults=True) for fault in active]


def order_worker(node: Node, orders: Json | None = None) -> Json:
    """Give new orders, or ask for those that stand."""
    if orders is not None:
        node.worker.orders = read(orders, Orders)
    return node.worker.orders.model_dump()


def counters(node: Node) -> Json:
    held = {
        "head": node.chain.head.number,
        "waiting": len(node.chain.pool),
        "open_jobs": len(node.worker.open),
    }
    return node.counters.as_json() | held | {"budget": node.budget}


def paid(node: Node, addresses: list[str]) -> dict[str, int]:
    """Return token balances at the chain's true head."""
    return {address: node.token_balance(forms.address(address)) for address in addresses}


METHODS: dict[str, Callable[..., Any]] = {
    "sandbox_clearFaults": clear_faults,
    "sandbox_counters": counters,
    "sandbox_fault": add_fault,
    "sandbox_faults": faults,
    "sandbox_increaseTime": increase_time,
    "sandbox_mine": mine,
    "sandbox_paid": paid,
    "sandbox_reorg": reorganise,
    "sandbox_setBaseFee": set_base_fee,
    "sandbox_setInterval": set_interval,
    "sandbox_setLag": set_lag,
    "sandbox_worker": order_worker,
}
