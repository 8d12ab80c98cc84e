"""Whatever happens between us, the chain and its worker: nobody is paid twice, nobody is lost, and it goes on by itself."""

import asyncio
import itertools

import pytest
from prefect.client.schemas.objects import State

from contracts.recipients import pack
from flows.payout.flow import reconcile
from sandbox.chain.accounts import OWNER, TOKEN, WORKER
from sandbox.oracle import Fault
from sandbox.oracle.faults import Faults
from tests.distribution.line import Line
from tests.payout.outside import COIN, TIMEOUT_S, Outside, pay, shown, until, wallet

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # the engine's client leaves its sockets

_fresh = itertools.count(1000)


def states(outside: Outside) -> list[str]:
    return [job["state"] for job in outside.jobs]


def transactions(outside: Outside) -> list[dict]:
    return outside.rows("select nonce, live, max_fee_wei from payout.tx order by signed_utc")


def job_ids(outside: Outside) -> list[bytes]:
    told = outside.rows("select encode(job_id, 'hex') as id from payout.job order by job_no")
    return [bytes.fromhex(row["id"]) for row in told]


async def ended(run: "asyncio.Task[State]") -> State:
    """Return the state of a run that must not wait any more."""
    return await asyncio.wait_for(run, TIMEOUT_S)


async def begun(outside: Outside, state: str, jobs: int = 1) -> "asyncio.Task[State]":
    """Start a run, and return when the ledger has all its jobs in a state."""
    run = asyncio.create_task(pay())
    await until(lambda: run.done() or states(outside) == [state] * jobs)
    assert not run.done()
    return run


async def check_paid(outside: Outside, before: list[int], *coins: int) -> None:
    """Players 1, 2, … have got exactly this, by the chain and by the ledger, and everything reconciles."""
    numbers = range(1, len(coins) + 1)
    assert outside.gains(before, *numbers) == list(coins)
    assert outside.accounts == {
        number: (paid * COIN, 0) for number, paid in zip(numbers, coins, strict=True) if paid
    }
    compared = await reconcile(return_state=True)
    assert compared.is_completed(), compared.message


# ── Sending ──────────────────────────────────────────────────────────────────────────────────────


async def test_an_answer_that_was_lost_is_not_believed_either_way(outside: Outside) -> None:
    """The node took the transaction and the line was cut: it is sent again, is known already, and is paid once."""
    outside.players({1: (10, wallet(1))})
    before, sent = outside.on_chain(1), outside.sent
    outside.rpc("sandbox_setInterval", None)
    known = outside.rpc("sandbox_counters")["refused"].get("already known", 0)
    outside.fault("lost_answer", methods=["eth_sendRawTransaction"], requests=1)
    run = await begun(outside, "signed")
    await until(lambda: outside.rpc("sandbox_counters")["refused"].get("already known", 0) > known)
    outside.rpc("sandbox_setInterval", 0.2)
    assert (await ended(run)).is_completed()
    assert outside.sent - sent == 1
    await check_paid(outside, before, 10)


async def test_a_fee_that_is_too_low_is_raised_at_the_same_nonce(outside: Outside) -> None:
    """The base fee jumps a hundredfold while the job waits: the same job for more, in the place of the first."""
    outside.players({1: (10, wallet(1))})
    before, sent = outside.on_chain(1), outside.sent
    outside.rpc("sandbox_setInterval", None)
    run = await begun(outside, "signed")
    await until(lambda: outside.sent > sent)
    outside.rpc("sandbox_setBaseFee", 100 * outside.gas_price_wei)
    outside.rpc("sandbox_mine", 1)
    await until(lambda: len(transactions(outside)) > 1)
    outside.rpc("sandbox_setInterval", 0.2)
    assert (await ended(run)).is_completed()
    first, *_, last = transactions(outside)
    assert first["nonce"] == last["nonce"]
    assert last["max_fee_wei"] * 8 >= first["max_fee_wei"] * 9
    assert outside.sent - sent == 1
    await check_paid(outside, before, 10)


async def test_a_job_that_expires_unsent_comes_free_and_is_paid_by_the_next_run(outside: Outside) -> None:
    """The node takes nothing until a final block is later than the deadline."""
    await outside.fill(PAYOUT_DEADLINE_S="120")
    outside.players({1: (10, wallet(1))})
    before, sent = outside.on_chain(1), outside.sent
    outside.fault("down", methods=["eth_sendRawTransaction"])
    run = await begun(outside, "signed")
    outside.rpc("sandbox_increaseTime", 200)
    assert (await ended(run)).is_completed()
    assert [(job["state"], job["note"]) for job in outside.jobs] == [("released", "expired")]
    assert (outside.sent, outside.accounts) == (sent, {1: (0, 0)})
    outside.mend()
    assert (await pay()).is_completed()
    await check_paid(outside, before, 10)


