"""The journal holds every step of every job, and shows when somebody touched it; and nobody is ever overpaid."""

import random
from collections.abc import Awaitable
from contextlib import suppress
from uuid import uuid4

import pytest
from sqlalchemy import text

from blocks.jobs import JobStatus
from flows.payout.models import OpenJob, Proof, Slot
from flows.payout.refusals import JobClosed, PlanStale, PlanUnknown
from tests.payout.conftest import POLICY, Book

PLAYERS = 4
REWRITTEN = """
    update payout.journal set note = 'x', hash = payout.journal_hash(
        row(no, at_utc, job_id, was, state, booking, plan_hash, digest, n, total, deadline, 'x', previous, hash)
    ) where no = 4
"""
# How often each is tried, among each other.
STEPS = {
    "earn": 2, "preview": 1, "reserve": 3, "approve": 2, "sign": 4, "mine": 8, "book_end": 3, "free": 3, "odd": 1,
    "pay_all": 1, "lapse": 1,
}  # fmt: skip
LENGTH, DEADLINE = 80, 8


async def make_some(book: Book) -> None:
    """Two jobs, one of them settled: five rows and more."""
    await book.earn([5, 6, 7, 8])
    await book.reserve()
    one, two = await book.ledger.open_jobs()
    await book.sign(one)
    await book.ledger.observe({one.job_id: JobStatus.SUBMITTED})
    await book.ledger.settle(one.job_id, await book.happens(one, JobStatus.COMPLETED))
    await book.ledger.release_unsigned(two.job_id, "no")


async def rows(book: Book) -> list[tuple]:
    found = (
        await book.ours.execute(text("select no, was, state, booking, note from payout.journal order by no"))
    ).all()
    await book.ours.rollback()
    return [tuple(row) for row in found]


async def test_every_step_of_a_job_is_a_row(book: Book) -> None:
    """One for each job and not for each player, in the order in which they happened."""
    await make_some(book)
    assert await rows(book) == [
        (1, None, "reserved", "open", None),
        (2, None, "reserved", "open", None),
        (3, "reserved", "signed", "open", None),
        (4, "signed", "submitted", "open", None),
        (5, "submitted", "settled", "paid", "0xt1"),
        (6, "reserved", "released", "free", "no"),
    ]
    assert not await book.audit.differences(final_block=9)


async def test_what_is_rolled_back_leaves_no_row_and_no_gap(book: Book) -> None:
    """A step that did not happen is not told."""
    await make_some(book)
    await book.ours.execute(text("update payout.job set note = 'x'"))
    await book.ours.rollback()
    assert len(await rows(book)) == 6
    await book.earn([9])
    await book.reserve()
    assert (await rows(book))[-1][0] == 7
    assert not await book.audit.differences(final_block=9)


@pytest.mark.parametrize(
    ("change", "subject", "told"),
    [
        ("update payout.journal set total = total + 1 where no = 3", "row 3", "was changed"),
        ("update payout.journal set note = '0xt2' where no = 5", "row 5", "was changed"),
        ("update payout.journal set at_utc = at_utc - interval '1 s' where no = 1", "row 1", "was changed"),
        ("delete from payout.journal where no = 3", "row 4", "does not follow the row before it"),
        ("delete from payout.journal where no = 1", "row 2", "does not follow the row before it"),
        ("delete from payout.journal where no = 6", "job", "is not as its last row says"),
        ("truncate payout.journal", "job", "is not as its last row says"),
        (REWRITTEN, "row 5", "does not hold the hash of the row before it"),
    ],
)  # fmt: skip
async def test_a_journal_that_was_touched_is_found(book: Book, change: str, subject: str, told: str) -> None:
    """A row changed, taken out, cut off at the end, or written anew with a hash that fits it."""
    await make_some(book)
    await book.by_hand("alter table payout.journal disable trigger journal_stays")
    await book.by_hand(change)
    await book.by_hand("alter table payout.journal enable trigger journal_stays")
    found = await book.audit.differences(final_block=9)
    assert {difference.check for difference in found} == {"journal"}
    assert any(difference.subject.startswith(subject) and difference.told == told for difference in found)


