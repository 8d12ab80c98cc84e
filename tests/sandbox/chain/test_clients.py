"""What web3.py asks of a node, over HTTP and WebSocket."""

import asyncio
from typing import Any

import httpx
import pytest
from web3 import AsyncWeb3, HTTPProvider, Web3
from web3.exceptions import BlockNotFound, ContractLogicError, TransactionNotFound

from contracts import artifact
from contracts.recipients import pack
from sandbox.chain.accounts import BALANCE_WEI, CHAIN_ID, JOBS, OPERATOR, STRANGER, TOKEN, WORKER
from sandbox.chain.server import ChainServer
from tests.sandbox.chain.payer import ALICE, BOB, signed, submission

checksum = Web3.to_checksum_address


async def test_who_the_node_is(web3: AsyncWeb3) -> None:
    """Chain, network, client, not syncing."""
    assert await web3.eth.chain_id == CHAIN_ID
    assert await web3.net.version == str(CHAIN_ID)
    assert "pyrevm" in await web3.client_version
    assert await web3.eth.syncing is False
    assert await web3.is_connected()


async def test_blocks_by_number_hash_and_name(chain: ChainServer, web3: AsyncWeb3) -> None:
    """Finalized is four blocks behind the head, safe half of that; at the start the contract's block is final."""
    assert (await web3.eth.get_block("finalized")).number == 1
    for _ in range(5):
        chain.node.chain.mine()
    seen = {
        name: (await web3.eth.get_block(name)).number for name in ("latest", "safe", "finalized", "earliest")
    }
    assert seen == {"latest": 10, "safe": 8, "finalized": 6, "earliest": 0}
    block = await web3.eth.get_block(7)
    assert await web3.eth.get_block(block.hash) == block
    assert (await web3.eth.get_block(8)).parentHash == block.hash
    for missing in (11, "0x" + "ab" * 32):
        with pytest.raises(BlockNotFound):
            await web3.eth.get_block(missing)


async def test_the_pending_block_holds_what_is_ready(web3: AsyncWeb3) -> None:
    """It has the next number and base fee, and no hash."""
    waiting = await web3.eth.send_raw_transaction(signed())
    await web3.eth.send_raw_transaction(signed(nonce=2))
    pending = await web3.eth.get_block("pending")
    assert (pending.number, pending.hash, pending.transactions) == (6, None, [waiting])


async def test_a_transaction_from_sending_to_its_receipt(chain: ChainServer, web3: AsyncWeb3) -> None:
    """It waits without a block, is then mined, pays the effective price, and the nonce counts."""
    raw = signed(value=7)
    sent = await web3.eth.send_raw_transaction(raw)
    assert sent == Web3.keccak(raw)
    assert (await web3.eth.get_transaction(sent)).blockNumber is None
    with pytest.raises(TransactionNotFound):
        await web3.eth.get_transaction_receipt(sent)
    address = checksum(STRANGER.address)
    assert await web3.eth.get_transaction_count(address) == 0
    assert await web3.eth.get_transaction_count(address, "pending") == 1
    block = chain.node.chain.mine()
    receipt = await web3.eth.wait_for_transaction_receipt(sent, timeout=5)
    assert (receipt.status, receipt.gasUsed, receipt.blockNumber, receipt["from"]) == (1, 21_000, 6, address)
    assert receipt.effectiveGasPrice == block.base_fee_wei + 10**9
    spent = 7 + 21_000 * receipt.effectiveGasPrice
    assert await web3.eth.get_balance(address) == BALANCE_WEI - spent
    assert await web3.eth.get_balance(checksum(ALICE)) == 7
    assert await web3.eth.get_balance(address, 1) == BALANCE_WEI
    assert await web3.eth.get_transaction_count(address) == 1
    full = await web3.eth.get_block("latest", True)
    assert full.transactions[0] == await web3.eth.get_transaction(sent)


@pytest.mark.parametrize("legacy", [True, False])
async def test_old_and_new_transactions(chain: ChainServer, web3: AsyncWeb3, legacy: bool) -> None:
    """Legacy and EIP-1559 come back as they were sent, with their signature."""
    raw = signed(gasPrice=5 * 10**9) if legacy else signed()
    sent = await web3.eth.send_raw_transaction(raw)
    chain.node.chain.mine()
    seen = await web3.eth.get_transaction(sent)
    assert (seen.type, seen.to, seen.value) == (0 if legacy else 2, checksum(ALICE), 1)
    assert (seen.v in {62709, 62710}) is legacy
    assert "maxFeePerGas" in seen or legacy


async def test_the_contract_through_its_abi(chain: ChainServer, web3: AsyncWeb3) -> None:
    """A job submitted, completed and read with web3's own contract classes."""
    jobs = web3.eth.contract(checksum(JOBS), abi=artifact("Jobs").abi)
    token = web3.eth.contract(checksum(TOKEN), abi=artifact("Coin").abi)
    pairs = [(ALICE, 5), (BOB, 7)]
    await web3.eth.send_raw_transaction(submission(1, pairs, nonce=0))
    chain.node.chain.mine()
    chain.node.chain.mine()
    (submitted,) = await jobs.events.JobSubmitted.get_logs(from_block=0)
    assert (submitted.args.n, submitted.args.total) == (2, 12)
    (completed,) = await jobs.events.JobCompleted.get_logs(
        from_block=0, argument_filters={"job_id": (1).to_bytes(32)}
    )
    assert completed.args.total == 12
    assert await token.functions.balanceOf(checksum(BOB)).call() == 7
    status, *_ = await jobs.functions.job((1).to_bytes(32)).call()
    assert status == 2
    status, *_ = await jobs.functions.job((1).to_bytes(32)).call(block_identifier=1)
    assert status == 0


