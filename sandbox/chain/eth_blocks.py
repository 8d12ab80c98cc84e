"""JSON-RPC: blocks, transactions, receipts and logs."""

from collections.abc import Callable
from typing import Any

from sandbox.chain import formats, forms
from sandbox.chain.formats import Json
from sandbox.chain.logs import find_logs
from sandbox.chain.node import Node
from sandbox.chain.view import Tag


def block_number(node: Node) -> str:
    return hex(node.view().number)


def block_by_number(node: Node, tag: Tag, full: bool = False) -> Json | None:
    view = node.view()
    if tag == "pending":
        waiting = list(node.chain.pool.ready(node.chain.next_base_fee_wei, node.chain.nonce))
        return formats.pending_json(node.chain.next_head, view.head, waiting, full=full)
    block = view.block(tag)
    return formats.block_json(block, full=full) if block else None


def block_by_hash(node: Node, block_hash: str, full: bool = False) -> Json | None:
    block = node.view().by_hash(forms.block_hash(block_hash))
    return formats.block_json(block, full=full) if block else None


def transaction_by_hash(node: Node, transaction_hash: str) -> Json | None:
    """Return it mined, waiting (without a block), or None."""
    known = forms.block_hash(transaction_hash)
    place = node.view().place(known)
    if place:
        block, receipt = place
        return formats.transaction_json(receipt.transaction, block, receipt)
    unseen = node.chain.places.get(known)
    waiting = unseen[1].transaction if unseen else node.chain.pool.get(known)
    return formats.transaction_json(waiting, None, None) if waiting else None


def receipt(node: Node, transaction_hash: str) -> Json | None:
    place = node.view().place(forms.block_hash(transaction_hash))
    return formats.receipt_json(*place) if place else None


def logs(node: Node, wanted: dict[str, Any]) -> list[Json]:
    return find_logs(node.view(), wanted)


METHODS: dict[str, Callable[..., Any]] = {
    "eth_blockNumber": block_number,
    "eth_getBlockByHash": block_by_hash,
    "eth_getBlockByNumber": block_by_number,
    "eth_getLogs": logs,
    "eth_getTransactionByHash": transaction_by_hash,
    "eth_getTransactionReceipt": receipt,
}