async def test_the_journal_is_only_ever_added_to(book: Book) -> None:
    """Not even the ledger's own user changes it, unless it takes the guard away first."""
    await make_some(book)
    for change in ("update payout.journal set note = 'x'", "delete from payout.journal"):
        with pytest.raises(Exception, match=r"payout\.journal is only ever added to"):
            await book.by_hand(change)
        await book.ours.rollback()


async def test_a_job_changed_by_hand_is_written_down(book: Book) -> None:
    """And where the guard was taken away for it, the job is not as its last row says."""
    await make_some(book)
    await book.by_hand("update payout.job set note = 'by hand' where note = 'no'")
    assert (await rows(book))[-1] == (7, "released", "released", "free", "by hand")
    await book.by_hand("alter table payout.job disable trigger job_changed")
    await book.by_hand("update payout.job set deadline = 1 where note = 'by hand'")
    await book.by_hand("alter table payout.job enable trigger job_changed")
    (found,) = await book.audit.differences(final_block=9)
    assert (found.check, found.told) == ("journal", "is not as its last row says")


class World:
    """Players who earn, a contract that takes, pays and refuses, and the ledger between them.

    The contract knows nothing of the ledger: it takes whatever was ever signed, in time and once.
    """

    def __init__(self, book: Book, seed: int) -> None:
        self.book, self.random = book, random.Random(seed)
        self.earned = [0] * PLAYERS
        self.paid: dict[int, int] = {}
        self.signed: list[tuple[OpenJob, int]] = []
        self.known: dict[bytes, JobStatus] = {}
        self.final: dict[bytes, Proof] = {}
        self.previews: list[str] = []
        self.now = 0

    async def step(self, name: str) -> None:
        self.now += 1
        jobs = await self.book.ledger.open_jobs()
        await getattr(self, name)(self.random.choice(jobs) if jobs else None)

    async def earn(self, _: OpenJob | None) -> None:
        self.earned = [coins + self.random.randrange(4) for coins in self.earned]
        await self.book.earn(self.earned)

    async def preview(self, _: OpenJob | None) -> None:
        self.previews.append((await self.book.plan(slot=Slot.PREVIEW)).hash)

    async def reserve(self, _: OpenJob | None) -> None:
        await self.book.reserve()

    async def approve(self, _: OpenJob | None) -> None:
        if self.previews:
            await self._allowed(self.book.ledger.reserve(self.previews[-1], uuid4().hex))

    async def sign(self, job: OpenJob | None) -> None:
        if job:
            deadline = self.now + DEADLINE
            with suppress(JobClosed):
                await self.book.sign(job, len(self.signed), deadline)
                self.signed.append((job, deadline))

    async def mine(self, _: OpenJob | None) -> None:
        """The contract takes, or its worker pays or refuses."""
        doing = self.random.choice([self.submit, self.submit, self.complete, self.complete, self.fail])
        await doing()

    async def submit(self) -> None:
        takes = [
            job for job, deadline in self.signed if self.now <= deadline and job.job_id not in self.known
        ]
        if takes:
            await self._becomes(self.random.choice(takes), JobStatus.SUBMITTED)

    async def complete(self) -> None:
        """From now on the coins are the players'."""
        if job := self._submitted():
            await self._becomes(job, JobStatus.COMPLETED)
            statement = text(
                "select user_id, amount from payout.item join payout.job using (job_no) where job_id = :id"
            )
            for user, amount in await self.book.ours.execute(statement, {"id": job.job_id}):
                self.paid[user] = self.paid.get(user, 0) + int(amount)
            await self.book.ours.rollback()

    async def fail(self) -> None:
        if job := self._submitted():
            await self._becomes(job, JobStatus.FAILED)

    async def book_end(self, job: OpenJob | None) -> None:
        """Whichever end it had: the ledger is asked for both."""
        if job and (proof := self.final.get(job.job_id)):
            await self._allowed(self.book.ledger.release_refused(job.job_id, proof, "no"))
            await self._allowed(self.book.ledger.settle(job.job_id, proof))

    async def free(self, job: OpenJob | None) -> None:
        """As unsigned; or as expired: the contract was asked at a final block of now, and does not know the job."""
        if job and self.random.random() < 0.3:
            await self._allowed(self.book.ledger.release_unsigned(job.job_id, "no"))
        elif job and job.job_id not in self.known:
            await self._allowed(self.book.ledger.release_expired(job.job_id, self.now))

    async def odd(self, job: OpenJob | None) -> None:
        """What is rare: a quarantine, a poisoned wallet, a newest block that is taken back and comes again."""
        match self.random.randrange(6):
            case 0 if job and self.random.random() < 0.3:
                await self.book.ledger.quarantine(job.job_id, "odd")
            case 1 if job:
                await self.book.ledger.poison(job.job_id, {0: "no"})
            case 2 if cursor := await self.book.inbox.cursor():
                await self.book.inbox.rewind(cursor._replace(block=cursor.block - 1))
                await self.book.ours.execute(text("update payout.event set removed_utc = null"))
                await self.book.ours.commit()

    async def pay_all(self, _: OpenJob | None) -> None:
        """A good hour: everything open is signed, taken, paid and booked."""
        for job in await self.book.ledger.open_jobs():
            await self.sign(job)
        for _ in self.signed:
            await self.submit()
            await self.complete()
        for job in await self.book.ledger.open_jobs():
            await self.book_end(job)

    async def lapse(self, _: OpenJob | None) -> None:
        """A long time goes by."""
        self.now += DEADLINE

    def _submitted(self) -> OpenJob | None:
        jobs = [job for job, _ in self.signed if self.known.get(job.job_id) is JobStatus.SUBMITTED]
        return self.random.choice(jobs) if jobs else None

    async def _becomes(self, job: OpenJob, status: JobStatus) -> None:
        self.known[job.job_id] = status
        self.final[job.job_id] = await self.book.happens(job, status)
        await self.book.ledger.observe({job.job_id: status})

    async def _allowed(self, doing: Awaitable[object]) -> None:
        """Whatever the ledger refuses it refuses; only what it does counts."""
        with suppress(JobClosed, PlanStale, PlanUnknown):
            await doing

    async def check(self) -> None:
        """Nobody has more than was earned, on the chain or in the ledger; whatever was paid is known."""
        rows = await self.book.ours.execute(text("select user_id, paid, in_flight from payout.account"))
        accounts = {user: (paid, in_flight) for user, paid, in_flight in rows}
        await self.book.ours.rollback()
        for user, coins in enumerate(self.earned, 1):
            paid, in_flight = accounts.get(user, (0, 0))
            assert paid + in_flight <= coins * 10
            assert paid <= self.paid.get(user, 0) <= paid + in_flight

    async def finish(self) -> None:
        """A person lifts every hold, then all that is open comes to its end, and everybody has what was earned."""
        await self.book.by_hand("delete from payout.poison")
        for _ in range(2):
            for job in await self.book.ledger.open_jobs():
                await self._end(job)
            await self.book.reserve()
        stuck = {job.job_id for job in await self.book.ledger.open_jobs() if job.state == "quarantined"}
        for user, coins in enumerate(self.earned, 1):
            story = await self.book.audit.why(user)
            if not stuck & {payment.job_id for payment in story.payments}:
                assert story.paid + story.in_flight == coins * 10

    async def _end(self, job: OpenJob) -> None:
        """As the flow does, long after the last deadline."""
        self.now += 2 * DEADLINE
        while self._submitted():
            await self.complete()
        await self.book_end(job)
        if job.job_id not in self.known:
            await self._allowed(self.book.ledger.release_unsigned(job.job_id, "end"))
            await self._allowed(self.book.ledger.release_expired(job.job_id, self.now))


@pytest.mark.parametrize("seed", range(20))
async def test_whatever_happens_nobody_is_overpaid_and_nobody_is_lost(book: Book, seed: int) -> None:
    """Any sequence of steps, balances growing meanwhile, and a contract that takes all that it may take."""
    world = World(book, seed)
    for name in ("earn", *world.random.choices(list(STEPS), list(STEPS.values()), k=LENGTH)):
        await world.step(name)
        await world.check()
    kinds = {each.check for each in await book.audit.differences(final_block=10**9)}
    assert kinds <= {"unbooked", "quarantined"}
    await world.finish()
    await world.check()


def test_the_batches_of_these_tests_are_small() -> None:
    """Otherwise there would be one job at a time, and nothing to mix up."""
    assert POLICY.batch_size < PLAYERS
