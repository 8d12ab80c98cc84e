"""The negative control: coins are paid as a script would, which writes down what it has paid when it has paid it."""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg
import httpx
from eth_account import Account

import sandbox
from contracts.recipients import pack
from sandbox.chain.accounts import CHAIN_ID, JOBS, OPERATOR
from sandbox.chain.deployment import COIN, calldata

BATCH = 10
TRIES = 5
GAS = 1_000_000
FEE_WEI = 500 * 10**9
COMPLETED = 2
FOR_EVER = 1 << 40
BOOKED = "select user_id, sum(amount)::text as paid, '0' as in_flight from naive.payment group by user_id"


def prepare(world: sandbox.World) -> None:
    """Make its table, empty."""
    world.query(
        "drop schema if exists naive cascade; create schema naive authorization metronome; "
        "create table naive.payment (user_id bigint, amount numeric); alter table naive.payment owner to metronome",
        "state",
    )


def pay(state: Mapping[str, Any], game: Mapping[str, Any], rpc_url: str) -> None:
    """Pay what is not in the table; the first two say where a database is, as asyncpg wants it."""
    asyncio.run(_pay(state, game, rpc_url))


async def _pay(state: Mapping[str, Any], game: Mapping[str, Any], rpc_url: str) -> None:
    ours, theirs = await asyncpg.connect(**state), await asyncpg.connect(**game)
    players = await theirs.fetch("select id, coins, wallet from public.users order by id")
    paid = dict(await ours.fetch("select user_id, sum(amount) from naive.payment group by user_id"))
    due = [
        (row["id"], row["wallet"], int(row["coins"]) * COIN - int(paid.get(row["id"], 0))) for row in players
    ]
    due = [payment for payment in due if payment[2] > 0]
    async with httpx.AsyncClient(base_url=rpc_url) as node:
        for start in range(0, len(due), BATCH):
            batch = due[start : start + BATCH]
            await _try(node, pack((wallet, amount) for _, wallet, amount in batch))
            rows = [(player, amount) for player, _, amount in batch]
            await ours.executemany("insert into naive.payment values ($1, $2)", rows)
    await ours.close()
    await theirs.close()


async def _try(node: httpx.AsyncClient, payload: bytes) -> None:
    for _ in range(TRIES):
        try:
            await _submit(node, payload)
        except (httpx.HTTPError, RuntimeError):
            await asyncio.sleep(0.2)
        else:
            return


async def _submit(node: httpx.AsyncClient, payload: bytes) -> None:
    """Return when the job is done."""
    job_id = secrets.token_bytes(32)
    nonce = int(await _ask(node, "eth_getTransactionCount", [OPERATOR.address, "pending"]), 16)
    fields = {
        "type": 2, "chainId": CHAIN_ID, "nonce": nonce, "gas": GAS, "to": bytes.fromhex(JOBS[2:]), "value": 0,
        "data": calldata("submitJob(bytes32,bytes,uint256)", job_id, payload, FOR_EVER),
        "maxFeePerGas": FEE_WEI, "maxPriorityFeePerGas": FEE_WEI,
    }  # fmt: skip
    raw = Account.from_key(OPERATOR.key).sign_transaction(fields).raw_transaction
    await _ask(node, "eth_sendRawTransaction", ["0x" + raw.hex()])
    question = [{"to": JOBS, "data": "0x" + calldata("job(bytes32)", job_id).hex()}, "latest"]
    while int((await _ask(node, "eth_call", question))[2:66], 16) != COMPLETED:
        await asyncio.sleep(0.1)


async def _ask(node: httpx.AsyncClient, method: str, params: Sequence[Any]) -> Any:
    answer = await node.post("/", json={"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    if "error" in answer.json():
        raise RuntimeError(str(answer.json()["error"]))
    return answer.json()["result"]
