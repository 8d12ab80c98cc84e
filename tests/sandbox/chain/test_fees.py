"""The base fee moves as on a real chain, and can be pushed; time goes on with the clock."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from web3 import AsyncWeb3

from sandbox.chain.accounts import JOBS, OPERATOR, DevAccount
from sandbox.chain.chain import Chain, Rules
from sandbox.chain.evm import COINBASE
from sandbox.chain.fees import floor_gas, intrinsic_gas, next_base_fee_wei
from sandbox.chain.mempool import Limits
from sandbox.chain.node import Node
from sandbox.chain.server import ChainServer
from tests.contracts.desk import wallets
from tests.sandbox.chain.payer import GWEI, signed, submission

POOR_KEY = "47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a"


@given(st.integers(0, 10**12), st.integers(0, 1000))
def test_a_block_moves_the_base_fee_by_an_eighth_at_most(base_fee_wei: int, percent_of_limit: int) -> None:
    """Up when it is more than half full, down when less, never below the floor."""
    used = percent_of_limit * 10_000_000 // 1000
    after = next_base_fee_wei(base_fee_wei, used, 10_000_000, 7)
    assert 7 <= max(after, 7) <= max(base_fee_wei + base_fee_wei // 8 + 1, 7)
    assert after > base_fee_wei if used > 5_000_000 else after <= max(base_fee_wei, 7)


@given(st.binary(max_size=200))
def test_the_floor_is_above_the_intrinsic_gas(data: bytes) -> None:
    """EIP-7623 asks 10 a token where the old price is 4."""
    assert floor_gas(data) - 21_000 == (intrinsic_gas(data, creates=False) - 21_000) * 10 // 4


def test_full_blocks_raise_the_base_fee() -> None:
    """Sixteen full blocks more than triple it; empty ones bring it down to the floor."""
    rules = Rules(limits=Limits(block_gas=21_000), least_base_fee_wei=GWEI // 2)
    chain = Chain(rules, lambda: 0, {OPERATOR.address: 10**24})
    for nonce in range(16):
        chain.send(signed(OPERATOR, nonce=nonce, fee_gwei=100))
        assert len(chain.mine().receipts) == 1
    assert chain.next_base_fee_wei > 3 * GWEI
    for _ in range(40):
        chain.mine()
    assert chain.next_base_fee_wei == GWEI // 2


async def test_a_fee_jump_is_for_the_next_block(chain: ChainServer, rpc: Any) -> None:
    """A pushed base fee is used once, and moves by the rule from there."""
    await rpc("sandbox_setBaseFee", 800 * GWEI)
    assert [chain.node.chain.mine().base_fee_wei // GWEI for _ in range(3)] == [800, 700, 612]


async def test_a_sender_pays_the_effective_price(chain: ChainServer, rpc: Any) -> None:
    """Base fee and tip, not the maximum; the coinbase gets the tip, the rest is burnt."""
    await rpc("sandbox_setBaseFee", 5 * GWEI)
    await rpc("eth_sendRawTransaction", "0x" + signed(fee_gwei=6, tip_gwei=3).hex())
    before = int(await rpc("eth_getBalance", COINBASE), 16)
    (receipt,) = chain.node.chain.mine().receipts
    assert receipt.price_wei == 6 * GWEI
    assert int(await rpc("eth_getBalance", COINBASE), 16) - before == 21_000 * GWEI


async def test_the_fee_history_is_the_blocks(chain: ChainServer, web3: AsyncWeb3) -> None:
    """Base fees with the next one, how full, and tips by percentile."""
    for nonce, tip_gwei in enumerate((1, 2, 3, 4)):
        await web3.eth.send_raw_transaction(signed(nonce=nonce, tip_gwei=tip_gwei))
    block = chain.node.chain.mine()
    history = await web3.eth.fee_history(2, "latest", [0, 50, 100])
    assert history.oldestBlock == 5
    assert history.baseFeePerGas[1:] == [block.base_fee_wei, chain.node.chain.next_base_fee_wei]
    assert history.gasUsedRatio[1] == 84_000 / block.gas_limit
    assert history.reward[1] == [GWEI, 2 * GWEI, 4 * GWEI]
    assert await web3.eth.max_priority_fee == GWEI
    assert await web3.eth.gas_price == block.base_fee_wei + GWEI


async def test_calldata_has_its_floor(chain: ChainServer, web3: AsyncWeb3) -> None:
    """A job of 500 costs the floor of its calldata, a job of one costs its work."""
    many = [(wallet, 10**18) for wallet in wallets(500)]
    for nonce, recipients in enumerate((many, many[:1])):
        await web3.eth.send_raw_transaction(submission(nonce, recipients, nonce))
    large, small = chain.node.chain.mine().receipts
    assert large.gas_used == floor_gas(large.transaction.data)
    assert small.gas_used > floor_gas(small.transaction.data)


async def test_a_block_is_never_fuller_than_its_limit() -> None:
    """What does not fit waits for the next one, in order."""
    chain = Chain(Rules(limits=Limits(block_gas=50_000)), lambda: 0, {OPERATOR.address: 10**24})
    for nonce in range(5):
        chain.send(signed(OPERATOR, nonce=nonce))
    assert [len(chain.mine().receipts) for _ in range(4)] == [2, 2, 1, 0]


def test_who_cannot_pay_yet_waits() -> None:
    """After a reorganisation a wallet's payment may come before the one that funds it: it waits for that."""
    chain = Node().chain
    poor = DevAccount("poor", "0x15d34aaf54267db7d7c367839aaf71a00a2c6a65", "0x" + POOR_KEY)
    chain.send(signed(OPERATOR, to=poor.address, value=10**18, tip_gwei=1))
    chain.mine()
    chain.send(signed(poor, tip_gwei=2))
    chain.mine()
    chain.reorganise(2)
    senders = [[receipt.transaction.sender for receipt in chain.mine().receipts] for _ in range(2)]
    assert senders == [[OPERATOR.address], [poor.address]]


async def test_time_follows_the_clock_and_can_be_put_forward(chain: ChainServer, rpc: Any) -> None:
    """Timestamps never go back; a deadline can be reached without waiting."""
    before = chain.node.chain.mine().timestamp_s
    await rpc("sandbox_increaseTime", 3600)
    after = chain.node.chain.mine().timestamp_s
    assert 3600 <= after - before <= 3602
    chain.node.chain.ahead_s = 0
    assert chain.node.chain.mine().timestamp_s == after


@pytest.mark.parametrize(
    ("method", "value"),
    [
        ("sandbox_setBaseFee", -1),
        ("sandbox_increaseTime", -1),
        ("sandbox_setInterval", 0),
        ("sandbox_setLag", 999),
    ],
)
async def test_switches_know_their_range(rpc: Any, method: str, value: int) -> None:
    """What lies outside is refused."""
    assert (await rpc(method, value))[0] == -32602


async def test_plain_coins_cannot_go_to_the_contract(rpc: Any) -> None:
    """A call with value that the contract does not take reverts."""
    assert (await rpc("eth_call", {"to": JOBS, "value": "0x1", "from": OPERATOR.address}))[0] == 3
