"""Finding logs by address, topic and block, and being told of new ones."""

import asyncio
import json
from typing import Any

import pytest
from eth_utils import keccak
from web3 import AsyncWeb3, Web3
from websockets.asyncio.client import connect

from sandbox.chain.accounts import JOBS, TOKEN
from sandbox.chain.jobs import COMPLETED, SUBMITTED
from sandbox.chain.server import ChainServer
from tests.sandbox.chain.payer import ALICE, BOB, submission

TRANSFER = "0x" + keccak(text="Transfer(address,address,uint256)").hex()
FIRST = 6


def word(address: str) -> str:
    return "0x" + address[2:].zfill(64)


@pytest.fixture
async def logs(chain: ChainServer, rpc: Any) -> Any:
    """Two jobs, submitted in blocks 6 and 7, completed in 7 and 8; returns (block, first topic) of what is found."""
    for number, wallet in enumerate((ALICE, BOB)):
        await rpc("eth_sendRawTransaction", "0x" + submission(number, [(wallet, 5)], number).hex())
        chain.node.chain.mine()
    chain.node.chain.mine()

    async def find(**wanted: Any) -> list[tuple[int, str]]:
        found = await rpc("eth_getLogs", wanted)
        return [(int(log["blockNumber"], 16), log["topics"][0]) for log in found]

    return find


async def test_by_address(logs: Any) -> None:
    """One address or any of several; none means all."""
    jobs = [(6, SUBMITTED), (7, SUBMITTED), (7, COMPLETED), (8, COMPLETED)]
    whole = {"fromBlock": hex(FIRST), "toBlock": "latest"}
    assert sorted(await logs(address=JOBS, **whole)) == sorted(jobs)
    assert len(await logs(address=[JOBS, TOKEN], **whole)) == len(await logs(**whole)) == 6
    assert await logs(address=ALICE, **whole) == []


async def test_by_topic(logs: Any) -> None:
    """Each place takes one topic, any of several, or anything; a log with fewer topics does not fit."""
    whole = {"fromBlock": hex(FIRST)}
    assert len(await logs(topics=[SUBMITTED], **whole)) == 2
    assert len(await logs(topics=[[SUBMITTED, COMPLETED]], **whole)) == 4
    assert await logs(topics=[TRANSFER, None, word(BOB)], **whole) == [(8, TRANSFER)]
    assert len(await logs(topics=[None, word(JOBS)], **whole)) == 2
    assert await logs(topics=[SUBMITTED, None, word(BOB)], **whole) == []
    assert len(await logs(topics=[], **whole)) == 6


async def test_by_block(chain: ChainServer, logs: Any) -> None:
    """A range, its end beyond the head, one block by hash; without anything only the head."""
    assert {block for block, _ in await logs(fromBlock="0x7", toBlock="0x7")} == {7}
    assert {block for block, _ in await logs(fromBlock="0x7", toBlock="0xffff")} == {7, 8}
    assert {block for block, _ in await logs(blockHash=chain.node.chain.blocks[6].hash)} == {6}
    assert {block for block, _ in await logs()} == {8}


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"blockHash": "0x" + "ab" * 32}, "unknown block"),
        ({"blockHash": "0x" + "ab" * 32, "toBlock": "0x1"}, "cannot specify both"),
        ({"fromBlock": "0x3", "toBlock": "0x2"}, "invalid block range"),
        ({"sender": ALICE}, "invalid argument 0"),
    ],
)
async def test_a_filter_that_makes_no_sense(rpc: Any, wanted: dict[str, Any], message: str) -> None:
    """It is refused, not answered with nothing."""
    assert message in (await rpc("eth_getLogs", wanted))[1]


async def test_numbers_of_logs_count_through_the_block(chain: ChainServer, rpc: Any) -> None:
    """Log numbers are the block's, not the transaction's; receipts and eth_getLogs agree."""
    for number in range(3):
        await rpc("eth_sendRawTransaction", "0x" + submission(number, [(ALICE, 5)], number).hex())
    block = chain.node.chain.mine()
    found = await rpc("eth_getLogs", {"blockHash": block.hash})
    assert [log["logIndex"] for log in found] == ["0x0", "0x1", "0x2"]
    receipts = [
        await rpc("eth_getTransactionReceipt", receipt.transaction.hash) for receipt in block.receipts
    ]
    assert [log for receipt in receipts for log in receipt["logs"]] == found


async def test_a_subscription_tells_only_what_was_asked_for(
    chain: ChainServer, socket: AsyncWeb3, rpc: Any
) -> None:
    """Completions, but no submissions; after unsubscribing nothing more."""
    number = await socket.eth.subscribe(
        "logs", {"address": Web3.to_checksum_address(JOBS), "topics": [COMPLETED]}
    )
    seen = []
    for job in range(2):
        await rpc("eth_sendRawTransaction", "0x" + submission(job, [(ALICE, 5)], job).hex())
    await rpc("sandbox_mine", 2)
    async for message in socket.socket.process_subscriptions():
        seen.append(message["result"]["topics"][0].to_0x_hex())
        if len(seen) == 2:
            break
    assert seen == [COMPLETED, COMPLETED]
    assert await socket.eth.unsubscribe(number)
    assert not (await socket.provider.make_request("eth_unsubscribe", [number]))["result"]


async def test_subscriptions_end_with_their_connection(chain: ChainServer, socket: AsyncWeb3) -> None:
    """A client that is gone costs the chain nothing more."""
    await socket.eth.subscribe("newHeads")
    listening = len(chain.node.chain.listeners)
    await socket.provider.disconnect()
    async with asyncio.timeout(30):
        while len(chain.node.chain.listeners) == listening:
            await asyncio.sleep(0.01)
    chain.node.chain.mine()


async def test_an_unknown_subscription(chain: ChainServer, rpc: Any) -> None:
    """Only heads and logs; and over HTTP none at all."""
    async with connect(chain.ws_url, proxy=None) as connection:
        await connection.send(json.dumps({"id": 1, "method": "eth_subscribe", "params": ["syncing"]}))
        assert json.loads(await connection.recv())["error"]["code"] == -32602
    assert (await rpc("eth_subscribe", "newHeads"))[0] == -32601
