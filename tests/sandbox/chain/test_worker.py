"""The other party: completes jobs, or does what it is told."""

from collections import Counter
from typing import Any

import pytest
from pydantic import ValidationError

from contracts.recipients import pack
from sandbox.chain import forms
from sandbox.chain.accounts import JOBS, OWNER, STRANGER, TOKEN
from sandbox.chain.calls import call
from sandbox.chain.deployment import Terms, calldata, signed
from sandbox.chain.evm import Message
from sandbox.chain.jobs import FAILED
from sandbox.chain.node import Node
from sandbox.chain.server import ChainServer
from sandbox.chain.worker import Orders
from tests.contracts.desk import wallets
from tests.sandbox.chain.payer import ALICE, BOB, GWEI, submission

NAMES = {1: "open", 2: "completed", 3: "failed", 4: "cancelled"}
PAIRS = [(ALICE, 5), (BOB, 7)]
GAS = 1 << 24


@pytest.fixture
def node() -> Node:
    return Node()


def submit(node: Node, *jobs: int, pairs: list[tuple[str, int]] = PAIRS) -> None:
    start = node.chain.nonce(operator := "0x70997970c51812dc3a010c7d01b50e0d17dc79c8")
    for nonce, job in enumerate(jobs, node.chain.pool.next_nonce(operator, start)):
        node.chain.send(submission(job, pairs, nonce))
    node.chain.mine()


def status(node: Node, job: int) -> str:
    view = node.view().state("latest")
    told = call(view, Message(ALICE, JOBS, calldata("job(bytes32)", job.to_bytes(32)), 0, GAS))
    return NAMES[int.from_bytes(told[:32])]


def reasons(node: Node) -> list[str]:
    logs = [log for block in node.chain.blocks for receipt in block.receipts for log in receipt.logs]
    texts = [bytes.fromhex(log.data[2:]) for log in logs if log.topics[0] == FAILED]
    return [text[64 : 64 + int.from_bytes(text[32:64])].decode() for text in texts]


def act(node: Node, signature: str, *values: Any, to: str = JOBS) -> None:
    node.chain.send(signed(node.chain, OWNER, to, calldata(signature, *values), GAS))
    node.chain.mine()


def test_it_completes_what_is_submitted(node: Node) -> None:
    """In the block after the submission, all of several jobs."""
    submit(node, 1, 2, 3)
    node.chain.mine()
    assert [status(node, job) for job in (1, 2, 3)] == ["completed"] * 3
    assert node.token_balance(ALICE) == 15
    assert not node.worker.open


def test_it_fails_with_the_reason_it_was_told(node: Node) -> None:
    """Nobody is paid; the reason is on the chain."""
    node.worker.orders = Orders(deed="fail", reason="out of stock")
    submit(node, 1)
    node.chain.mine()
    assert (status(node, 1), reasons(node), node.token_balance(ALICE)) == ("failed", ["out of stock"], 0)


def test_it_stalls_and_wakes_up(node: Node) -> None:
    """A stalled job stays open however long, and is completed once the orders change."""
    node.worker.orders = Orders(deed="stall")
    submit(node, 1)
    for _ in range(10):
        node.chain.mine()
    assert status(node, 1) == "open"
    node.worker.orders = Orders()
    node.chain.mine()
    node.chain.mine()
    assert status(node, 1) == "completed"


def test_it_is_slow(node: Node) -> None:
    """A delay counts in blocks from the submission."""
    node.worker.orders = Orders(delay_blocks=3)
    submit(node, 1)
    seen = []
    for _ in range(5):
        node.chain.mine()
        seen.append(status(node, 1))
    assert seen == ["open"] * 3 + ["completed"] * 2


def test_it_completes_some(node: Node) -> None:
    """A share of the jobs, the same ones again after a reorganisation; the others fail or stay open."""
    node.worker.orders = Orders(share=0.5, otherwise="fail")
    jobs = [int.from_bytes(bytes.fromhex(wallet[2:]) + bytes(12)) for wallet in wallets(20)]
    submit(node, *jobs)
    node.chain.mine()
    first = {job: status(node, job) for job in jobs}
    assert 3 < Counter(first.values())["completed"] < 17
    node.chain.reorganise(2)
    for _ in range(3):
        node.chain.mine()
    assert {job: status(node, job) for job in jobs} == first


def test_what_the_token_refuses_is_failed(node: Node) -> None:
    """A job that can never be paid is failed with the contract's reason, not tried for ever."""
    act(node, "setBlocked(address,bool)", BOB, True, to=TOKEN)
    submit(node, 1)
    node.chain.mine()
    assert (status(node, 1), reasons(node)) == ("failed", ["receiver blocked"])
    assert node.counters.reverted == 0


