"""A job's transaction from the draft to the chain: signed, handed over, and never believed."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from time import monotonic

import pytest
from eth_account import Account

from blocks.evm import EvmJobs
from blocks.evm_chain import EvmChain
from blocks.jobs import Draft, Fees, Jobs, JobStatus, Verdict
from blocks.jobs_problem import ChainAccessDenied, ChainUnreachable, JobsProblem, WrongChain
from blocks.signer import KeystoreKey
from contracts.recipients import pack
from deployments.surroundings import free_port
from sandbox.chain.accounts import OPERATOR
from tests.blocks.conftest import block, keystore, settings
from tests.blocks.gateway import Gateway
from tests.blocks.nodes import FAR_S, PAIRS, Node

ETHER = 10**18


@pytest.fixture(autouse=True)
async def emptied(node: Node) -> AsyncIterator[None]:
    """What a test left waiting is mined before the next one."""
    yield
    node.mine(2)


async def draft(jobs: Jobs, **others: object) -> Draft:
    """A job of its own, as a careful payer would send it."""
    job_id, payload = secrets.token_bytes(32), pack(PAIRS)
    gas = await jobs.gas(job_id, payload, FAR_S)
    usual = {"nonce": await jobs.nonce(), "gas": gas * 5 // 4, "fees": await jobs.fees()}
    return Draft(job_id, payload, FAR_S, **{**usual, **others})


# ── Signing ──────────────────────────────────────────────────────────────────────────────────────


async def test_what_is_signed_is_known_before_anybody_has_it(node: Node, jobs: Jobs) -> None:
    """The hash is the node's own, the sender is our account, and signing again gives the same bytes."""
    wanted = await draft(jobs)
    signed = jobs.sign(wanted)
    assert signed == jobs.sign(wanted)
    assert Account.recover_transaction(signed.raw) == jobs.account
    assert await jobs.send(signed.raw) == Verdict.TAKEN
    node.mine()
    receipt = node.ask("eth_getTransactionReceipt", signed.tx_hash)
    assert (int(receipt["status"], 16), receipt["from"].lower()) == (1, OPERATOR.address)
    assert (await jobs.state(wanted.job_id)).status is JobStatus.SUBMITTED
    assert await jobs.nonce() == wanted.nonce + 1


async def test_a_transaction_that_waits_does_not_count(jobs: Jobs) -> None:
    """The nonce is by what is mined: the ledger knows what waits."""
    wanted = await draft(jobs)
    assert await jobs.send(jobs.sign(wanted).raw) == Verdict.TAKEN
    assert await jobs.nonce() == wanted.nonce


async def test_fees_outlast_a_doubled_base_fee(node: Node, jobs: Jobs) -> None:
    """Twice the next block's base fee and the tip; what replaces them is an eighth more."""
    fees = await jobs.fees()
    base_wei = int(node.ask("eth_feeHistory", "0x1", "latest", [])["baseFeePerGas"][-1], 16)
    assert fees.max_fee_wei == 2 * base_wei + fees.tip_wei
    bumped = fees.bumped()
    assert bumped.max_fee_wei * 8 >= fees.max_fee_wei * 9
    assert bumped.tip_wei * 8 >= fees.tip_wei * 9 > 0


# ── What a node says ─────────────────────────────────────────────────────────────────────────────


async def test_the_same_bytes_again(node: Node, jobs: Jobs) -> None:
    """Known while it waits, used up when it is mined: both mean that the chain must be asked."""
    raw = jobs.sign(await draft(jobs)).raw
    said = [await jobs.send(raw), await jobs.send(raw)]
    node.mine()
    said.append(await jobs.send(raw))
    assert said == [Verdict.TAKEN, Verdict.KNOWN, Verdict.NONCE_USED]


