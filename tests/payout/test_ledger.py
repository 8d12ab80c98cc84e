"""The ledger on a real database: every window of the failure table, as far as SQL can see it."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import text

from blocks.database import DatabaseProblem
from blocks.jobs import JobStatus, Signed
from flows.payout.models import Proof, Reserved, Slot, State, StoredTx
from flows.payout.refusals import (
    ItemsChanged,
    JobClosed,
    Miscounted,
    NonceTaken,
    PlanStale,
    SignerLocked,
    SignerNotHeld,
)
from tests.payout.conftest import POLICY, RUN, TARGET, Book, Sessions, wallet


async def test_a_job_goes_from_plan_to_paid(book: Book) -> None:
    """Reserved, signed, submitted, completed, settled; what is paid is what was earned."""
    await book.earn([5, 7])
    assert await book.reserve() == Reserved(1, 2, 120)
    job = await book.open_job()
    assert (job.state, job.deadline, await book.account(1)) == (State.RESERVED, None, (0, 50))
    await book.sign(job, deadline=99)
    assert (await book.open_job()).deadline == 99
    for status, state in ((JobStatus.SUBMITTED, State.SUBMITTED), (JobStatus.COMPLETED, State.COMPLETED)):
        assert await book.ledger.observe({job.job_id: status}) == 1
        assert (await book.open_job()).state is state
    await book.ledger.settle(job.job_id, await book.happens(job, JobStatus.COMPLETED))
    assert [await book.account(user) for user in (1, 2)] == [(50, 0), (70, 0)]
    assert not await book.ledger.open_jobs()
    assert not await book.audit.differences(final_block=99)


async def test_the_payload_is_what_the_contract_takes(book: Book) -> None:
    """Words of address and amount, by user id, also where the amount needs more than eight bytes."""
    policy = replace(POLICY, max_per_job=1 << 95)
    await book.players((2, 1, wallet(2)), (1, (1 << 94) // 10, wallet(1)))
    await book.reserve(policy)
    payload = await book.ledger.payload((await book.open_job()).job_id)
    words = [(wallet(1), (1 << 94) // 10 * 10), (wallet(2), 10)]
    assert payload == b"".join(bytes.fromhex(to[2:]) + amount.to_bytes(12) for to, amount in words)


async def test_a_crash_while_reserving_leaves_nothing(sessions: Sessions, book: Book) -> None:
    """Killed with all rows written and nothing committed: nobody is in flight, and the plan is still good."""
    await book.earn([5])
    plan = await book.plan()
    dying, blocking = await sessions.book(), await sessions.open()
    pid = await dying.ours.scalar(text("select pg_backend_pid()"))
    await dying.ours.rollback()
    await blocking.execute(text("select pg_advisory_xact_lock(hashtextextended('payout.journal', 0))"))
    reserving = asyncio.create_task(dying.ledger.reserve(plan.hash, RUN))
    while not await blocking.scalar(
        text(f"select wait_event = 'advisory' from pg_stat_activity where pid = {pid}")
    ):
        await asyncio.sleep(0.01)
    await blocking.execute(text(f"select pg_terminate_backend({pid})"))
    with pytest.raises(DatabaseProblem):
        await reserving
    await blocking.rollback()
    assert not await book.ledger.open_jobs()
    assert await book.account(1) == (0, 0)
    assert await book.ledger.reserve(plan.hash, RUN) == Reserved(1, 1, 50)


async def test_two_who_reserve_the_same_plan_reserve_it_once(sessions: Sessions, book: Book) -> None:
    """At once, and with no lock of ours: one of them is refused."""
    await book.earn([5, 6, 7, 8])
    plan = await book.plan()
    others = {f"run {number}": await sessions.book() for number in range(3)}
    results = await asyncio.gather(
        *(each.ledger.reserve(plan.hash, run) for run, each in others.items()), return_exceptions=True
    )
    assert sorted(type(result).__name__ for result in results) == ["PlanStale", "PlanStale", "Reserved"]
    assert not await book.audit.differences(final_block=0)


async def test_a_run_that_never_heard_that_it_has_reserved_goes_on(book: Book) -> None:
    """The commit was done and its answer lost: the same run tries again and has what it made, once."""
    await book.earn([5, 6])
    plan = await book.plan()
    await book.plan(slot=Slot.PREVIEW)
    assert await book.ledger.reserve(plan.hash, RUN) == await book.ledger.reserve(plan.hash, RUN)
    assert len(await book.ledger.open_jobs()) == 1
    assert await book.account(1) == (0, 50)


async def test_nobody_gets_two_jobs_from_two_plans(sessions: Sessions, book: Book) -> None:
    """Two different plans over the same new players, reserved at once with no lock: one of them is refused."""
    await book.earn([5, 6, 7, 8])
    plans = [
        await book.plan(replace(POLICY, batch_size=size), slot)
        for size, slot in ((2, Slot.LIVE), (3, Slot.PREVIEW))
    ]
    others = [await sessions.book() for _ in plans]
    results = await asyncio.gather(
        *(each.ledger.reserve(plan.hash, RUN) for each, plan in zip(others, plans, strict=True)),
        return_exceptions=True,
    )
    assert sorted(type(result).__name__ for result in results) == ["PlanStale", "Reserved"]
    assert [await book.account(user) for user in (1, 2, 3, 4)] == [(0, 50), (0, 60), (0, 70), (0, 80)]
    assert not await book.audit.differences(final_block=0)


async def test_a_plan_over_somebody_paid_since_is_refused_whole(book: Book) -> None:
    """Not even those of it who were not paid are reserved."""
    await book.earn([5, 6])
    preview = await book.plan(slot=Slot.PREVIEW)
    await book.players((2, 0, wallet(2)))
    await book.reserve()
    with pytest.raises(PlanStale, match="1 of its players were paid or promised since"):
        await book.ledger.reserve(preview.hash, RUN)
    job = await book.open_job()
    await book.sign(job)
    await book.ledger.settle(job.job_id, await book.happens(job, JobStatus.COMPLETED))
    with pytest.raises(PlanStale, match="1 of its players were paid or promised since"):
        await book.ledger.reserve(preview.hash, RUN)
    assert await book.account(2) == (0, 0)


async def test_a_job_is_settled_once(book: Book) -> None:
    """The second time it is not open any more, and nobody is booked twice."""
    await book.earn([5])
    await book.reserve()
    job = await book.open_job()
    await book.sign(job)
    proof = await book.happens(job, JobStatus.COMPLETED)
    await book.ledger.settle(job.job_id, proof)
    with pytest.raises(JobClosed):
        await book.ledger.settle(job.job_id, proof)
    assert await book.account(1) == (50, 0)


async def test_two_who_settle_at_once_book_it_once(sessions: Sessions, book: Book) -> None:
    """Whoever comes second waits, looks again and is refused."""
    await book.earn([5])
    await book.reserve()
    job = await book.open_job()
    proof = await book.happens(job, JobStatus.COMPLETED)
    others = [await sessions.book() for _ in range(3)]
    results = await asyncio.gather(
        *(each.ledger.settle(job.job_id, proof) for each in others), return_exceptions=True
    )
    assert sorted(type(result).__name__ for result in results) == ["JobClosed", "JobClosed", "NoneType"]
    assert await book.account(1) == (50, 0)


@pytest.mark.parametrize(
    "odd", [{"n": 2}, {"total": 49}, {"block_hash": "0xother"}, {"job_id": b"\1" * 32}], ids=str
)
async def test_only_an_event_of_this_very_job_settles_it(book: Book, odd: dict) -> None:
    """Another number, sum, block or job is no proof."""
    await book.earn([5])
    await book.reserve()
    job = await book.open_job()
    with pytest.raises(JobClosed):
        await book.ledger.settle(job.job_id, await book.happens(job, JobStatus.COMPLETED, **odd))
    assert await book.account(1) == (0, 50)


@pytest.mark.parametrize("status", [JobStatus.SUBMITTED, JobStatus.FAILED, JobStatus.CANCELLED])
async def test_only_completion_settles(book: Book, status: JobStatus) -> None:
    """A job that is submitted is not done; one that failed never will be."""
    await book.earn([5])
    await book.reserve()
    job = await book.open_job()
    with pytest.raises(JobClosed):
        await book.ledger.settle(job.job_id, await book.happens(job, status))


async def test_nothing_is_booked_before_its_block_is_final(book: Book) -> None:
    """Neither as paid nor as free."""
    await book.earn([5])
    await book.reserve()
    job = await book.open_job()
    proof = await book.happens(job, JobStatus.COMPLETED)
    with pytest.raises(JobClosed):
        await book.ledger.settle(job.job_id, proof._replace(final_block=proof.block - 1))
    proof = await book.happens(job, JobStatus.FAILED)
    with pytest.raises(JobClosed):
        await book.ledger.release_refused(job.job_id, proof._replace(final_block=proof.block - 1), "no")
    assert await book.account(1) == (0, 50)


async def test_what_a_reorganisation_took_back_books_nothing(book: Book) -> None:
    """Until the chain has it again."""
    await book.earn([5])
    await book.reserve()
    job = await book.open_job()
    proof = await book.happens(job, JobStatus.COMPLETED)
    before = (await book.inbox.cursor())._replace(block=proof.block - 1, block_hash="0xbefore")
    assert await book.inbox.rewind(before) == 1
    assert await book.inbox.cursor() == before
    with pytest.raises(JobClosed):
        await book.ledger.settle(job.job_id, proof)
    book.block -= 1
    await book.ledger.settle(job.job_id, await book.happens(job, JobStatus.COMPLETED))
    assert await book.account(1) == (50, 0)


@pytest.mark.parametrize(
    "change",
    [
        "update payout.account set in_flight = 40 where user_id = 1",
        "update payout.account set in_flight = 0, in_flight_job = null where user_id = 1",
        "update payout.account set in_flight_job = 77 where user_id = 1",
        "delete from payout.account where user_id = 1",
    ],
)
@pytest.mark.parametrize("ending", ["settle", "release"])
async def test_a_count_that_is_wrong_books_nobody(book: Book, change: str, ending: str) -> None:
    """One account that does not hold the job's amount stops the whole job, and reconcile shows which."""
    await book.earn([5, 6])
    await book.reserve()
    job = await book.open_job()
    await book.by_hand(change)
    proof = await book.happens(job, JobStatus.COMPLETED)
    with pytest.raises(
        Miscounted, match=r"2 players and 110 smallest units.* came to 1 players and 60 smallest units"
    ):
        await (
            book.ledger.settle(job.job_id, proof)
            if ending == "settle"
            else book.ledger.release_unsigned(job.job_id, "why not")
        )
    assert await book.account(2) == (0, 60)
    assert (await book.open_job()).state is State.RESERVED
    if "77" not in change:
        subjects = [found.subject for found in await book.audit.differences(final_block=0)]
        assert subjects == ["user 1"]


