"""Payout against a real ledger and a real chain: what reaches the wallets is what was earned, once."""

import asyncio
import re
import secrets

import pytest

from contracts.recipients import pack
from flows.payout.flow import reconcile, why
from sandbox.chain.accounts import OPERATOR
from tests.payout.outside import COIN, TABLES, Outside, pay, shown, until, wallet

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # the engine's client leaves its sockets

CHECKSUMMED = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"  # EIP-55's own example


def everything(outside: Outside) -> list[str]:
    """All rows of the ledger but the plan, and how far the chain was read."""
    kept = [table for table in TABLES.split(", ") if not table.startswith(("plan", "cursor"))]
    return [outside.query(f"select * from payout.{table} order by 1") for table in kept]


async def preview(outside: Outside) -> str:
    """Make a dry run and return its plan's hash, as the report shows it."""
    assert (await pay(dry_run=True)).is_completed()
    found = re.search(r"approved_plan=([0-9a-f]{64})`", await shown("payout-plan"))
    assert found
    return found[1]


# ── What is paid ─────────────────────────────────────────────────────────────────────────────────


async def test_everybody_is_paid_what_was_earned_and_nobody_twice(outside: Outside) -> None:
    """Three players, two runs, then more coins: the wallets hold the lifetime's coins."""
    outside.players({number: (number * 10, wallet(number)) for number in (1, 2, 3)})
    before = outside.on_chain(1, 2, 3)
    assert (await pay()).is_completed()
    assert outside.gains(before, 1, 2, 3) == [10, 20, 30]
    assert (await pay()).is_completed()
    assert len(outside.jobs) == 1
    outside.add({1: (15, wallet(1))})
    assert (await pay()).is_completed()
    assert outside.gains(before, 1) == [15]
    assert outside.accounts == {1: (15 * COIN, 0), 2: (20 * COIN, 0), 3: (30 * COIN, 0)}
    assert (await reconcile(return_state=True)).is_completed()


async def test_many_jobs_are_sent_together_and_each_is_booked(outside: Outside) -> None:
    """Seven players in jobs of two: four jobs with four transactions; the report says who got what."""
    await outside.fill(JOBS_BATCH_SIZE="2")
    outside.players({number: (number, wallet(number)) for number in range(1, 8)})
    before, sent = outside.on_chain(*range(1, 8)), outside.sent
    assert (await pay()).is_completed()
    assert outside.gains(before, *range(1, 8)) == list(range(1, 8))
    assert outside.sent - sent == 4
    assert [(job["state"], job["booking"], job["n"]) for job in outside.jobs] == [
        ("settled", "paid", 2), ("settled", "paid", 2), ("settled", "paid", 2), ("settled", "paid", 1),
    ]  # fmt: skip
    report = await shown("payout-run")
    assert report.startswith("# Payout: 28 coins to 7 players\n")
    assert "| paid | 4 | 7 | 28 |" in report
    assert "| paid, by the chain's events | 28 |" in report


async def test_coins_that_come_while_a_job_is_in_flight_are_paid_by_the_next_run(outside: Outside) -> None:
    """The run pays what it has promised; coins and wallet of the meantime count from the next on."""
    outside.players({1: (10, wallet(1))})
    before = outside.on_chain(1, 2)
    outside.order(deed="stall")
    first = asyncio.create_task(pay())
    await until(lambda: [job["state"] for job in outside.jobs] == ["submitted"])
    outside.add({1: (25, wallet(2))})
    outside.order(deed="complete")
    assert (await first).is_completed()
    assert outside.gains(before, 1, 2) == [10, 0]
    assert (await pay()).is_completed()
    assert outside.gains(before, 1, 2) == [10, 15]


async def test_nobody_to_pay_is_a_good_run(outside: Outside) -> None:
    """No player, no job, no transaction, and a report all the same."""
    sent = outside.sent
    assert (await pay()).is_completed()
    assert (outside.jobs, outside.sent) == ([], sent)
    assert (await shown("payout-run")).startswith("# Payout: 0 coins to 0 players")


