"""Blocks that are taken back, with all that stood in them."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from web3 import AsyncWeb3, Web3

from sandbox.chain.accounts import JOBS, OPERATOR, STRANGER, TOKEN
from sandbox.chain.chain import Chain, Rules
from sandbox.chain.history import HistoryGoneError
from sandbox.chain.server import ChainServer
from tests.sandbox.chain.payer import ALICE, BOB, signed, submission

PAIRS = [(ALICE, 5), (BOB, 7)]


async def test_transactions_go_back_to_the_mempool(chain: ChainServer, rpc: Any) -> None:
    """They are mined again, in another block, with the same result; in between nobody was paid."""
    sent = await rpc("eth_sendRawTransaction", "0x" + submission(1, PAIRS, nonce=0).hex())
    node = chain.node
    mined = node.chain.mine()
    node.chain.mine()
    assert node.token_balance(ALICE) == 5
    told = await rpc("sandbox_reorg", 2)
    assert told["removed"][1] == mined.hash
    assert [await rpc("eth_getTransactionReceipt", sent), node.token_balance(ALICE)] == [None, 0]
    assert (await rpc("eth_getTransactionByHash", sent))["blockHash"] is None
    assert await rpc("eth_getBlockByHash", mined.hash, False) is None
    node.chain.mine()
    receipt = await rpc("eth_getTransactionReceipt", sent)
    assert (receipt["status"], receipt["blockHash"] != mined.hash) == ("0x1", True)
    assert node.token_balance(ALICE) == 5


async def test_transactions_can_be_dropped(chain: ChainServer, rpc: Any) -> None:
    """As if nobody had ever seen them: the same raw transaction is taken again."""
    raw = "0x" + submission(1, PAIRS, nonce=0).hex()
    sent = await rpc("eth_sendRawTransaction", raw)
    chain.node.chain.mine()
    await rpc("sandbox_reorg", 1, True)
    assert await rpc("eth_getTransactionByHash", sent) is None
    assert await rpc("eth_getTransactionCount", OPERATOR.address, "pending") == "0x0"
    assert await rpc("eth_sendRawTransaction", raw) == sent
    chain.node.chain.mine()
    assert (await rpc("eth_getTransactionReceipt", sent))["status"] == "0x1"


async def test_the_head_never_goes_back(chain: ChainServer, web3: AsyncWeb3, rpc: Any) -> None:
    """One empty block more than were taken away, each the child of the one before, all new."""
    for _ in range(5):
        chain.node.chain.mine()
    old = [await web3.eth.get_block(number) for number in range(11)]
    await rpc("sandbox_reorg", 3)
    new = [await web3.eth.get_block(number) for number in range(12)]
    assert new[:8] == old[:8]
    assert not {block.hash for block in new[8:]} & {block.hash for block in old}
    assert all(child.parentHash == parent.hash for parent, child in pairwise(new))


async def test_below_the_finalized_block(chain: ChainServer, web3: AsyncWeb3, rpc: Any) -> None:
    """A reorganisation may be deeper than finality: that is what alarms are for."""
    for _ in range(8):
        chain.node.chain.mine()
    final = await web3.eth.get_block("finalized")
    await rpc("sandbox_reorg", 6)
    assert (await web3.eth.get_block(final.number)).hash != final.hash


async def test_deeper_than_the_memory(chain: ChainServer, rpc: Any) -> None:
    """The state of so old a block is not kept: refused, and nothing is lost."""
    head = chain.node.chain.mine()
    code, message = await rpc("sandbox_reorg", 1000)
    assert (code, "too deep" in message) == (-32602, True)
    assert chain.node.chain.head == head


async def test_subscribers_see_logs_go_and_come(chain: ChainServer, socket: AsyncWeb3, rpc: Any) -> None:
    """Logs of blocks that are gone are sent again with removed: true, and then those of the new ones."""
    await socket.eth.subscribe("logs", {"address": Web3.to_checksum_address(JOBS)})
    await rpc("eth_sendRawTransaction", "0x" + submission(1, PAIRS, nonce=0).hex())
    chain.node.chain.mine()
    await rpc("sandbox_reorg", 1)
    chain.node.chain.mine()
    seen = []
    async for message in socket.socket.process_subscriptions():
        seen.append(message["result"])
        if len(seen) == 3:
            break
    assert [log["removed"] for log in seen] == [False, True, False]
    assert seen[0]["blockHash"] == seen[1]["blockHash"] != seen[2]["blockHash"]
    assert len({log["transactionHash"] for log in seen}) == 1


async def test_new_heads_follow_the_new_branch(chain: ChainServer, socket: AsyncWeb3, rpc: Any) -> None:
    """Every block of the new branch is announced, lowest first."""
    await socket.eth.subscribe("newHeads")
    chain.node.chain.mine()
    await rpc("sandbox_reorg", 1)
    numbers = []
    async for message in socket.socket.process_subscriptions():
        numbers.append(message["result"]["number"])
        if len(numbers) == 3:
            break
    assert numbers == [6, 6, 7]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("pay"), st.integers(1, 10**6)),
        st.tuples(st.just("mine"), st.just(0)),
        st.tuples(st.just("reorg"), st.integers(0, 12)),
        st.tuples(st.just("drop"), st.integers(0, 12)),
    ),
    max_size=40,
)


@settings(max_examples=40, deadline=None)
@given(STEPS)
def test_every_height_keeps_its_state(steps: list[tuple[str, int]]) -> None:
    """Whatever is mined and taken back: each block's balances are what its own branch made them."""
    chain = Chain(Rules(), lambda: 0, {STRANGER.address: 10**24})
    chain.history.kept = 10
    paid = [0]
    for step, amount in steps:
        nonce = chain.pool.next_nonce(STRANGER.address, chain.nonce(STRANGER.address))
        if step == "pay":
            chain.send(signed(nonce=nonce, value=amount))
        elif step == "mine":
            block = chain.mine()
            paid.append(paid[-1] + sum(receipt.transaction.value_wei for receipt in block.receipts))
        elif amount <= min(10, chain.head.number):
            chain.reorganise(amount, drop=step == "drop")
            paid = paid[: len(paid) - amount]
            paid += [paid[-1]] * (amount + 1)
    oldest = chain.history.oldest
    for number in (*range(oldest, len(paid)), *reversed(range(oldest, len(paid)))):
        assert chain.history.at(number).account(ALICE).balance == paid[number]
    if oldest:
        with pytest.raises(HistoryGoneError):
            chain.history.at(oldest - 1)


async def test_a_call_at_an_old_block(chain: ChainServer, rpc: Any) -> None:
    """The contract can be asked as of the finalized block; what is too old is not kept."""
    await rpc("eth_sendRawTransaction", "0x" + submission(1, PAIRS, nonce=0).hex())
    balance_of_alice = {"to": TOKEN, "data": "0x70a08231" + ALICE[2:].zfill(64)}
    await rpc("sandbox_mine", 2)
    assert int(await rpc("eth_call", balance_of_alice, "finalized"), 16) == 0
    await rpc("sandbox_mine", 4)
    assert int(await rpc("eth_call", balance_of_alice, "finalized"), 16) == 5
    await rpc("sandbox_mine", 130)
    code, message = await rpc("eth_call", balance_of_alice, "0x2")
    assert (code, message[:17]) == (-32000, "missing trie node")
