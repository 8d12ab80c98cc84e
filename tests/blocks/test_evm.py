"""The Jobs contract read through two nodes: the sandbox's and anvil, which nobody here wrote."""

import secrets

import pytest
from eth_utils import keccak

from blocks.jobs import Jobs, JobState, JobStatus, Treasury
from blocks.jobs_problem import (
    ChainBehind,
    ContractMissing,
    JobRefused,
    JobsProblem,
    NotOperator,
    WrongChain,
    WrongToken,
)  # fmt: skip
from contracts.recipients import pack
from sandbox.chain.accounts import JOBS, OPERATOR, OWNER, STRANGER, TOKEN, WORKER
from sandbox.chain.chain import Rules
from sandbox.chain.deployment import COIN, Terms, calldata
from sandbox.chain.node import Node as InnerNode
from sandbox.chain.server import ChainServer
from tests.blocks.conftest import PASSPHRASE, block, keystore
from tests.blocks.gateway import Gateway
from tests.blocks.nodes import ALICE, BOB, FAR_S, PAIRS, Node

KEY_OF_STRANGER = {"kind": "raw", "key": STRANGER.key}
SEALED = {"kind": "keystore", "keystore": keystore(), "passphrase_variable": "JOBS_TEST_PASSPHRASE"}
NOBODY_THERE = "0x" + "ee" * 20
UNKNOWN = JobState(JobStatus.UNKNOWN, 0, 0, 0, bytes(32))


# ── Is it the right one? ─────────────────────────────────────────────────────────────────────────


async def test_what_was_meant_passes(jobs: Jobs) -> None:
    """Chain, contract, token and operator are as the Block says."""
    await jobs.check()
    assert (jobs.chain_id, jobs.contract.lower(), jobs.token.lower()) == (31337, JOBS, TOKEN)
    assert (jobs.account.lower(), jobs.batch_size, jobs.confirmations) == (OPERATOR.address, 500, 4)
    assert jobs.explorer is None


@pytest.mark.parametrize(
    ("others", "kind", "told"),
    [
        ({"chain_id": 1, "signer": SEALED}, WrongChain, "it says 31337, the Block 1"),
        ({"contract": NOBODY_THERE}, ContractMissing, "(?i)at 0xee.*no code there"),
        ({"contract": TOKEN, "token": JOBS}, ContractMissing, "other code"),
        ({"token": NOBODY_THERE}, WrongToken, "(?i)another token: 0x5fbd.* where the Block says 0xee"),
        ({"signer": KEY_OF_STRANGER}, NotOperator, "(?i)operator is 0x7099.* our key is that of 0x90f7"),
    ],
    ids=["chain", "no code", "other code", "token", "operator"],
)
async def test_what_was_not_meant_is_refused(
    node: Node,
    monkeypatch: pytest.MonkeyPatch,
    others: dict[str, object],
    kind: type[JobsProblem],
    told: str,
) -> None:
    """Each has its own exception, which a person must mend and which names both sides."""
    monkeypatch.setenv("JOBS_TEST_PASSPHRASE", PASSPHRASE)
    async with block(node.url, **others).open() as jobs:
        with pytest.raises(kind, match=told) as caught:
            await jobs.check()
    assert type(caught.value) is kind
    assert not caught.value.heals


async def test_a_node_that_stopped_at_an_old_block_is_behind() -> None:
    """A node that hangs behind answers as if nothing had happened since; it may catch up."""
    yesterday = 1_700_000_000.0
    async with (
        ChainServer(InnerNode(Rules(), now_s=lambda: yesterday)) as chain,
        block(chain.url).open() as jobs,
    ):
        with pytest.raises(ChainBehind, match=r"newest block is .* s old") as caught:
            await jobs.check()
    assert caught.value.heals


async def test_a_node_that_lags_knows_neither_block_nor_events() -> None:
    """Its head is older, and what is asked beyond it is an error rather than an empty answer."""
    async with ChainServer(InnerNode()) as chain, block(chain.url).open() as jobs:
        before = await jobs.head()
        chain.node.lag_blocks = 3
        chain.node.chain.mine()
        assert (await jobs.head()).number == before.number - 2
        with pytest.raises(ChainBehind, match="it knows no block"):
            await jobs.block_hash(before.number)
        with pytest.raises(ChainBehind):
            await jobs.state(bytes(32), before.number)
        with pytest.raises(ChainBehind, match="we need"):
            await jobs.events(0, before.number)


# ── Blocks ───────────────────────────────────────────────────────────────────────────────────────


async def test_a_block_is_final_by_its_confirmations(node: Node) -> None:
    """So many blocks are on top of it, and hash and time are those of the chain."""
    node.mine(2)
    node.elapse(60)
    newest = node.mine(2)
    async with block(node.url, confirmations=3).open() as jobs:
        head = await jobs.head()
        assert (head.number, head.final_number) == (newest, newest - 3)
        assert head.hash == await jobs.block_hash(newest)
        final = node.ask("eth_getBlockByNumber", hex(newest - 3), False)
        assert head.final_timestamp == int(final["timestamp"], 16) <= head.timestamp - 60