async def test_a_replacement_must_pay_more(node: Node, jobs: Jobs) -> None:
    """At the same nonce the same fees are too low, and bumped ones are taken: they alone are mined."""
    first, second = await draft(jobs), await draft(jobs)
    assert await jobs.send(jobs.sign(first).raw) == Verdict.TAKEN
    assert await jobs.send(jobs.sign(second).raw) == Verdict.FEE_TOO_LOW
    bumped = await draft(jobs, fees=second.fees.bumped())
    assert await jobs.send(jobs.sign(bumped).raw) == Verdict.TAKEN
    node.mine()
    states = await jobs.states([first.job_id, bumped.job_id])
    assert [state.status for state in states] == [JobStatus.UNKNOWN, JobStatus.SUBMITTED]


async def test_fees_that_nobody_can_afford(jobs: Jobs) -> None:
    """The account has not got the gas's price."""
    dear = await draft(jobs, fees=Fees(ETHER, 1))
    assert await jobs.send(jobs.sign(dear).raw) == Verdict.NO_FUNDS


async def test_a_refusal_without_a_name_is_told_in_the_nodes_words(jobs: Jobs) -> None:
    """One line of it, for the journal."""
    said = await jobs.send(jobs.sign(await draft(jobs, gas=2_000_000_000)).raw)
    assert said not in set(Verdict)
    assert "gas" in said
    assert "\n" not in said


async def test_a_transaction_for_another_chain_is_not_taken(node: Node, jobs: Jobs) -> None:
    """That is no matter of looking it up: somebody must mend the Block."""
    other = EvmChain.model_validate(
        settings(
            node.url,
            chain_id=1,
            signer={"kind": "keystore", "keystore": keystore(), "passphrase_variable": "X"},
        )
    )
    assert isinstance(other.signer, KeystoreKey)
    async with block(node.url).open() as ours, EvmJobs("jobs-contract", other, ours._signer) as wrong:
        raw = wrong.sign(await draft(jobs)).raw
        with pytest.raises(WrongChain, match="jobs-contract: the node is of another chain"):
            await wrong.send(raw)


# ── What happens on the way ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("fault", ["lost", "slow"])
async def test_an_answer_that_is_lost_says_nothing(node: Node, road: Gateway, fault: str) -> None:
    """The node took it, we do not know, and it was sent once; asked again, the chain knows it."""
    async with block(road.url, timeout_s=1).open() as jobs:
        wanted = await draft(jobs)
        raw = jobs.sign(wanted).raw
        road.fail("eth_sendRawTransaction", fault, times=1)
        assert await jobs.send(raw) == Verdict.LOST
        assert road.asked["eth_sendRawTransaction"] == 1
        await until_waiting(node)
        assert await jobs.send(raw) == Verdict.KNOWN
        node.mine()
        assert await jobs.send(raw) == Verdict.NONCE_USED
        assert (await jobs.state(wanted.job_id)).status is JobStatus.SUBMITTED


async def until_waiting(node: Node) -> None:
    async with asyncio.timeout(10):
        while node.ask("eth_getTransactionCount", OPERATOR.address, "pending") == node.ask(
            "eth_getTransactionCount", OPERATOR.address, "latest"
        ):
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("fault", ["cut", "nonsense", 429, 500, 503])
async def test_what_never_arrived_says_nothing_either(node: Node, road: Gateway, fault: str | int) -> None:
    """It looks the same from here; the same bytes are taken afterwards."""
    async with block(road.url).open() as jobs:
        wanted = await draft(jobs)
        raw = jobs.sign(wanted).raw
        road.fail("eth_sendRawTransaction", fault, times=1)
        assert await jobs.send(raw) == Verdict.LOST
        assert road.asked["eth_sendRawTransaction"] == 1
        assert await jobs.send(raw) in {Verdict.TAKEN, Verdict.KNOWN}
        node.mine()
        assert (await jobs.state(wanted.job_id)).status is JobStatus.SUBMITTED


