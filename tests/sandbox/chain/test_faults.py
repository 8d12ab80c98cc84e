"""Everything that can go wrong between a payer and its node, as real clients meet it."""

import time
from typing import Any

import aiohttp
import httpx
import pytest
from web3 import AsyncHTTPProvider, AsyncWeb3, Web3, WebSocketProvider
from web3.exceptions import Web3RPCError
from websockets.exceptions import ConnectionClosedError

from sandbox.chain.accounts import STRANGER
from sandbox.chain.server import ChainServer
from tests.sandbox.chain.payer import ALICE, GWEI, signed, submission, until


async def test_accepted_but_the_answer_is_lost(chain: ChainServer, web3: AsyncWeb3, rpc: Any) -> None:
    """The connection dies after the transaction is in the mempool; sending again says already known."""
    await rpc("sandbox_fault", {"kind": "lost_answer", "methods": ["eth_sendRawTransaction"], "requests": 1})
    raw = signed()
    with pytest.raises(aiohttp.ClientError):
        await web3.eth.send_raw_transaction(raw)
    assert await rpc("eth_getTransactionByHash", Web3.keccak(raw).to_0x_hex()) is not None
    with pytest.raises(Web3RPCError, match="already known"):
        await web3.eth.send_raw_transaction(raw)
    (receipt,) = chain.node.chain.mine().receipts
    assert receipt.succeeded
    with pytest.raises(Web3RPCError, match="nonce too low"):
        await web3.eth.send_raw_transaction(raw)
    counters = await rpc("sandbox_counters")
    assert (counters["received"], counters["faults"]) == (1, {"lost_answer": 1})


async def test_the_clients_own_retry_sends_twice(chain: ChainServer, rpc: Any) -> None:
    """web3's default tries eth_sendRawTransaction again by itself, and reports a failure of what was mined."""
    await rpc("sandbox_fault", {"kind": "lost_answer", "methods": ["eth_sendRawTransaction"], "requests": 1})
    provider = AsyncHTTPProvider(chain.url)
    with pytest.raises(Web3RPCError, match="already known"):
        await AsyncWeb3(provider).eth.send_raw_transaction(signed())
    await provider.disconnect()
    assert (await rpc("sandbox_counters"))["requests"]["eth_sendRawTransaction"] == 2


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_status_instead_of_an_answer(web3: AsyncWeb3, rpc: Any, status: int) -> None:
    """Nothing is done, and the next request is served."""
    await rpc("sandbox_fault", {"kind": "http", "status": status, "retry_after_s": 7, "requests": 1})
    with pytest.raises(aiohttp.ClientResponseError) as refused:
        await web3.eth.send_raw_transaction(signed())
    assert refused.value.status == status
    assert refused.value.headers is not None
    assert refused.value.headers["Retry-After"] == "7"
    assert (await rpc("sandbox_counters"))["received"] == 0
    assert await web3.eth.block_number == 5


async def test_a_slow_node(web3: AsyncWeb3, rpc: Any) -> None:
    """The answer comes, later; other methods are not touched."""
    await rpc("sandbox_fault", {"kind": "slow", "delay_s": 0.3, "methods": ["eth_chainId"]})
    await web3.eth.block_number
    assert (await rpc("sandbox_counters"))["faults"] == {}
    began_s = time.monotonic()
    await web3.eth.chain_id
    assert time.monotonic() - began_s >= 0.3


async def test_a_node_that_is_down(chain: ChainServer, web3: AsyncWeb3, socket: AsyncWeb3, rpc: Any) -> None:
    """No request is served and no subscriber told, old and new connections alike; the switches still work."""
    await socket.eth.subscribe("newHeads")
    await rpc("sandbox_fault", {"kind": "down"})
    for _ in range(2):
        with pytest.raises(aiohttp.ClientError):
            await web3.eth.block_number
    with pytest.raises(httpx.TransportError):
        await rpc("eth_chainId")
    chain.node.chain.mine()
    with pytest.raises(ConnectionClosedError):
        async for _ in socket.socket.process_subscriptions():
            pass
    with pytest.raises(Exception, match=r"(?i)connect|EOF|closed|HTTP"):
        await WebSocketProvider(chain.ws_url, max_connection_retries=1).connect()
    assert await rpc("sandbox_clearFaults") == []
    assert await web3.eth.block_number == 6


@pytest.mark.parametrize(
    "fault", [{"kind": "lost_answer"}, {"kind": "http"}, {"kind": "down", "methods": ["eth_chainId"]}]
)
async def test_faults_on_a_socket(chain: ChainServer, rpc: Any, fault: dict[str, Any]) -> None:
    """Over WebSocket each of them closes the connection."""
    client = await AsyncWeb3(WebSocketProvider(chain.ws_url))
    await rpc("sandbox_fault", fault)
    with pytest.raises(Exception, match=r"(?i)close|1013"):
        await client.eth.chain_id
    await client.provider.disconnect()