async def test_a_call_tells_why_it_would_revert(web3: AsyncWeb3) -> None:
    """eth_call and eth_estimateGas answer with the contract's reason."""
    jobs = web3.eth.contract(checksum(JOBS), abi=artifact("Jobs").abi)
    submit = jobs.functions.submitJob((1).to_bytes(32), pack([(ALICE, 1)]), 2**40)
    with pytest.raises(ContractLogicError, match="operator only"):
        await submit.call({"from": checksum(WORKER.address)})
    with pytest.raises(ContractLogicError, match="operator only"):
        await submit.estimate_gas({"from": checksum(WORKER.address)})
    await submit.call({"from": checksum(OPERATOR.address)})


async def test_a_contract_can_be_the_caller(web3: AsyncWeb3) -> None:
    """So that a payment can be tried before anybody signs: would the token take this recipient?"""
    token = web3.eth.contract(checksum(TOKEN), abi=artifact("Coin").abi)
    assert await token.functions.transfer(checksum(ALICE), 1).call({"from": checksum(JOBS)})
    with pytest.raises(ContractLogicError, match="token itself"):
        await token.functions.transfer(checksum(TOKEN), 1).call({"from": checksum(JOBS)})


@pytest.mark.parametrize("count", [1, 40, 500])
async def test_an_estimate_is_enough_and_not_much_more(
    chain: ChainServer, web3: AsyncWeb3, count: int
) -> None:
    """With the estimate as its limit the transaction succeeds; it is within 2 % above the use, floor included."""
    raw = submission(1, [(f"0x{number + 1:040x}", 1) for number in range(count)], nonce=0)
    sent = await web3.eth.send_raw_transaction(raw)
    request = await web3.eth.get_transaction(sent)
    call = {"from": request["from"], "to": request.to, "data": request.input}
    estimate = await web3.eth.estimate_gas(call)
    used = chain.node.chain.mine().receipts[0].gas_used
    assert used <= estimate <= used * 1.02


async def test_what_can_never_run_has_no_estimate(web3: AsyncWeb3) -> None:
    """More than the cap of a transaction is said so."""
    with pytest.raises(Exception, match=r"gas required exceeds allowance \(16777216\)"):
        await web3.eth.estimate_gas({"to": checksum(TOKEN), "data": "0x" + "ff" * 420_000})


def test_the_blocking_client(chain_in_thread: ChainServer) -> None:
    """The synchronous provider reads and sends, too."""
    web3 = Web3(HTTPProvider(chain_in_thread.url))
    sent = web3.eth.send_raw_transaction(signed())
    web3.provider.make_request("sandbox_mine", [])  # type: ignore[arg-type]
    assert web3.eth.get_transaction_receipt(sent)["status"] == 1


async def test_several_requests_in_one(web3: AsyncWeb3) -> None:
    """A batch is answered in order, errors in their places."""
    async with web3.batch_requests() as batch:
        batch.add(web3.eth.get_block("latest"))
        batch.add(web3.eth.get_balance(checksum(STRANGER.address)))
        block, balance = await batch.async_execute()
    assert (block.number, balance) == (5, BALANCE_WEI)


async def test_a_method_that_is_not_spoken(rpc: Any) -> None:
    """An unknown name is a loud error, on HTTP as everywhere."""
    assert await rpc("eth_mining") == (-32601, "the method eth_mining does not exist/is not available")


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("eth_getBalance", []),
        ("eth_getBalance", ["0x12", "latest"]),
        ("eth_getBalance", [ALICE, "newest"]),
        ("eth_getBlockByNumber", [7, False]),
        ("eth_call", [{"to": ALICE, "stateOverride": {}}, "latest"]),
        ("eth_call", ["0x"]),
        ("eth_sendRawTransaction", ["1234"]),
        ("eth_getLogs", [{"topics": [None] * 5}]),
        ("eth_getLogs", [{"fromBlock": "0x2", "toBlock": "0x1"}]),
        ("sandbox_reorg", ["two"]),
        ("sandbox_fault", [{"kind": "sulk"}]),
    ],
)
async def test_parameters_that_make_no_sense(rpc: Any, method: str, params: list[Any]) -> None:
    """Each is refused as such, not guessed at."""
    code, _ = await rpc(method, *params)
    assert code == -32602


@pytest.mark.parametrize(
    ("body", "code"),
    [(b"{", -32700), (b"[]", -32600), (b'"x"', -32600), (b'{"id": 1}', -32600)],
)
async def test_what_is_no_request(chain: ChainServer, body: bytes, code: int) -> None:
    """Broken JSON and what has no method get the standard's codes."""
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = (await client.post(chain.url, content=body)).json()
    assert answer["error"]["code"] == code


async def test_both_clients_at_once(web3: AsyncWeb3, socket: AsyncWeb3) -> None:
    """HTTP and WebSocket are two doors of the same node."""
    sent = await socket.eth.send_raw_transaction(signed())
    numbers = await asyncio.gather(web3.eth.block_number, socket.eth.block_number)
    assert numbers == [5, 5]
    assert (await web3.eth.get_transaction(sent)).hash == sent