async def test_who_cannot_be_paid_is_held_with_the_reason(outside: Outside) -> None:
    """Every kind of bad wallet or balance; good ones in any writing are paid; who is mended is paid then."""
    await outside.fill(PAYOUT_LEAST_COINS="5")
    contract, token = outside.world.env["JOBS_CONTRACT"], outside.world.env["JOBS_TOKEN"]
    outside.players({
        1: (10, wallet(1)), 2: (10, CHECKSUMMED), 3: (10, None), 4: (10, "0x12"), 5: (10, "0x" + "0" * 40),
        6: (10, contract), 7: (10, token.upper().replace("X", "x")), 8: (10, CHECKSUMMED.swapcase().replace("X", "x")),
        9: (4, wallet(9)), 10: ("'NaN'", wallet(10)), 11: (-1, wallet(11)), 12: (2**96, wallet(12)),
    })  # fmt: skip
    assert (await pay()).is_completed()
    held = outside.rows("select user_id, reason from payout.hold order by user_id")
    assert {row["user_id"]: row["reason"] for row in held} == {
        3: "no wallet", 4: "malformed wallet", 5: "zero address", 6: "contract or token", 7: "contract or token",
        8: "bad checksum", 9: "below the minimum", 10: "bad balance", 11: "bad balance", 12: "above the maximum",
    }  # fmt: skip
    assert outside.accounts == {1: (10 * COIN, 0), 2: (10 * COIN, 0)}
    outside.add({3: (10, wallet(3)), 9: (6, wallet(9))})
    assert (await pay()).is_completed()
    assert outside.accounts.keys() == {1, 2, 3, 9}
    assert "| below the minimum |" not in await shown("payout-run")


# ── Plan and approval ────────────────────────────────────────────────────────────────────────────


async def test_a_dry_run_shows_everything_and_touches_nothing(outside: Outside) -> None:
    """Ledger and chain are as before; the plan names who gets how much, who is held, what it costs."""
    outside.players({1: (10, wallet(1)), 2: (1234.5, wallet(2)), 3: (7, None)})
    rows, sent = everything(outside), outside.sent
    state = await pay(dry_run=True)
    assert state.is_completed()
    assert (everything(outside), outside.sent) == (rows, sent)
    report = await shown("payout-plan")
    assert report.startswith("# Payout plan: 1,244.5 coins to 2 players in 1 jobs")
    assert f"| 2 | `{wallet(2)}` | 1,234.5 |" in report
    assert "| no wallet | 1 | 7 |" in report
    assert (await state.aresult())["plan"] in report


async def test_an_approved_plan_is_paid_exactly_as_it_was_stored(outside: Outside) -> None:
    """Coins that came since the dry run wait for the next run."""
    outside.players({1: (10, wallet(1))})
    before = outside.on_chain(1, 2)
    approved = await preview(outside)
    outside.add({1: (15, wallet(1)), 2: (5, wallet(2))})
    state = await pay(approved_plan=approved)
    assert state.is_completed()
    assert (await state.aresult())["plan"] == approved
    assert outside.gains(before, 1, 2) == [10, 0]
    assert (await pay()).is_completed()
    assert outside.gains(before, 1, 2) == [15, 5]


async def test_an_approved_plan_is_refused_when_somebody_in_it_was_paid_since(outside: Outside) -> None:
    """Not even the others of it are paid."""
    outside.players({1: (10, wallet(1)), 2: (10, wallet(2))})
    approved = await preview(outside)
    outside.add({2: (0, wallet(2))})
    assert (await pay()).is_completed()
    sent = outside.sent
    state = await pay(approved_plan=approved)
    assert state.is_failed()
    assert "PlanStale: " in str(state.message)
    assert outside.sent == sent
    assert outside.accounts == {1: (10 * COIN, 0)}


async def test_an_approved_plan_is_refused_when_a_later_dry_run_took_its_place(outside: Outside) -> None:
    """Nobody is paid by a plan that is not there any more."""
    outside.players({1: (10, wallet(1))})
    approved = await preview(outside)
    outside.add({1: (11, wallet(1))})
    await preview(outside)
    state = await pay(approved_plan=approved)
    assert state.is_failed()
    assert f"PlanUnknown: No plan {approved} is stored" in str(state.message)
    assert outside.jobs == []


# ── Two at once ──────────────────────────────────────────────────────────────────────────────────


