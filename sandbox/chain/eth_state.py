"""JSON-RPC: accounts, calls, fees, and sending."""

from collections.abc import Callable
from itertools import accumulate
from typing import Any

from sandbox.chain import calls, forms
from sandbox.chain.block import Block
from sandbox.chain.chain import GWEI
from sandbox.chain.fees import next_base_fee_wei
from sandbox.chain.forms import INVALID_PARAMS, SERVER, RpcError
from sandbox.chain.mempool import RefusedError
from sandbox.chain.node import Node
from sandbox.chain.transaction import UnreadableTransactionError
from sandbox.chain.view import Tag

TIP_WEI = GWEI
MOST_BLOCKS = 1024


def chain_id(node: Node) -> str:
    return hex(node.chain.rules.limits.chain_id)


def network(node: Node) -> str:
    return str(node.chain.rules.limits.chain_id)


def client_version(_node: Node) -> str:
    return "metronome-sandbox/pyrevm"


def syncing(_node: Node) -> bool:
    return False


def balance(node: Node, address: str, tag: Tag = "latest") -> str:
    return hex(node.view().state(tag).account(forms.address(address)).balance)


def code(node: Node, address: str, tag: Tag = "latest") -> str:
    return forms.hex_data(node.view().state(tag).code(forms.address(address)))


def transaction_count(node: Node, address: str, tag: Tag = "latest") -> str:
    account = forms.address(address)
    if tag == "pending":
        return hex(node.chain.pool.next_nonce(account, node.chain.nonce(account)))
    return hex(node.view().state(tag).account(account).nonce)


def call(node: Node, request: object, tag: Tag = "latest") -> str:
    return forms.hex_data(calls.call(node.view().state(tag), forms.message(request)))


def estimate_gas(node: Node, request: object, tag: Tag = "latest") -> str:
    message, most_gas = forms.message(request), node.chain.rules.limits.transaction_gas
    return hex(calls.estimate(node.view().state(tag), message, min(message.gas, most_gas)))


def send_raw_transaction(node: Node, raw: str) -> str:
    try:
        taken = node.chain.send(forms.data(raw))
    except (RefusedError, UnreadableTransactionError) as refusal:
        node.counters.refuse(str(refusal))
        raise RpcError(SERVER, str(refusal)) from None
    node.counters.received += 1
    return taken.hash


def gas_price(node: Node) -> str:
    return hex(node.view().head.base_fee_wei + TIP_WEI)


def max_priority_fee(_node: Node) -> str:
    return hex(TIP_WEI)


def fee_history(
    node: Node, count: Any, newest: Tag, percentiles: list[float] | None = None
) -> dict[str, Any]:
    view = node.view()
    last = view.block(newest)
    wanted = min(count if isinstance(count, int) else forms.quantity(count), MOST_BLOCKS)
    if last is None or wanted < 1:
        raise RpcError(INVALID_PARAMS, "request beyond head block, or for less than one block")
    blocks = node.chain.blocks[max(0, last.number + 1 - wanted) : last.number + 1]
    after = next_base_fee_wei(
        last.base_fee_wei, last.gas_used, last.gas_limit, node.chain.rules.least_base_fee_wei
    )
    told = {
        "oldestBlock": hex(blocks[0].number),
        "baseFeePerGas": [hex(wei) for wei in (*(block.base_fee_wei for block in blocks), after)],
        "gasUsedRatio": [block.gas_used / block.gas_limit for block in blocks],
    }
    return told | {"reward": [_tips(block, percentiles) for block in blocks]} if percentiles else told


def _tips(block: Block, percentiles: list[float]) -> list[str]:
    """Tips at these percentiles of the block's gas, lowest first; nought for an empty block."""
    paid = sorted((receipt.price_wei - block.base_fee_wei, receipt.gas_used) for receipt in block.receipts)
    reached = list(accumulate(gas for _, gas in paid))
    return [
        hex(
            next(
                (
                    tip
                    for (tip, _), gas in zip(paid, reached, strict=True)
                    if gas >= block.gas_used * each / 100
                ),
                0,
            )
        )
        for each in percentiles
    ]


METHODS: dict[str, Callable[..., Any]] = {
    "eth_call": call,
    "eth_chainId": chain_id,
    "eth_estimateGas": estimate_gas,
    "eth_feeHistory": fee_history,
    "eth_gasPrice": gas_price,
    "eth_getBalance": balance,
    "eth_getCode": code,
    "eth_getTransactionCount": transaction_count,
    "eth_maxPriorityFeePerGas": max_priority_fee,
    "eth_sendRawTransaction": send_raw_transaction,
    "eth_syncing": syncing,
    "net_version": network,
    "web3_clientVersion": client_version,
}