def test_an_empty_budget_fails_the_job() -> None:
    """The reason is the token's."""
    node = Node(terms=Terms(budget=11))
    submit(node, 1)
    node.chain.mine()
    assert (status(node, 1), reasons(node)) == ("failed", ["balance"])


def test_a_paused_contract_is_waited_for(node: Node) -> None:
    """No transaction is wasted on it; when the pause ends the job is paid."""
    node.worker.orders = Orders(deed="stall")
    submit(node, 1)
    act(node, "setPaused(bool)", True)
    node.worker.orders = Orders()
    for _ in range(5):
        node.chain.mine()
    assert (status(node, 1), node.counters.reverted) == ("open", 0)
    act(node, "setPaused(bool)", False)
    node.chain.mine()
    assert status(node, 1) == "completed"


def test_a_rotated_worker_does_nothing(node: Node) -> None:
    """Its key is not the contract's worker any more: no failing, no wasted gas."""
    act(node, "setWorker(address)", STRANGER.address)
    submit(node, 1)
    for _ in range(3):
        node.chain.mine()
    assert (status(node, 1), node.counters.reverted) == ("open", 0)


def test_it_outbids_a_fee_that_jumped(node: Node) -> None:
    """A completion that the base fee left behind is replaced by a dearer one."""
    submit(node, 1)
    node.chain.set_base_fee(500 * GWEI)
    node.chain.mine()
    assert status(node, 1) == "open"
    node.chain.mine()
    assert status(node, 1) == "completed"


def test_a_worker_without_money_waits_for_better_times(node: Node) -> None:
    """When fees are beyond its purse it sends nothing, breaks nothing, and goes on when they fall."""
    node.worker.orders = Orders(deed="stall")
    submit(node, 1)
    node.worker.orders = Orders()
    for _ in range(2):
        node.chain.set_base_fee(10**18)
        node.chain.mine()
    assert (status(node, 1), len(node.chain.pool)) == ("open", 0)
    node.chain.set_base_fee(GWEI)
    node.chain.mine()
    node.chain.mine()
    assert status(node, 1) == "completed"


@pytest.mark.parametrize("drop", [True, False])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_reorganisation_changes_nothing_in_the_end(node: Node, depth: int, drop: bool) -> None:
    """Jobs whose completion is taken back are completed again, each once."""
    submit(node, 1)
    node.chain.mine()
    node.chain.reorganise(depth, drop=drop)
    for _ in range(4):
        node.chain.mine()
    if drop and depth > 1:
        submit(node, 1)
        node.chain.mine()
    assert status(node, 1) == "completed"
    assert node.token_balance(ALICE) == 5


def test_a_job_too_large_for_a_transaction_is_failed(node: Node) -> None:
    """700 fresh wallets do not fit under the cap of 2^24 gas."""
    submit(node, 1, pairs=[(wallet, 1) for wallet in wallets(700)])
    node.chain.mine()
    assert status(node, 1) == "failed"


def test_a_cancelled_job_is_left_alone(node: Node) -> None:
    """Nothing is open afterwards."""
    node.worker.orders = Orders(deed="stall")
    submit(node, 1)
    act(node, "cancelJob(bytes32)", (1).to_bytes(32))
    node.worker.orders = Orders()
    node.chain.mine()
    assert (status(node, 1), len(node.chain.pool), len(node.worker.open)) == ("cancelled", 0, 0)


async def test_orders_come_over_the_wire(chain: ChainServer, rpc: Any) -> None:
    """They can be given, read back, and are refused when they make no sense."""
    assert (await rpc("sandbox_worker"))["deed"] == "complete"
    told = await rpc("sandbox_worker", {"deed": "fail", "reason": "closed"})
    assert (told["deed"], chain.node.worker.orders.reason) == ("fail", "closed")
    assert (await rpc("sandbox_worker", {"deed": "strike"}))[0] == -32602
    assert (await rpc("sandbox_worker", {"reason": "x" * 129}))[0] == -32602
    with pytest.raises(ValidationError):
        Orders(share=2)


def test_recipients_come_from_the_submitting_transaction(node: Node) -> None:
    """The event holds only the digest: the words stand in the calldata."""
    node.worker.orders = Orders(deed="stall")
    submit(node, 1)
    assert node.worker.open.recipients(forms.words(1)) == pack(PAIRS)
