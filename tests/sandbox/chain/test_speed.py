"""The chain is fast enough to be no excuse for the payer.

The limits are far below what is measured on two quiet cores (docs/performance.md), for a busy machine's sake.
"""

import time

from contracts.recipients import pack
from sandbox.chain.accounts import JOBS, OPERATOR, WORKER
from sandbox.chain.deployment import calldata
from sandbox.chain.node import Node
from sandbox.chain.worker import Orders
from tests.contracts.desk import wallets
from tests.sandbox.chain.payer import FAR_S, SUBMIT, signed

JOB_COUNT, BATCH = 10, 500
COMPLETE = "completeJob(bytes32,bytes)"


def test_thousands_of_recipients_a_second() -> None:
    """Ten jobs of 500 fresh wallets are taken, executed and put into a block in well under a second."""
    node = Node()
    node.worker.orders = Orders(deed="stall")
    words = [pack((wallet, 1) for wallet in wallets(BATCH, seed)) for seed in range(JOB_COUNT)]
    submits, completes = [], []
    for number, each in enumerate(words):
        key = number.to_bytes(32)
        submit, complete = calldata(SUBMIT, key, each, FAR_S), calldata(COMPLETE, key, each)
        submits.append(signed(OPERATOR, to=JOBS, value=0, data=submit, nonce=number, gas=1_000_000))
        completes.append(signed(WORKER, to=JOBS, value=0, data=complete, nonce=number, gas=1 << 24))
    assert seconds(node, submits) < 1
    took_s = seconds(node, completes)
    assert node.token_balance(wallets(1)[0]) == 1
    assert JOB_COUNT * BATCH / took_s > 10_000


def seconds(node: Node, raws: list[bytes]) -> float:
    began_s = time.perf_counter()
    for raw in raws:
        node.chain.send(raw)
    assert all(receipt.succeeded for receipt in node.chain.mine().receipts)
    return time.perf_counter() - began_s