async def test_of_two_runs_at_once_one_pays_and_the_other_says_locked(outside: Outside) -> None:
    """A dry run is not kept from looking meanwhile, and a reconciliation waits."""
    outside.players({1: (10, wallet(1))})
    before = outside.on_chain(1)
    outside.order(deed="stall")
    first = asyncio.create_task(pay())
    await until(lambda: [job["state"] for job in outside.jobs] == ["submitted"])
    second = await pay()
    assert second.is_cancelled()
    assert "Another session holds the lock of signer" in str(second.message)
    assert (await pay(dry_run=True)).is_completed()
    comparing = asyncio.create_task(reconcile(return_state=True))
    await asyncio.sleep(1)
    assert not comparing.done()
    outside.order(deed="complete")
    assert (await first).is_completed()
    assert (await comparing).is_completed()
    assert outside.gains(before, 1) == [10]


# ── Asked afterwards ─────────────────────────────────────────────────────────────────────────────


async def test_one_players_whole_story(outside: Outside) -> None:
    """Each payment with its wallet, job and transaction; why somebody is held; and of an unknown one nothing."""
    outside.players({1: (10, wallet(1)), 2: (10, None)})
    assert (await pay()).is_completed()
    (sent,) = outside.rows("select tx_hash from payout.tx")
    told = await (await why(1, return_state=True)).aresult()
    assert told == {"user_id": 1, "paid": 10 * COIN, "in_flight": 0, "held": None}
    report = await shown("payout-why")
    assert report.startswith("# Player 1: 10 coins paid, 0 in flight\n\nnot held\n")
    assert f"| settled | `{wallet(1)}` |" in report
    assert f"`{sent['tx_hash']}`" in report
    await why(2)
    assert "held: no wallet, since " in await shown("payout-why")
    await why(-1)
    assert (await shown("payout-why")).startswith(
        "# Player -1: 0 coins paid, 0 in flight\n\nnot held\n\nNone."
    )


async def test_a_story_is_told_without_the_chain(outside: Outside) -> None:
    """Who asks while the node is down is answered from the ledger."""
    outside.players({1: (10, wallet(1))})
    assert (await pay()).is_completed()
    outside.fault("down")
    assert (await why(1, return_state=True)).is_completed()


async def test_a_job_that_nobody_here_made_is_an_alarm(outside: Outside) -> None:
    """Somebody submits with the operator's key: every run says so, and still pays those whom it owes."""
    outside.players({1: (10, wallet(1))})
    before = outside.on_chain(1)
    assert (await pay()).is_completed()
    thief, stolen = secrets.token_bytes(32), pack([(wallet(99), 5 * COIN)])
    outside.act(OPERATOR, "submitJob(bytes32,bytes,uint256)", thief, stolen, 1 << 40)
    outside.rpc("sandbox_mine", 2)
    outside.add({1: (12, wallet(1))})
    for state in (await pay(), await reconcile(return_state=True)):
        assert state.is_failed()
        assert "OrphanJobs: The contract knows 1 job(s) that this ledger never made" in str(state.message)
        assert thief.hex() in str(state.message)
        assert "change the operator" in str(state.message)
    assert outside.gains(before, 1) == [12]
    assert "| orphan events |" in await shown("payout-reconcile")


TAMPERINGS = {
    "accounts": "update payout.account set paid = paid + 1",
    "journal": "update payout.job set note = 'nothing'",
    "items": "update payout.item set amount = amount + 1",
    "paid without event": "delete from payout.event where status = 2",
    "contract's recipients": "update payout.job set total = total - 1",
    "contract's status": "update payout.job set booking = 'free', state = 'released'",
}


async def test_a_ledger_that_was_changed_by_hand_does_not_reconcile(outside: Outside) -> None:
    """Each way to change it behind its back shows, and nothing is mended by itself."""
    outside.players({1: (10, wallet(1))})
    assert (await pay()).is_completed()
    assert (await reconcile(return_state=True)).is_completed()
    assert (await shown("payout-reconcile")).startswith("# Payout reconciled: 0 differences")
    for check, tampering in TAMPERINGS.items():
        outside.query(f"set session_replication_role = replica; {tampering}")
        rows = everything(outside)
        state = await reconcile(return_state=True)
        assert state.is_failed()
        assert "ChainDiffers: Ledger and chain differ in " in str(state.message)
        assert f"\n| {check} | " in await shown("payout-reconcile")
        assert everything(outside) == rows