@pytest.mark.parametrize("fault", ["cut", "lost", 429, 503])
async def test_reads_are_tried_again(node: Node, road: Gateway, fault: str | int) -> None:
    """Alone and many at once: nobody above needs to know."""
    road.fail("eth_getBlockByNumber", fault, times=2)
    road.fail("eth_call", fault, times=2)
    async with block(road.url).open() as jobs:
        assert (await jobs.head()).number == node.number
        assert (await jobs.state(bytes(32))).status is JobStatus.UNKNOWN
    assert road.asked["eth_call"] == 3


@pytest.mark.parametrize(
    ("fault", "kind", "told"),
    [
        ("cut", ChainUnreachable, "ServerDisconnectedError"),
        ("nonsense", ChainUnreachable, "JSONDecodeError"),
        (503, ChainUnreachable, "HTTP 503"),
        (401, ChainAccessDenied, "HTTP 401"),
        (404, ChainAccessDenied, "HTTP 404"),
    ],
)
async def test_a_node_that_stays_away_is_told(
    road: Gateway, fault: str | int, kind: type[JobsProblem], told: str
) -> None:
    """In one line, without the address; who turns us away will do so again."""
    for method in ("eth_getTransactionCount", "eth_call", "eth_chainId"):
        road.fail(method, fault)
    async with block(road.url).open() as jobs:
        questions = jobs.nonce(), jobs.state(bytes(32)), jobs.check()
        problems = await asyncio.gather(*questions, return_exceptions=True)
    assert [type(problem) for problem in problems] == [kind] * 3
    assert all(told in str(problem) and road.path not in str(problem) for problem in problems)


async def test_nobody_there() -> None:
    """To a read and to a transaction alike: it was certainly not sent."""
    async with block(f"http://127.0.0.1:{free_port()}", timeout_s=1).open() as jobs:
        started = monotonic()
        with pytest.raises(ChainUnreachable, match="ClientConnectorError") as caught:
            await jobs.nonce()
        assert caught.value.heals
        assert 1 < monotonic() - started < 10
        with pytest.raises(ChainUnreachable):
            await jobs.send(b"\0")


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_a_node_that_turns_a_transaction_away(road: Gateway, status: int) -> None:
    """A wrong key in the address: it was not sent, and will not be."""
    road.fail("eth_sendRawTransaction", status)
    async with block(road.url).open() as jobs:
        with pytest.raises(ChainAccessDenied, match=f"HTTP {status}"):
            await jobs.send(b"\0")


# ── New blocks ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("announced", [True, False], ids=["websocket", "clock"])
async def test_a_new_block_wakes(node: Node, announced: bool) -> None:
    """Announced or found by asking; without one the time runs out."""
    others = {"ws_url": node.ws_url} if announced else {}
    async with block(node.url, **others).open() as jobs:
        assert await jobs.woken(5)  # look once, whatever was before
        assert not await jobs.woken(0.2)
        waiting = asyncio.create_task(jobs.woken(10))
        await asyncio.sleep(0.1)
        started = monotonic()
        await asyncio.to_thread(node.mine)
        assert await waiting
        assert monotonic() - started < (1 if announced else 4)


async def test_a_socket_that_turns_us_away_is_replaced_by_the_clock(node: Node, road: Gateway) -> None:
    """The road speaks no WebSocket; blocks are found all the same."""
    async with block(node.url, ws_url=road.url.replace("http:", "ws:")).open() as jobs:
        assert await jobs.woken(5)
        await asyncio.to_thread(node.mine)
        assert await jobs.woken(5)


async def test_a_node_that_is_away_wakes_nobody() -> None:
    """The wait is only a hint: it ends by its time limit, not by an error."""
    url = f"http://127.0.0.1:{free_port()}"
    async with block(url, ws_url=url.replace("http:", "ws:")).open() as jobs:
        assert not await jobs.woken(0.3)
    async with block(url).open() as jobs:
        assert not await jobs.woken(0.3)
