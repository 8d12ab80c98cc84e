"""Blocks, transactions, receipts and logs as JSON-RPC has them."""

from typing import Any

from sandbox.chain.block import Block, Receipt
from sandbox.chain.evm import COINBASE, Head, Log
from sandbox.chain.forms import hex_data, words
from sandbox.chain.transaction import DYNAMIC_FEE, LEGACY, Transaction

NO_HASH = "0x" + "00" * 32
NO_UNCLES = "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347"
# A bloom that may hold anything is never wrong; a true one would cost three hashes for each log.
MAY_HOLD_ANYTHING, HOLDS_NOTHING = "0x" + "ff" * 256, "0x" + "00" * 256

Json = dict[str, Any]


def block_json(block: Block, *, full: bool) -> Json:
    listed = [
        transaction_json(receipt.transaction, block, receipt) if full else receipt.transaction.hash
        for receipt in block.receipts
    ]
    return {
        **header_json(block),
        "size": hex(500 + sum(len(receipt.transaction.raw) for receipt in block.receipts)),
        "transactions": listed,
        "uncles": [],
    }


def header_json(block: Block) -> Json:
    logged = any(receipt.logs for receipt in block.receipts)
    return {
        **_header(block.head, block.gas_limit),
        "hash": block.hash,
        "parentHash": block.parent_hash,
        "nonce": "0x" + "00" * 8,
        "miner": COINBASE,
        "gasUsed": hex(block.gas_used),
        "logsBloom": MAY_HOLD_ANYTHING if logged else HOLDS_NOTHING,
        "mixHash": words(block.salt),
    }


def pending_json(head: Head, parent: Block, waiting: list[Transaction], *, full: bool) -> Json:
    """Return the block that is not there yet: without a hash, a miner and gas."""
    return {
        **_header(head, parent.gas_limit),
        "hash": None, "parentHash": parent.hash, "nonce": None, "miner": None, "gasUsed": "0x0",
        "logsBloom": None, "mixHash": NO_HASH, "size": "0x0", "uncles": [],
        "transactions": [transaction_json(each, None, None) if full else each.hash for each in waiting],
    }  # fmt: skip


def transaction_json(transaction: Transaction, block: Block | None, receipt: Receipt | None) -> Json:
    price_wei = receipt.price_wei if receipt else transaction.max_fee_wei
    fees = {"gasPrice": hex(price_wei)}
    if transaction.type == DYNAMIC_FEE:
        fees |= {
            "maxFeePerGas": hex(transaction.max_fee_wei),
            "maxPriorityFeePerGas": hex(transaction.max_tip_wei),
        }
    typed = {} if transaction.type == LEGACY else {"accessList": [], "yParity": hex(transaction.v)}
    return {
        **_where(block, receipt), **fees, **typed,
        "hash": transaction.hash, "type": hex(transaction.type), "nonce": hex(transaction.nonce),
        "from": transaction.sender, "to": transaction.to, "value": hex(transaction.value_wei),
        "gas": hex(transaction.gas), "input": hex_data(transaction.data),
        "chainId": hex(transaction.chain_id or 0),
        "v": hex(transaction.v), "r": hex(transaction.r), "s": hex(transaction.s),
    }  # fmt: skip


def receipt_json(block: Block, receipt: Receipt) -> Json:
    transaction = receipt.transaction
    logs = [
        log_json(block, receipt, number, log) for number, log in enumerate(receipt.logs, receipt.first_log)
    ]
    return {
        "transactionHash": transaction.hash, "transactionIndex": hex(receipt.index),
        "blockHash": block.hash, "blockNumber": hex(block.number),
        "from": transaction.sender, "to": transaction.to, "contractAddress": receipt.created,
        "status": hex(receipt.succeeded), "type": hex(transaction.type),
        "gasUsed": hex(receipt.gas_used), "cumulativeGasUsed": hex(receipt.cumulative_gas),
        "effectiveGasPrice": hex(receipt.price_wei),
        "logs": logs, "logsBloom": MAY_HOLD_ANYTHING if logs else HOLDS_NOTHING,
    }  # fmt: skip


def log_json(block: Block, receipt: Receipt, number: int, log: Log, *, removed: bool = False) -> Json:
    return {
        **_where(block, receipt), "transactionHash": receipt.transaction.hash,
        "address": log.address, "topics": log.topics, "data": log.data,
        "logIndex": hex(number), "removed": removed,
    }  # fmt: skip


def _where(block: Block | None, receipt: Receipt | None) -> Json:
    if block is None or receipt is None:
        return {"blockHash": None, "blockNumber": None, "transactionIndex": None}
    return {"blockHash": block.hash, "blockNumber": hex(block.number), "transactionIndex": hex(receipt.index)}


def _header(head: Head, gas_limit: int) -> Json:
    """What needs no seal; roots of tries that nobody keeps are zero."""
    return {
        "number": hex(head.number), "timestamp": hex(head.timestamp_s),
        "baseFeePerGas": hex(head.base_fee_wei), "gasLimit": hex(gas_limit),
        "difficulty": "0x0", "totalDifficulty": "0x0", "extraData": "0x", "sha3Uncles": NO_UNCLES,
        "stateRoot": NO_HASH, "transactionsRoot": NO_HASH, "receiptsRoot": NO_HASH,
    }  # fmt: skip