@pytest.mark.parametrize("status", [JobStatus.FAILED, JobStatus.CANCELLED])
async def test_what_failed_is_due_again(book: Book, status: JobStatus) -> None:
    """The next plan holds the amount, and what was earned since."""
    await book.earn([5])
    await book.reserve()
    job = await book.open_job()
    await book.sign(job)
    await book.ledger.release_refused(job.job_id, await book.happens(job, status), "the worker said no")
    assert await book.account(1) == (0, 0)
    await book.earn([6])
    assert await book.reserve() == Reserved(1, 1, 60)
    again = await book.open_job()
    assert again.job_id != job.job_id
    assert [payment.note for payment in (await book.audit.why(1)).payments] == ["the worker said no", None]


async def test_completion_releases_nothing(book: Book) -> None:
    """A job that was paid must never be due again."""
    await book.earn([5])
    await book.reserve()
    job = await book.open_job()
    await book.sign(job, deadline=10)
    proof = await book.happens(job, JobStatus.COMPLETED)
    with pytest.raises(JobClosed):
        await book.ledger.release_refused(job.job_id, proof, "no")
    with pytest.raises(JobClosed):
        await book.ledger.release_expired(job.job_id, 1_000)
    with pytest.raises(JobClosed):
        await book.ledger.release_unsigned(job.job_id, "no")