async def test_with_no_confirmations_the_node_says_what_is_final(node: Node) -> None:
    """Nought is not "at once": it is the node's own `finalized` block."""
    newest = node.mine(4)
    finalized = int(node.ask("eth_getBlockByNumber", "finalized", False)["number"], 16)
    async with block(node.url, confirmations=0).open() as jobs:
        head = await jobs.head()
    assert head.number == newest
    assert head.final_number == finalized < newest


async def test_a_block_to_come_is_behind(node: Node, jobs: Jobs) -> None:
    """Neither its hash, nor the state after it, nor its events: no answer is better than an empty one."""
    future = node.number + 10
    with pytest.raises(ChainBehind, match="knows no block"):
        await jobs.block_hash(future)
    with pytest.raises(ChainBehind):
        await jobs.state(bytes(32), future)
    with pytest.raises(ChainBehind, match="we need"):
        await jobs.events(0, future)


# ── Jobs ─────────────────────────────────────────────────────────────────────────────────────────


async def test_a_job_from_unknown_to_completed(node: Node, jobs: Jobs, job_id: bytes) -> None:
    """Its state is that after the block asked for, with the digest of what was submitted."""
    assert await jobs.state(job_id) == UNKNOWN
    node.submit(job_id)
    submitted_at = node.number
    open_job = await jobs.state(job_id)
    assert (open_job.status, open_job.n, open_job.total, open_job.deadline) == (
        JobStatus.SUBMITTED,
        2,
        12,
        FAR_S,
    )
    assert open_job.digest == keccak(pack(PAIRS))
    node.complete(job_id)
    assert (await jobs.state(job_id)).status is JobStatus.COMPLETED
    assert await jobs.state(job_id, submitted_at) == open_job
    assert await jobs.state(job_id, submitted_at - 1) == UNKNOWN


async def test_many_jobs_are_asked_for_at_once(node: Node, road: Gateway, job_id: bytes) -> None:
    """More than one request may hold come back in their order."""
    node.submit(job_id)
    others = [number.to_bytes(32) for number in range(1, 250)]
    async with block(road.url).open() as jobs:
        states = await jobs.states([*others[:120], job_id, *others[120:]])
        assert await jobs.states([]) == []
    assert [state.status for state in states].index(JobStatus.SUBMITTED) == 120
    assert states.count(UNKNOWN) == 249


async def test_where_no_contract_is_no_job_is_unknown(node: Node) -> None:
    """An empty answer must not look like a job that may be paid again."""
    async with block(node.url, contract=NOBODY_THERE).open() as jobs:
        for question in (jobs.state(bytes(32)), jobs.treasury()):
            with pytest.raises(ContractMissing, match=r"no job|no number"):
                await question
    async with block(node.url, token=NOBODY_THERE).open() as jobs:
        with pytest.raises(ContractMissing, match=r"(?i)at 0xee"):
            await jobs.decimals()


async def test_the_treasury(node: Node, jobs: Jobs, job_id: bytes) -> None:
    """Budget, limits and what is used of them today; and the money for gas."""
    before = await jobs.treasury()
    node.submit(job_id)
    with node.paused():
        after = await jobs.treasury()
    terms = Terms()
    limits = (terms.max_per_job, terms.max_per_day)
    assert before == Treasury(before.budget, before.gas_balance, *limits, before.submitted_today, False)
    assert after == Treasury(before.budget, after.gas_balance, *limits, before.submitted_today + 12, True)
    assert 0 < after.gas_balance < before.gas_balance
    node.complete(job_id)
    assert (await jobs.treasury()).budget == before.budget - 12
    assert await jobs.decimals() == 18


# ── Gas ──────────────────────────────────────────────────────────────────────────────────────────


async def test_an_estimate_is_what_it_takes(node: Node, jobs: Jobs, job_id: bytes) -> None:
    """A submission of the same job uses no more than that."""
    estimate = await jobs.gas(job_id, pack(PAIRS), FAR_S)
    assert int(node.submit(job_id)["gasUsed"], 16) <= estimate < 200_000


@pytest.mark.parametrize(
    ("payload", "deadline", "reason"),
    [
        (pack(PAIRS) + bytes(19) + b"\1" + bytes(12), FAR_S, "zero amount"),
        (bytes(31) + b"\1", FAR_S, "zero address"),
        (pack([(ALICE, 10**8 * COIN + 1)]), FAR_S, "over maxPerJob"),
        (pack(PAIRS), 1, "past deadline"),
    ],
    ids=["amount", "address", "limit", "deadline"],
)
async def test_a_job_that_would_revert_has_a_reason_instead(
    jobs: Jobs, job_id: bytes, payload: bytes, deadline: int, reason: str
) -> None:
    """The contract's own words, decoded, before anything is signed."""
    with pytest.raises(JobRefused, match=f"would refuse the job: {reason}") as caught:
        await jobs.gas(job_id, payload, deadline)
    assert caught.value.facts["reason"] == reason