async def test_a_nonce_that_an_expired_transaction_takes_delays_nobody(outside: Outside) -> None:
    """It waited behind a gap, and is mined together with what fills it: the job that had its nonce is signed once more."""
    await outside.fill(JOBS_BATCH_SIZE="1", PAYOUT_DEADLINE_S="120")
    outside.players({1: (10, wallet(1)), 2: (20, wallet(2))})
    before = outside.on_chain(1, 2)
    outside.fault("down", methods=["eth_sendRawTransaction"])
    run = await begun(outside, "signed", jobs=2)
    outside.rpc("sandbox_increaseTime", 200)
    assert (await ended(run)).is_completed()
    outside.mend()
    (late,) = outside.rows("select encode(raw, 'hex') as raw from payout.tx order by nonce desc limit 1")
    outside.rpc("eth_sendRawTransaction", f"0x{late['raw']}")
    assert (await ended(asyncio.create_task(pay()))).is_completed()
    assert states(outside) == ["released", "released", "settled", "settled"]
    await check_paid(outside, before, 10, 20)


# ── Blocks that are taken back ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("depth", [1, 2])
async def test_a_reorganisation_before_finality_costs_nothing(outside: Outside, depth: int) -> None:
    """The blocks with our job are gone and so is the transaction: the same one is sent again, and paid once."""
    await outside.fill(JOBS_CONFIRMATIONS="4")
    outside.players({1: (10, wallet(1))})
    before, sent = outside.on_chain(1), outside.sent
    outside.order(deed="stall")
    outside.rpc("sandbox_setInterval", None)
    run = await begun(outside, "signed")
    await until(lambda: outside.sent > sent)
    outside.rpc("sandbox_mine", depth)
    await until(lambda: states(outside) == ["submitted"])
    outside.rpc("sandbox_reorg", depth, True)
    assert outside.sent == sent
    await until(lambda: outside.sent > sent)
    outside.order(deed="complete")
    outside.rpc("sandbox_setInterval", 0.2)
    assert (await ended(run)).is_completed()
    assert len(transactions(outside)) == 1
    await check_paid(outside, before, 10)


async def test_a_reorganisation_of_final_blocks_is_an_alarm_and_nothing_is_repaid(outside: Outside) -> None:
    """The chain lost a payment that is booked: told at once, told by every run that does not reconcile, never sent."""
    number = next(_fresh)
    outside.rpc("sandbox_mine", 100)  # or the jobs of other tests were read again, too
    outside.players({number: (10, wallet(number))})
    assert (await pay()).is_completed()
    outside.rpc("sandbox_setInterval", None)
    outside.rpc("sandbox_reorg", 30, True)
    sent = outside.sent
    state = await pay()
    assert state.is_failed()
    assert "DeepReorg: The chain took back block " in str(state.message)
    assert "run payout-reconcile" in str(state.message)
    outside.rpc("sandbox_setInterval", 0.2)
    outside.add({1: (10, wallet(1))})
    before = outside.on_chain(1)
    state = await pay()
    assert "ChainDiffers: " in str(state.message)
    assert outside.gains(before, 1) == [10]
    assert outside.sent == sent + 1
    assert (await reconcile(return_state=True)).is_failed()
    assert "| paid without event |" in await shown("payout-reconcile")


# ── The worker ───────────────────────────────────────────────────────────────────────────────────


async def test_what_the_worker_fails_is_due_again(outside: Outside) -> None:
    """Released with the worker's reason, paid by the next run together with what was earned since."""
    outside.players({1: (10, wallet(1))})
    before = outside.on_chain(1)
    outside.order(deed="fail", reason="no | mood")
    assert (await pay()).is_completed()
    assert [(job["state"], job["note"]) for job in outside.jobs] == [("released", "no | mood")]
    assert outside.rows("select * from payout.poison") == []
    outside.order(deed="complete")
    outside.add({1: (12, wallet(1))})
    assert (await pay()).is_completed()
    await check_paid(outside, before, 12)


async def test_one_recipient_whom_the_token_refuses_is_found_and_held(outside: Outside) -> None:
    """The job of all three fails; the others are paid by the next run, the culprit is held with the reason."""
    culprit = wallet(next(_fresh))
    outside.act(OWNER, "setBlocked(address,bool)", culprit, True, to=TOKEN)
    outside.players({1: (10, wallet(1)), 2: (20, wallet(2)), 3: (30, culprit)})
    before = outside.on_chain(1, 2)
    assert (await pay()).is_completed()
    assert states(outside) == ["released"]
    assert (await pay()).is_completed()
    held = outside.rows("select user_id, reason from payout.hold")
    assert held == [{"user_id": 3, "reason": "refused by the token"}]
    assert outside.rows("select reason from payout.poison") == [{"reason": "receiver blocked"}]
    assert outside.gains(before, 1, 2) == [10, 20]