async def test_a_job_expires_when_a_final_block_is_behind_every_deadline(book: Book) -> None:
    """At the deadline the contract would still take it; and one transaction with a later one is enough."""
    await book.earn([5])
    await book.reserve()
    job = await book.open_job()
    await book.sign(job, nonce=0, deadline=100)
    await book.sign(job, nonce=1, deadline=80)
    for final_timestamp in (80, 99, 100):
        with pytest.raises(JobClosed):
            await book.ledger.release_expired(job.job_id, final_timestamp)
    await book.ledger.release_expired(job.job_id, 101)
    assert await book.account(1) == (0, 0)
    assert await book.reserve() == Reserved(1, 1, 50)


async def test_what_the_contract_knows_does_not_expire(book: Book) -> None:
    """A submitted job may be completed at any time, however late."""
    await book.earn([5])
    await book.reserve()
    job = await book.open_job()
    await book.sign(job, deadline=100)
    await book.happens(job, JobStatus.SUBMITTED)
    with pytest.raises(JobClosed):
        await book.ledger.release_expired(job.job_id, 1_000)


async def test_what_was_signed_is_not_released_as_unsigned(book: Book) -> None:
    """A stored transaction may be out, whatever was heard of it; and a released job is not signed."""
    await book.earn([5])
    await book.reserve()
    job = await book.open_job()
    await book.sign(job)
    with pytest.raises(JobClosed):
        await book.ledger.release_unsigned(job.job_id, "no")
    await book.ledger.release_expired(job.job_id, 101)
    with pytest.raises(JobClosed, match="it is closed"):
        await book.sign(job, nonce=1)


