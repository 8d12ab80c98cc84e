"""What is done next with a job, and what is there to pay with: each sentence of docs/payout.md, and any mixture."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.jobs import Fees, Head, JobStatus, Treasury
from flows.payout import steps
from flows.payout.models import OpenJob, State, StoredTx
from flows.payout.purse import Purse
from flows.payout.steps import MARGIN_S, Sight, Step

NOW_S, FINAL_S = 10_000, 9_990
JOB_ID = b"a job"
DUE = NOW_S + 100

amounts = st.integers(1, 10**30)
fees_wei = st.integers(1, 10**12)


def job(
    deadline: int | None = DUE, state: State = State.SIGNED, total: int = 100, job_id: bytes = JOB_ID
) -> OpenJob:
    return OpenJob(job_id, state, 1, 2, total, b"digest", deadline, datetime.now(UTC))


def stored(deadline: int = DUE, max_fee_wei: int = 100, tip_wei: int = 2) -> StoredTx:
    return StoredTx("0xabc", "0xsigner", 7, 21_000, max_fee_wei, tip_wei, deadline, b"raw", live=True)


def sight(
    newest: JobStatus = JobStatus.UNKNOWN,
    final: JobStatus | None = None,
    now_s: int = NOW_S,
    fee_wei: int = 100,
    nonces: range = range(7, 8),
) -> Sight:
    head = Head(50, "0x50", now_s, 49, now_s - (NOW_S - FINAL_S))
    return Sight(head, Fees(fee_wei, 2), nonces, {JOB_ID: newest}, {} if final is None else {JOB_ID: final})


# ── One step ─────────────────────────────────────────────────────────────────────────────────────


def test_a_new_job_is_signed() -> None:
    """Nothing of it was ever signed, and the chain does not know it."""
    assert steps.step(job(None, State.RESERVED), None, sight()) is Step.SIGN


def test_a_job_that_the_chain_does_not_know_is_sent_again() -> None:
    """The same transaction, however often: no answer is believed."""
    assert steps.step(job(), stored(), sight()) is Step.SEND


@pytest.mark.parametrize("status", set(JobStatus) - {JobStatus.UNKNOWN})
def test_a_job_that_the_chain_knows_is_left_alone(status: JobStatus) -> None:
    """Final blocks say what becomes of it, even after its deadline."""
    for deadline in (DUE, FINAL_S - 1):
        assert steps.step(job(deadline), stored(deadline), sight(status)) is Step.WAIT


def test_a_job_in_quarantine_is_left_alone() -> None:
    """A person must look."""
    assert steps.step(job(state=State.QUARANTINED), stored(), sight()) is Step.WAIT
    assert not steps.is_awaited(job(state=State.QUARANTINED), sight(), 0, 1)


def test_a_transaction_near_its_deadline_is_not_sent_any_more() -> None:
    """It would only be refused; what is mined already counts all the same."""
    assert steps.step(job(), stored(), sight(now_s=DUE - MARGIN_S)) is Step.SEND
    assert steps.step(job(), stored(), sight(now_s=DUE - MARGIN_S + 1)) is Step.WAIT


def test_a_job_expires_when_a_final_block_is_later_and_does_not_know_it() -> None:
    """Not at its deadline: a block of that second may still take it."""
    assert steps.step(job(FINAL_S), stored(FINAL_S), sight(final=JobStatus.UNKNOWN)) is Step.WAIT
    assert steps.step(job(FINAL_S - 1), stored(FINAL_S - 1), sight(final=JobStatus.UNKNOWN)) is Step.EXPIRE
    assert steps.step(job(FINAL_S - 1), stored(FINAL_S - 1), sight(final=JobStatus.SUBMITTED)) is Step.WAIT
    assert steps.step(job(FINAL_S - 1), stored(FINAL_S - 1), sight()) is Step.WAIT


def test_a_higher_fee_is_offered_when_the_chain_has_outgrown_ours() -> None:
    """Fees are enough for twice the base fee; below half of that nothing is mined."""
    assert steps.step(job(), stored(), sight(fee_wei=200)) is Step.SEND
    assert steps.step(job(), stored(), sight(fee_wei=201)) is Step.BUMP


def test_a_transaction_that_can_never_be_mined_is_signed_anew() -> None:
    """Its nonce was used up by one that had been given up, or waits behind a gap that one left."""
    assert steps.step(job(), stored(), sight(nonces=range(6, 8))) is Step.SEND
    assert steps.step(job(), stored(), sight(nonces=range(8, 9))) is Step.RENEW
    assert steps.step(job(), stored(), sight(nonces=range(6, 6))) is Step.RENEW


@given(
    state=st.sampled_from([State.RESERVED, State.SIGNED, State.SUBMITTED, State.QUARANTINED]),
    deadline=st.none() | st.integers(NOW_S - 50, NOW_S + 50),
    newest=st.sampled_from(JobStatus),
    final=st.none() | st.sampled_from(JobStatus),
    fee_wei=fees_wei,
)
def test_no_mixture_gives_up_what_could_be_mined(
    state: State, deadline: int | None, newest: JobStatus, final: JobStatus | None, fee_wei: int
) -> None:
    """Given up only behind a final block that does not know it; signed anew only if nothing was ever signed."""
    seen = sight(newest, final, fee_wei=fee_wei)
    step = steps.step(job(deadline, state), None if deadline is None else stored(deadline), seen)
    if step is not Step.WAIT:
        assert newest is JobStatus.UNKNOWN
        assert state is not State.QUARANTINED
    if step is Step.EXPIRE:
        assert deadline is not None
        assert deadline < seen.head.final_timestamp
        assert final is JobStatus.UNKNOWN
    if step is Step.SIGN:
        assert deadline is None
    if step in {Step.SEND, Step.BUMP}:
        assert deadline is not None
        assert deadline >= seen.head.timestamp


# ── Fees and waiting ─────────────────────────────────────────────────────────────────────────────


@given(before=st.lists(st.tuples(fees_wei, fees_wei)), today=st.tuples(fees_wei, fees_wei))
def test_who_outbids_is_enough_for_today_and_an_eighth_above_all_before(
    before: list[tuple[int, int]], today: tuple[int, int]
) -> None:
    """A node takes nothing else in the place of what it has."""
    offer = steps.outbid([stored(max_fee_wei=fee, tip_wei=tip) for fee, tip in before], Fees(*today))
    assert (offer.max_fee_wei, offer.tip_wei) >= today
    assert all(8 * offer.max_fee_wei >= 9 * fee and 8 * offer.tip_wei >= 9 * tip for fee, tip in before)


@pytest.mark.parametrize(
    ("status", "silent_s", "awaited"),
    [
        (JobStatus.SUBMITTED, 59, True), (JobStatus.SUBMITTED, 60, False),
        (JobStatus.UNKNOWN, 10**6, True), (JobStatus.COMPLETED, 10**6, True), (JobStatus.FAILED, 10**6, True),
    ],
)  # fmt: skip
def test_only_the_worker_can_be_too_slow(status: JobStatus, silent_s: float, awaited: bool) -> None:
    """What ends by itself, in a final block or behind a deadline, is awaited."""
    assert steps.is_awaited(job(), sight(status), silent_s, patience_s=60) is awaited


# ── The purse ────────────────────────────────────────────────────────────────────────────────────


def purse(budget: int, per_day: int, submitted: int, *jobs: tuple[OpenJob, JobStatus]) -> Purse:
    treasury = Treasury(budget, 10**18, 10**40, per_day, submitted, paused=False)
    newest = {each.job_id: status for each, status in jobs}
    seen = Sight(sight().head, Fees(1, 1), range(0), newest)
    return Purse.of(treasury, [each for each, _ in jobs], seen)


def test_what_is_signed_is_not_promised_twice() -> None:
    """Tokens leave at completion, the day's limit counts at submission; unsigned jobs come by themselves."""
    sent = (job(total=1, job_id=b"1"), JobStatus.UNKNOWN)
    submitted = (job(total=10, job_id=b"2"), JobStatus.SUBMITTED)
    completed = (job(total=100, job_id=b"3"), JobStatus.COMPLETED)
    unsigned = (job(None, total=1000, job_id=b"4"), JobStatus.UNKNOWN)
    found = purse(5000, 5000, 110, sent, submitted, completed, unsigned)
    assert (found.budget, found.today) == (5000 - 11, 5000 - 110 - 1)


@pytest.mark.parametrize(
    ("total", "fee_wei", "word"),
    [(10, 10**18, None), (11, 0, "token"), (10, 10**18 + 1, "wei")],
)
def test_what_is_short_is_named(total: int, fee_wei: int, word: str | None) -> None:
    """The token, or the account's own coin; exactly as much as there is, is enough."""
    lack = purse(10, 100, 0).lacks(total, fee_wei)
    assert lack is None if word is None else word in str(lack)


def test_the_days_limit_is_named_when_the_tokens_would_do() -> None:
    """Whoever reads it waits for tomorrow, and buys no tokens."""
    assert "today's limit of the contract leaves 5 of the token's smallest units, and 6 are needed" in str(
        purse(10, 9, 4).lacks(6, 0)
    )


@given(budget=amounts, per_day=amounts, totals=st.lists(amounts, max_size=10))
def test_what_is_let_through_is_there(budget: int, per_day: int, totals: list[int]) -> None:
    """Whatever comes in whatever order: all of it together fits into the treasury and into the day."""
    left, paid = purse(budget, per_day, 0), 0
    for total in totals:
        if left.lacks(total, 1) is None:
            left.spend(total, 1)
            paid += total
    assert paid <= min(budget, per_day)