async def test_what_the_contracts_state_forbids(node: Node, jobs: Jobs, job_id: bytes) -> None:
    """Paused, and a job that it knows already."""
    with node.paused(), pytest.raises(JobRefused, match="paused"):
        await jobs.gas(job_id, pack(PAIRS), FAR_S)
    node.submit(job_id)
    with pytest.raises(JobRefused, match="known job"):
        await jobs.gas(job_id, pack(PAIRS), FAR_S)


async def test_who_cannot_be_paid_is_found_before_anybody_is(node: Node, jobs: Jobs) -> None:
    """Each recipient is tried for itself, as the contract would pay it."""
    blocked = "0x" + "bd" * 20
    node.act(OWNER, "setBlocked(address,bool)", blocked, True, to=TOKEN)
    crowd = [(f"0x{number + 1:040x}", 1) for number in range(150)]
    found = await jobs.refusals(pack([*PAIRS, (blocked, 1), *crowd, (TOKEN, 1), (BOB, 2**96 - 1)]))
    assert found == {2: "receiver blocked", 153: "token itself", 154: "balance"}


# ── Events ───────────────────────────────────────────────────────────────────────────────────────


async def test_every_fate_has_its_event(node: Node, jobs: Jobs) -> None:
    """Submitted, completed, failed with its reason, cancelled: in the chain's order, where they happened."""
    done, failed, cancelled = (bytes([number]) + secrets.token_bytes(31) for number in range(3))
    first = node.number + 1
    for job_id in (done, failed, cancelled):
        node.submit(job_id)
    receipt = node.complete(done)
    node.act(WORKER, "failJob(bytes32,string)", failed, "no such wallet")
    node.act(OWNER, "cancelJob(bytes32)", cancelled)
    *submitted, completion, failure, cancellation = await jobs.events(first, node.number)
    assert [(each.status, each.job_id, each.n, each.total) for each in submitted] == [
        (JobStatus.SUBMITTED, job_id, 2, 12) for job_id in (done, failed, cancelled)
    ]
    assert (completion.status, completion.job_id, completion.total) == (JobStatus.COMPLETED, done, 12)
    assert (completion.tx_hash, completion.block_hash) == (receipt["transactionHash"], receipt["blockHash"])
    assert (completion.block, completion.log_index) == (first + 3, 2)
    assert (failure.status, failure.job_id, failure.reason) == (JobStatus.FAILED, failed, "no such wallet")
    assert (cancellation.status, cancellation.n, cancellation.reason) == (JobStatus.CANCELLED, None, None)
    assert await jobs.events(first + 1, first + 1) == [submitted[1]]
    assert await jobs.events(5, 4) == []


async def test_a_workers_reason_can_always_be_stored(node: Node, jobs: Jobs, job_id: bytes) -> None:
    """It is somebody else's text: no database takes a NUL, no log half a character or a new line."""
    node.submit(job_id)
    data = "failJob(bytes32,bytes)", "failJob(bytes32,string)"
    wild = b"a\0b\xff\nc"
    encoded = calldata(data[0], job_id, wild)
    node.create(WORKER, JOBS, calldata(data[1], job_id, "")[:4] + encoded[4:])
    (*_, failure) = await jobs.events(node.number, node.number)
    assert (failure.status, failure.reason) == (JobStatus.FAILED, "a?b\ufffd?c")


async def test_what_a_reorganisation_takes_away_is_no_event(node: Node, jobs: Jobs, job_id: bytes) -> None:
    """The block at that height has another hash, the events are gone, and the job is unknown again."""
    node.submit(job_id)
    (event,) = await jobs.events(node.number, node.number)
    assert await jobs.block_hash(event.block) == event.block_hash
    node.reorganise(1)
    assert await jobs.block_hash(event.block) != event.block_hash
    assert await jobs.events(event.block, node.number) == []
    assert await jobs.state(job_id) == UNKNOWN


async def test_a_range_that_is_refused_is_halved(node: Node, road: Gateway, job_id: bytes) -> None:
    """Whatever a provider's limit is, all events come, once and in order."""
    first = node.number
    node.submit(job_id)
    node.mine(9)
    node.complete(job_id)
    async with block(road.url).open() as jobs:
        whole = await jobs.events(first, node.number)
        road.most_blocks = 2
        assert await jobs.events(first, node.number) == whole
        road.most_blocks = 0
        with pytest.raises(JobsProblem, match="more than 10000 results"):
            await jobs.events(first, node.number)
    assert [event.status for event in whole] == [JobStatus.SUBMITTED, JobStatus.COMPLETED]