async def test_a_token_that_refuses_everybody_makes_nobody_a_culprit(outside: Outside) -> None:
    """The contract itself may not give: the job fails, and all of them are due again."""
    outside.players({1: (10, wallet(1)), 2: (20, wallet(2))})
    before = outside.on_chain(1, 2)
    outside.act(OWNER, "setBlocked(address,bool)", outside.world.env["JOBS_CONTRACT"], True, to=TOKEN)
    try:
        assert (await pay()).is_completed()
    finally:
        outside.act(OWNER, "setBlocked(address,bool)", outside.world.env["JOBS_CONTRACT"], False, to=TOKEN)
    assert states(outside) == ["released"]
    assert outside.rows("select * from payout.poison") == []
    assert (await pay()).is_completed()
    await check_paid(outside, before, 10, 20)


async def test_a_job_that_the_worker_leaves_alone_is_told_and_does_not_hold_up_the_others(
    outside: Outside,
) -> None:
    """The other job is booked and the run fails with the silent one; cancelled by the owner it is due again."""
    await outside.fill(JOBS_BATCH_SIZE="1")
    outside.players({1: (10, wallet(1)), 2: (20, wallet(2))})
    before = outside.on_chain(1, 2)
    outside.order(deed="stall")
    run = await begun(outside, "submitted", jobs=2)
    first, silent = job_ids(outside)
    outside.act(WORKER, "completeJob(bytes32,bytes)", first, pack([(wallet(1), 10 * COIN)]))
    outside.query("update payout.job set changed_utc = now() - interval '1 hour' where state = 'submitted'")
    state = await ended(run)
    assert state.is_failed()
    assert (
        f"JobsUnanswered: The worker has left 1 job(s) alone for more than 1800 s, the first is 0x{silent.hex()}: their 1 players wait."
        in str(state.message)
    )
    assert states(outside) == ["settled", "submitted"]
    assert outside.gains(before, 1, 2) == [10, 0]
    assert (await pay()).is_failed()  # told again, as long as it is so
    outside.act(OWNER, "cancelJob(bytes32)", silent)
    outside.order(deed="complete")
    outside.rpc("sandbox_mine", 2)
    assert (await pay()).is_completed()
    assert states(outside) == ["settled", "released", "settled"]
    await check_paid(outside, before, 10, 20)


async def test_a_job_whose_accounts_were_changed_by_hand_does_not_hold_up_the_others(
    outside: Outside,
) -> None:
    """It is not booked, and told; the other one is. Put right, the next run books it."""
    await outside.fill(JOBS_BATCH_SIZE="1")
    outside.players({1: (10, wallet(1)), 2: (20, wallet(2))})
    before = outside.on_chain(1, 2)
    outside.order(deed="stall")
    run = await begun(outside, "submitted", jobs=2)
    outside.query("update payout.account set in_flight = in_flight + 1 where user_id = 1")
    outside.order(deed="complete")
    state = await ended(run)
    assert state.is_failed()
    assert "Miscounted: " in str(state.message)
    assert sorted(states(outside)) == ["completed", "settled"]
    outside.query("update payout.account set in_flight = in_flight - 1 where user_id = 1")
    assert (await pay()).is_completed()
    await check_paid(outside, before, 10, 20)


# ── The ledger's database ────────────────────────────────────────────────────────────────────────


async def test_a_session_that_is_killed_while_a_job_is_awaited(outside: Outside) -> None:
    """The run takes a new one, with the signer's lock, and goes on where it was."""
    outside.players({1: (10, wallet(1))})
    before = outside.on_chain(1)
    outside.order(deed="stall")
    run = await begun(outside, "submitted")
    ours = "select pid from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = 'state')"
    outside.query(f"select pg_terminate_backend(pid) from ({ours}) as ours")
    await until(lambda: outside.query(ours).strip())
    assert (await pay()).is_cancelled()
    outside.order(deed="complete")
    assert (await ended(run)).is_completed()
    await check_paid(outside, before, 10)


class Cut(Faults):
    """Cuts the line at the commit after a statement, once."""

    def __init__(self, statement: str, kind: str) -> None:
        super().__init__()
        self.is_done = self._is_near = False
        self._statement, self._fault = statement, Fault(kind=kind, on="commit")

    def strike(self, event: str, database: str, text: str = "") -> Fault | None:
        self._is_near |= event == "statement" and self._statement in text
        if self.is_done or not self._is_near or event != "commit":
            return None
        self.is_done = True
        return self._fault


@pytest.mark.parametrize("kind", ["drop_before", "drop_after"])
@pytest.mark.parametrize(
    "statement",
    ["insert into payout.job", "insert into payout.tx", "insert into payout.cursor", "set state = 'settled'"],
)
async def test_a_line_that_is_cut_at_a_commit(outside: Outside, statement: str, kind: str) -> None:
    """Done or not, nobody heard of it: the run looks, goes on, and pays once."""
    outside.players({1: (10, wallet(1)), 2: (20, wallet(2))})
    before = outside.on_chain(1, 2)
    cut = Cut(statement, kind)
    async with Line("state", int(outside.world.env["STATE_DB_PORT"]), cut) as line:
        await outside.fill(STATE_DB_PORT=str(line.port))
        state = await pay()
        await outside.fill()
    assert cut.is_done
    assert state.is_completed(), state.message
    assert len(outside.jobs) == 1
    await check_paid(outside, before, 10, 20)