async def test_a_lagging_node(chain: ChainServer, web3: AsyncWeb3, rpc: Any) -> None:
    """It answers from an old head: number, balances, nonces, receipts, logs; but it passes transactions on."""
    sent = await web3.eth.send_raw_transaction(signed(value=9))
    await web3.eth.send_raw_transaction(submission(1, [(ALICE, 5)], nonce=0))
    chain.node.chain.mine()
    await rpc("sandbox_setLag", 1)
    address = Web3.to_checksum_address(STRANGER.address)
    assert await web3.eth.block_number == 5
    assert (await web3.eth.get_block("latest")).number == 5
    assert await web3.eth.get_balance(Web3.to_checksum_address(ALICE)) == 0
    assert await web3.eth.get_transaction_count(address) == 0
    assert await web3.eth.get_transaction_count(address, "pending") == 1
    assert (await web3.eth.get_transaction(sent)).blockNumber is None
    assert await rpc("eth_getTransactionReceipt", sent.to_0x_hex()) is None
    assert await rpc("eth_getLogs", {"fromBlock": "0x6"}) == []
    with pytest.raises(Web3RPCError, match="nonce too low"):
        await web3.eth.send_raw_transaction(signed(value=9))
    await rpc("sandbox_setLag", 0)
    assert await web3.eth.get_balance(Web3.to_checksum_address(ALICE)) == 9


async def test_a_lagging_node_tells_its_subscribers_nothing(
    chain: ChainServer, socket: AsyncWeb3, rpc: Any
) -> None:
    """The blocks of that time are never announced: a subscription is a hint, not the truth."""
    await socket.eth.subscribe("newHeads")
    await rpc("sandbox_setLag", 1)
    chain.node.chain.mine()
    await rpc("sandbox_setLag", 0)
    chain.node.chain.mine()
    async for message in socket.socket.process_subscriptions():
        assert message["result"]["number"] == 7
        break


async def test_blocks_at_an_interval(chain: ChainServer, rpc: Any) -> None:
    """The miner keeps to its interval, and stops when told."""
    await rpc("sandbox_setInterval", 0.02)
    await until(lambda: chain.node.chain.head.number > 15)
    await rpc("sandbox_setInterval", None)
    stopped = chain.node.chain.head.number
    await rpc("sandbox_fault", {"kind": "slow", "delay_s": 0.2, "requests": 1})
    await rpc("eth_chainId")
    assert chain.node.chain.head.number <= stopped + 1


async def test_faults_have_an_end(rpc: Any) -> None:
    """By requests, by time, or by being cleared; what is on can be read."""
    await rpc("sandbox_fault", {"kind": "http", "requests": 2, "methods": ["eth_chainId"]})
    await rpc("sandbox_fault", {"kind": "slow", "delay_s": 0.1, "duration_s": 0.05})
    assert {fault["kind"] for fault in await rpc("sandbox_faults")} == {"http", "slow"}
    for _ in range(2):
        with pytest.raises(httpx.HTTPStatusError):
            await rpc("eth_chainId")
    assert await rpc("eth_chainId") == "0x7a69"
    assert await rpc("sandbox_clearFaults") == []


async def test_a_fault_by_chance(rpc: Any) -> None:
    """With a probability some requests suffer and some do not."""
    await rpc("sandbox_fault", {"kind": "http", "probability": 0.5})
    seen = set()
    for _ in range(40):
        try:
            seen.add(await rpc("eth_chainId"))
        except httpx.HTTPStatusError as refused:
            seen.add(refused.response.status_code)
    assert seen == {"0x7a69", 429}


async def test_counters_tell_what_happened(chain: ChainServer, rpc: Any) -> None:
    """Requests by method, transactions received, refused, mined and reverted, blocks taken back, tokens paid."""
    before = await rpc("sandbox_counters")
    for raw in (signed(), signed(chainId=1), submission(1, [(ALICE, 5)], 0), submission(1, [(ALICE, 5)], 1)):
        await rpc("eth_sendRawTransaction", "0x" + raw.hex())
    await rpc("sandbox_mine", 2)
    counters = await rpc("sandbox_counters")
    assert counters["requests"]["eth_sendRawTransaction"] == 4
    assert (counters["received"], counters["refused"]) == (3, {"invalid chain id for signer": 1})
    assert (counters["mined"] - before["mined"], counters["reverted"]) == (4, 1)
    assert (counters["open_jobs"], counters["waiting"], counters["head"]) == (0, 0, 7)
    assert before["budget"] - counters["budget"] == 5
    assert await rpc("sandbox_paid", [ALICE]) == {ALICE: 5}
    await rpc("sandbox_reorg", 2)
    counters = await rpc("sandbox_counters")
    assert (counters["mined"] - before["mined"], counters["reverted"], counters["reorganisations"]) == (
        0,
        0,
        1,
    )
    assert await rpc("sandbox_paid", [ALICE]) == {ALICE: 0}


async def test_a_fee_jump_leaves_transactions_behind(chain: ChainServer, rpc: Any) -> None:
    """What was priced for yesterday's fee waits; the chain goes on without it."""
    await rpc("eth_sendRawTransaction", "0x" + signed(fee_gwei=2).hex())
    await rpc("sandbox_setBaseFee", 300 * GWEI)
    await rpc("sandbox_mine", 3)
    assert (await rpc("sandbox_counters"))["waiting"] == 1


async def test_other_hosts_names_are_refused(chain: ChainServer) -> None:
    """A page in somebody's browser cannot talk to the chain under a name of its own."""
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(chain.url, json={}, headers={"Host": "evil.example"})
    assert answer.status_code == 400
