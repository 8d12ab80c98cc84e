"""The two weeks' picture: what was paid, in flight and held on each day, and nothing that nobody is owed."""

from datetime import UTC, datetime

import pytest

from blocks.jobs import JobStatus
from flows.payout.figures import Books
from flows.payout.findings import Day
from flows.payout.models import Policy, Slot
from tests.payout.conftest import POLICY, RUN, TARGET, Book, wallet


async def course(book: Book) -> list[Day]:
    return (await Books(book.ours, TARGET).figures(RUN)).course


async def planned(book: Book, policy: Policy = POLICY) -> None:
    await book.plan(policy)
    await book.planning.keep_holds(Slot.LIVE)


async def test_coins_are_in_flight_until_they_are_paid(book: Book) -> None:
    """The last of fourteen days is today, UTC; what is paid has been in flight and is not any more."""
    await book.earn([5, 7])
    await book.reserve()
    days = await course(book)
    assert [day.day for day in days][-1] == datetime.now(UTC).date()
    assert len(days) == 14
    assert days[-1][1:] == (0, 120, None)
    job = await book.open_job()
    await book.sign(job)
    await book.ledger.settle(job.job_id, await book.happens(job, JobStatus.COMPLETED))
    assert (await course(book))[-1][1:] == (120, 0, None)


async def test_held_is_what_would_be_paid_but_for_wallet_or_size(book: Book) -> None:
    """Neither a balance above the maximum, nor one that fell or is no number; of two plans the day's last counts."""
    await book.players(
        (1, 5, None), (2, 6, "x"), (3, -1, wallet(3)), (4, 10**30, wallet(4)), (5, 1, wallet(5))
    )
    await planned(book, Policy(10, minimum=11, max_per_job=10_000))
    assert (await course(book))[-1].held == 50 + 60 + 10
    await book.players((2, 6, wallet(2)))
    await planned(book)
    assert (await course(book))[-1].held == 50


async def test_a_day_without_a_plan_says_nothing(book: Book) -> None:
    """It is not nought: nobody looked."""
    await planned(book)
    assert [day.held for day in await course(book)] == [None] * 13 + [0]


@pytest.mark.parametrize("zone", ["Asia/Almaty", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
async def test_a_day_is_utcs_wherever_the_database_is(book: Book, zone: str) -> None:
    """The server's own zone moves no coin to another day."""
    await book.by_hand(f"set time zone '{zone}'")
    await book.players((1, 5, None), (2, 5, wallet(2)))
    await planned(book)
    await book.reserve()
    days = await course(book)
    assert days[-1] == (datetime.now(UTC).date(), 0, 50, 50)