async def test_signing_and_releasing_at_once_do_one_of_both(sessions: Sessions, book: Book) -> None:
    """Whoever waits for the other looks again: no transaction is stored for a job that is free."""
    await book.earn([5])
    other = await sessions.book()
    for _ in range(5):
        await book.reserve()
        job = await book.open_job()
        signed, freed = await asyncio.gather(
            book.sign(job), other.ledger.release_unsigned(job.job_id, "no"), return_exceptions=True
        )
        assert isinstance(signed, JobClosed) != isinstance(freed, JobClosed)
        assert bool(await book.transactions.of_job(job.job_id)) == isinstance(freed, JobClosed)
        if isinstance(freed, JobClosed):
            await book.ledger.release_expired(job.job_id, 101)


async def test_a_wallet_that_changes_in_flight_is_paid_next_time(book: Book) -> None:
    """The item keeps the wallet that it was made with."""
    await book.earn([5])
    await book.reserve()
    job = await book.open_job()
    before = await book.ledger.payload(job.job_id)
    await book.players((1, 8, wallet(99)))
    assert (await book.plan()).n == 0
    assert await book.ledger.payload(job.job_id) == before
    await book.ledger.settle(job.job_id, await book.happens(job, JobStatus.COMPLETED))
    assert await book.reserve() == Reserved(1, 1, 30)
    assert [payment.wallet for payment in (await book.audit.why(1)).payments] == [wallet(1), wallet(99)]


async def test_rows_that_were_changed_are_not_signed(book: Book) -> None:
    """Whoever can write the tables can still not send the coins elsewhere."""
    await book.earn([5])
    await book.reserve()
    job = await book.open_job()
    await book.by_hand("alter table payout.item disable trigger item_stays")
    await book.by_hand(f"update payout.item set wallet = '\\x{wallet(66)[2:]}'")
    await book.by_hand("alter table payout.item enable trigger item_stays")
    with pytest.raises(ItemsChanged):
        await book.ledger.payload(job.job_id)
    assert [found.check for found in await book.audit.differences(final_block=0)] == ["items"]


async def test_items_are_only_ever_added_to(book: Book) -> None:
    """Not even by the ledger's own user, unless it takes the guard away first."""
    await book.earn([5])
    await book.reserve()
    with pytest.raises(Exception, match=r"payout\.item is only ever added to"):
        await book.by_hand("update payout.item set amount = 1")


async def test_one_session_signs_for_a_signer(sessions: Sessions, book: Book) -> None:
    """The second is told, signs nothing, and may when the first has ended."""
    await book.earn([5])
    await book.reserve()
    job = await book.open_job()
    second = await sessions.book()
    with pytest.raises(SignerLocked):
        await second.transactions.lock()
    with pytest.raises(SignerNotHeld):
        await second.sign(job)
    assert not await book.transactions.of_job(job.job_id)
    await book.ours.close()
    await second.transactions.lock()
    await second.sign(job)


async def test_a_transaction_is_stored_as_it_was_signed(book: Book) -> None:
    """And once, however often it is stored."""
    await book.earn([5])
    await book.reserve()
    job = await book.open_job()
    tx_hash = await book.sign(job, nonce=4, deadline=90, fee_wei=12)
    assert await book.sign(job, nonce=4, deadline=90, fee_wei=12) == tx_hash
    signer = "0x70997970c51812dc3a010c7d01b50e0d17dc79c8"
    assert await book.transactions.of_job(job.job_id) == [
        StoredTx(tx_hash, signer, 4, 21_000, 12, 1, 90, b"raw", live=True)
    ]


