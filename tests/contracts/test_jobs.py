"""The life of a job: submitted, then completed, failed or cancelled, and known for ever."""

import pytest
from eth_abi import decode
from eth_utils import event_signature_to_log_topic as topic
from eth_utils import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.recipients import pack
from sandbox.chain.accounts import JOBS, OPERATOR, OWNER, STRANGER, TOKEN, WORKER
from sandbox.chain.block import Receipt
from tests.contracts.desk import (
    ALICE,
    BOB,
    CANCEL,
    CANCELLED,
    COMPLETE,
    COMPLETED,
    DAY_S,
    FAIL,
    FAILED,
    SUBMITTED,
    Desk,
    Refused,
    job_id,
    wallets,
)  # fmt: skip

TWO = [(ALICE, 5), (BOB, 7)]
TRANSFER = "Transfer(address,address,uint256)"


def events(receipt: Receipt, signature: str) -> list[tuple]:
    """Return job id (or whatever is indexed first) and data of each event of that kind."""
    types = signature[signature.index("(") + 1 : -1].split(",")
    wanted = "0x" + topic(signature).hex()
    return [
        (bytes.fromhex(log.topics[1][2:]), *decode(types[len(log.topics) - 1 :], bytes.fromhex(log.data[2:])))
        for log in receipt.logs
        if log.topics[0] == wanted
    ]


def test_a_submitted_job_is_kept_by_its_digest(desk: Desk) -> None:
    """Status, count, total, deadline, day and digest can be read; nothing is paid yet."""
    deadline = int(desk.now_s) + 60
    receipt = desk.submit("a", TWO, deadline=deadline)
    digest = keccak(pack(TWO))
    assert desk.job("a") == (SUBMITTED, 2, 12, deadline, int(desk.now_s) // DAY_S, digest)
    signature = "JobSubmitted(bytes32,bytes32,uint256,uint256,uint256)"
    assert events(receipt, signature) == [(job_id("a"), digest, 2, 12, deadline)]
    assert (desk.balance(ALICE), desk.paid_today()) == (0, 12)


def test_completing_pays_every_recipient(desk: Desk) -> None:
    """Each gets the amount in the token, from the contract's budget, and the event says so."""
    budget = desk.number("budget()")
    desk.submit("a", TWO)
    receipt = desk.complete("a", TWO)
    assert (desk.balance(ALICE), desk.balance(BOB), desk.number("budget()")) == (5, 7, budget - 12)
    assert events(receipt, "JobCompleted(bytes32,uint256,uint256)") == [(job_id("a"), 2, 12)]
    transfers = [log for log in receipt.logs if log.topics[0] == "0x" + topic(TRANSFER).hex()]
    assert [(log.address, "0x" + log.topics[2][-40:], int(log.data, 16)) for log in transfers] == [
        (TOKEN, ALICE, 5),
        (TOKEN, BOB, 7),
    ]
    assert desk.job("a")[0] == COMPLETED


def test_a_wallet_may_stand_in_a_job_twice(desk: Desk) -> None:
    """It gets both amounts."""
    desk.submit("a", [(ALICE, 5), (ALICE, 7)])
    desk.complete("a", [(ALICE, 5), (ALICE, 7)])
    assert desk.balance(ALICE) == 12


def test_completing_is_all_or_nothing(desk: Desk) -> None:
    """One recipient whom the token refuses leaves the whole job open and everybody unpaid."""
    desk.submit("a", TWO)
    desk.act(OWNER, "setBlocked(address,bool)", BOB, True, to=TOKEN)
    with pytest.raises(Refused, match="receiver blocked"):
        desk.complete("a", TWO)
    assert (desk.balance(ALICE), desk.job("a")[0]) == (0, SUBMITTED)


def test_an_empty_budget_pays_nobody(desk: Desk) -> None:
    """A job above the budget can be submitted, but not completed."""
    short = [(ALICE, desk.number("budget()")), (BOB, 1)]
    desk.act(OWNER, "setLimits(uint256,uint256)", 1 << 95, 1 << 95)
    desk.submit("a", short)
    with pytest.raises(Refused, match="balance"):
        desk.complete("a", short)
    assert desk.balance(ALICE) == 0


def test_a_worker_fails_a_job_with_its_reason(desk: Desk) -> None:
    """The reason is in the event; the day's limit gets the total back."""
    desk.submit("a", TWO)
    receipt = desk.act(WORKER, FAIL, job_id("a"), "out of coins")
    assert events(receipt, "JobFailed(bytes32,string)") == [(job_id("a"), "out of coins")]
    assert (desk.job("a")[0], desk.balance(ALICE), desk.paid_today()) == (FAILED, 0, 0)


def test_the_owner_cancels_a_job_that_nobody_completed(desk: Desk) -> None:
    """After that it cannot be completed; the day's limit gets the total back."""
    desk.submit("a", TWO)
    receipt = desk.act(OWNER, CANCEL, job_id("a"))
    assert [log.topics[1] for log in receipt.logs] == ["0x" + job_id("a").hex()]
    assert receipt.logs[0].topics[0] == "0x" + topic("JobCancelled(bytes32)").hex()
    assert (desk.job("a")[0], desk.paid_today()) == (CANCELLED, 0)
    with pytest.raises(Refused, match="not open"):
        desk.complete("a", TWO)


@pytest.mark.parametrize("end", ["submitted", "completed", "failed", "cancelled"])
def test_a_job_is_known_for_ever(desk: Desk, end: str) -> None:
    """However it ended, its id is never taken again."""
    desk.submit("a", TWO)
    if end == "completed":
        desk.complete("a", TWO)
    elif end == "failed":
        desk.act(WORKER, FAIL, job_id("a"), "no")
    elif end == "cancelled":
        desk.act(OWNER, CANCEL, job_id("a"))
    with pytest.raises(Refused, match="known job"):
        desk.submit("a", TWO)


@pytest.mark.parametrize("signature", [COMPLETE, FAIL, CANCEL])
@pytest.mark.parametrize("end", ["unknown", "completed", "failed", "cancelled"])
def test_only_an_open_job_can_end(desk: Desk, signature: str, end: str) -> None:
    """An unknown job and one that has ended are refused by all three ways to end one."""
    ends = {
        "completed": (WORKER, COMPLETE, pack(TWO)),
        "failed": (WORKER, FAIL, "no"),
        "cancelled": (OWNER, CANCEL),
    }
    if end in ends:
        desk.submit("a", TWO)
        account, first, *more = ends[end]
        desk.act(account, first, job_id("a"), *more)
    again = {COMPLETE: (WORKER, pack(TWO)), FAIL: (WORKER, "no"), CANCEL: (OWNER,)}
    account, *more = again[signature]
    with pytest.raises(Refused, match="not open"):
        desk.act(account, signature, job_id("a"), *more)


def test_other_recipients_than_submitted_are_refused(desk: Desk) -> None:
    """The digest binds addresses, amounts, order and length."""
    desk.submit("a", TWO)
    for other in ([(ALICE, 6), (BOB, 7)], TWO[::-1], TWO[:1], [*TWO, (ALICE, 1)], []):
        with pytest.raises(Refused, match="wrong recipients"):
            desk.complete("a", other)
    desk.complete("a", TWO)


def test_a_job_may_be_completed_after_its_deadline(desk: Desk) -> None:
    """The deadline is for the submitting transaction only."""
    desk.submit("a", TWO, deadline=int(desk.now_s))
    desk.now_s += 1000
    desk.complete("a", TWO)
    assert desk.balance(ALICE) == 5


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=40))
def test_any_job_pays_exactly_its_total(amounts: list[int]) -> None:
    """Whatever the recipients: the sum of what they have is the total and what the budget lost."""
    desk = Desk()
    budget = desk.number("budget()")
    pairs = list(zip(wallets(len(amounts)), amounts, strict=True))
    desk.submit("a", pairs)
    desk.complete("a", pairs)
    assert [desk.balance(wallet) for wallet, _ in pairs] == amounts
    assert desk.job("a")[2] == sum(amounts) == budget - desk.number("budget()")


def test_the_largest_job_that_fits_is_taken(desk: Desk) -> None:
    """1,024 recipients are one job, 1,025 are none."""
    many = [(wallet, 1) for wallet in wallets(1025)]
    desk.submit("a", many[:1024])
    assert desk.job("a")[1] == 1024
    with pytest.raises(Refused):
        desk.submit("b", many)


def test_the_largest_amounts_do_not_overflow(desk: Desk) -> None:
    """1,024 times the largest amount is above every limit, not below it by wrapping."""
    desk.act(OWNER, "setLimits(uint256,uint256)", 1 << 110, 1 << 110)
    many = [(wallet, (1 << 96) - 1) for wallet in wallets(1024)]
    desk.submit("a", many)
    assert desk.job("a")[2] == 1024 * ((1 << 96) - 1)


def test_nobody_else_has_a_say(desk: Desk) -> None:
    """A stranger, and each role in another's place, is turned away."""
    desk.submit("a", TWO)
    for account in (OWNER, WORKER, STRANGER):
        with pytest.raises(Refused, match="operator only"):
            desk.act(account, "submitJob(bytes32,bytes,uint256)", job_id("b"), pack(TWO), 1 << 40)
    for account in (OWNER, OPERATOR, STRANGER):
        for signature, value in ((COMPLETE, pack(TWO)), (FAIL, "no")):
            with pytest.raises(Refused, match="worker only"):
                desk.act(account, signature, job_id("a"), value)
    for account in (OPERATOR, WORKER, STRANGER):
        with pytest.raises(Refused, match="owner only"):
            desk.act(account, CANCEL, job_id("a"))
    assert desk.read("owner()", ["address"])[0] == OWNER.address
    assert desk.read("token()", ["address"], to=JOBS)[0] == TOKEN