async def test_a_bump_takes_the_place_of_what_stood_at_its_nonce(book: Book) -> None:
    """Both are kept, for either may be mined."""
    await book.earn([5])
    await book.reserve()
    job = await book.open_job()
    first, second = await book.sign(job, fee_wei=10), await book.sign(job, fee_wei=12)
    live = {stored.tx_hash: stored.live for stored in await book.transactions.of_job(job.job_id)}
    assert live == {second: True, first: False}


async def test_a_nonce_belongs_to_one_job(book: Book) -> None:
    """Until its job is released, for then it may be free."""
    await book.earn([5, 6])
    await book.reserve(replace(POLICY, batch_size=1))
    one, two = await book.ledger.open_jobs()
    await book.sign(one, nonce=7)
    with pytest.raises(NonceTaken):
        await book.sign(two, nonce=7)
    assert await book.transactions.next_nonce(7) == 8
    assert (await book.ledger.open_jobs())[1].state is State.RESERVED
    await book.ledger.release_expired(one.job_id, 101)
    assert await book.transactions.next_nonce(7) == 7
    await book.sign(two, nonce=7)


async def test_the_next_nonce_fills_gaps(book: Book) -> None:
    """A missing one would stop all that come after it; what is mined is never used again."""
    await book.earn([5, 6, 7])
    await book.reserve(replace(POLICY, batch_size=1))
    for job, nonce in zip(await book.ledger.open_jobs(), (5, 6, 8), strict=True):
        await book.sign(job, nonce=nonce)
    assert [await book.transactions.next_nonce(mined) for mined in (0, 5, 7, 8, 9)] == [0, 7, 7, 9, 9]


async def test_other_recipients_are_not_stored(book: Book) -> None:
    """What is signed must be what was promised."""
    await book.earn([5])
    await book.reserve()
    draft = replace(await book.draft(await book.open_job()), payload=bytes(32))
    with pytest.raises(JobClosed, match="of other recipients"):
        await book.transactions.store(draft, Signed("0x1", b"raw"))


async def test_a_poisoned_wallet_is_held_and_the_others_are_paid(book: Book) -> None:
    """Found before anything is signed: the job is released, and the next plan goes without it."""
    await book.earn([5, 6, 7])
    await book.reserve()
    job = await book.open_job()
    assert await book.ledger.poison(job.job_id, {1: "blacklisted"}) == 1
    await book.ledger.release_unsigned(job.job_id, "poison")
    plan = await book.plan()
    assert (plan.n, plan.total, plan.held) == (2, 120, {"refused by the token": (1, 60)})
    assert await book.ledger.pardon(wallet(2).upper().replace("X", "x"))
    assert not await book.ledger.pardon(wallet(2))
    assert (await book.plan()).total == 180


async def test_quarantine_moves_nothing(book: Book) -> None:
    """Neither paid nor due again: that is for a person to say."""
    await book.earn([5])
    await book.reserve()
    job = await book.open_job()
    await book.sign(job, deadline=10)
    assert await book.ledger.quarantine(job.job_id, "odd")
    assert not await book.ledger.quarantine(job.job_id, "odd")
    with pytest.raises(JobClosed):
        await book.ledger.settle(job.job_id, await book.happens(job, JobStatus.COMPLETED))
    with pytest.raises(JobClosed):
        await book.ledger.release_refused(job.job_id, await book.happens(job, JobStatus.FAILED), "no")
    with pytest.raises(JobClosed):
        await book.sign(job, nonce=1)
    assert await book.ledger.observe({job.job_id: JobStatus.COMPLETED}) == 0
    assert (await book.plan()).n == 0
    assert await book.account(1) == (0, 50)


async def test_a_settled_job_in_quarantine_stays_paid(book: Book) -> None:
    """A reorganisation deeper than finality: it is never paid again by itself, and reconcile tells it."""
    await book.earn([5])
    await book.reserve()
    job = await book.open_job()
    await book.ledger.settle(job.job_id, await book.happens(job, JobStatus.COMPLETED))
    await book.inbox.rewind((await book.inbox.cursor())._replace(block=0))
    await book.ledger.quarantine(job.job_id, "its event is gone")
    assert await book.account(1) == (50, 0)
    assert (await book.plan()).n == 0
    kinds = {found.check for found in await book.audit.differences(final_block=9)}
    assert kinds == {"paid without event", "quarantined"}


async def test_what_is_observed_may_be_taken_back(book: Book) -> None:
    """A block that is not final: the job is signed again, and a job never signed is only reserved."""
    await book.earn([5, 6])
    await book.reserve(replace(POLICY, batch_size=1))
    one, two = await book.ledger.open_jobs()
    await book.sign(one)
    await book.ledger.observe({one.job_id: JobStatus.COMPLETED})
    unknown = {one.job_id: JobStatus.UNKNOWN, two.job_id: JobStatus.UNKNOWN}
    assert await book.ledger.observe(unknown) == 1
    assert [job.state for job in await book.ledger.open_jobs()] == [State.SIGNED, State.RESERVED]


async def test_the_inbox_takes_an_event_once(book: Book) -> None:
    """However often the same blocks are read; the cursor goes along."""
    await book.earn([5])
    await book.reserve()
    job = await book.open_job()
    await book.happens(job, JobStatus.FAILED, reason="a\0b\ud800")
    book.block -= 1
    await book.happens(job, JobStatus.FAILED, reason="again")
    (fate,) = await book.inbox.fates()
    assert (fate.status, fate.block, fate.reason) == (JobStatus.FAILED, 1, "a�b?")
    assert [cursor.block for cursor in await book.inbox.blocks(above=0)] == [1]
    assert (await book.inbox.cursor()).block == 1


async def test_reconcile_finds_what_somebody_else_submitted(book: Book) -> None:
    """An event of a job that we never made: the key may be stolen."""
    await book.earn([5])
    await book.reserve()
    job = await book.open_job()
    await book.happens(replace(job, job_id=b"\7" * 32), JobStatus.SUBMITTED)
    (found,) = await book.audit.differences(final_block=9)
    assert (found.check, found.subject, found.found) == ("orphan events", "job 0x" + "07" * 32, 1)


async def test_reconcile_finds_what_was_paid_and_not_booked(book: Book) -> None:
    """Also where it was released before: that is money paid twice."""
    await book.earn([5, 6])
    await book.reserve(replace(POLICY, batch_size=1))
    one, two = await book.ledger.open_jobs()
    await book.ledger.release_unsigned(one.job_id, "no")
    for job in (one, two):
        await book.happens(job, JobStatus.COMPLETED)
    assert not [found for found in await book.audit.differences(final_block=1) if found.check == "unbooked"]
    kinds = {found.check: found.subject for found in await book.audit.differences(final_block=9)}
    assert kinds == {"freed but paid": f"job 0x{one.job_id.hex()}", "unbooked": f"job 0x{two.job_id.hex()}"}


async def test_the_totals_are_those_of_the_chain(book: Book) -> None:
    """Paid is what the chain completed; jobs of another contract are counted by themselves."""
    await book.earn([5, 6])
    await book.reserve(replace(POLICY, batch_size=1))
    one, _ = await book.ledger.open_jobs()
    await book.ledger.settle(one.job_id, await book.happens(one, JobStatus.COMPLETED))
    totals = await book.audit.totals()
    assert (totals.players, totals.paid, totals.in_flight, totals.on_chain) == (2, 50, 60, 50)
    assert (totals.open_jobs, totals.open_elsewhere, len(totals.journal)) == (1, 0, 64)
    elsewhere = replace(TARGET, contract=wallet(5))
    assert (await type(book.audit)(book.ours, elsewhere).totals()).open_elsewhere == 1


async def test_why_tells_the_whole_story(book: Book) -> None:
    """Every payment with its transactions and events, and nothing of a stranger."""
    await book.earn([5])
    await book.reserve()
    job = await book.open_job()
    tx_hash = await book.sign(job)
    proof = await book.happens(job, JobStatus.COMPLETED)
    await book.ledger.settle(job.job_id, proof)
    story = await book.audit.why(1)
    (payment,) = story.payments
    assert (story.paid, payment.amount, payment.state, payment.wallet) == (50, 50, "settled", wallet(1))
    assert (payment.tx_hashes, payment.events, payment.note) == ([tx_hash], ["2 1 0xt1"], "0xt1")
    assert (await book.audit.why(77)).payments == []


async def test_a_proof_of_another_block_settles_nothing(book: Book) -> None:
    """The event lies in one block; what the chain says of another one is no proof."""
    await book.earn([5])
    await book.reserve()
    job = await book.open_job()
    await book.happens(job, JobStatus.COMPLETED)
    with pytest.raises(JobClosed):
        await book.ledger.settle(job.job_id, Proof(2, "0x1", 9))
