"""What the contract refuses to take, one by one, and who may change that."""

import pytest

from contracts.recipients import pack
from sandbox.chain.accounts import JOBS, OPERATOR, OWNER, STRANGER, TOKEN, WORKER, DevAccount
from sandbox.chain.deployment import Terms
from tests.contracts.desk import ALICE, BOB, COMPLETE, DAY_S, FAIL, SUBMIT, Desk, Refused, job_id

ONE = [(ALICE, 5)]
WORD = pack(ONE)
NOBODY = "0x" + "00" * 20
LIMITS = "setLimits(uint256,uint256)"


def nothing_happened(desk: Desk) -> bool:
    return desk.job("a")[0] == 0 and desk.paid_today() == 0


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (b"", "no recipients"),
        (WORD[:31], "no recipients"),
        (WORD + b"\1", "ragged recipients"),
        (WORD + WORD[:31], "ragged recipients"),
        (bytes(20) + (5).to_bytes(12), "zero address"),
        (WORD + bytes(20) + (5).to_bytes(12), "zero address"),
        (WORD[:20] + bytes(12), "zero amount"),
        (WORD + WORD[:20] + bytes(12), "zero amount"),
        (bytes(32), "zero address"),
    ],
)
def test_words_that_are_no_recipients_are_refused(desk: Desk, words: bytes, reason: str) -> None:
    """Empty, ragged, without address or amount, first or last: the whole job is refused."""
    with pytest.raises(Refused, match=reason):
        desk.submit("a", words)
    assert nothing_happened(desk)


def test_a_passed_deadline_is_refused(desk: Desk) -> None:
    """A block at the deadline still takes the job, the next second does not."""
    deadline = int(desk.now_s)
    desk.submit("b", ONE, deadline=deadline)
    desk.now_s += 1
    with pytest.raises(Refused, match="past deadline"):
        desk.submit("a", ONE, deadline=deadline)
    assert desk.job("a")[0] == 0


def test_a_deadline_is_a_time(desk: Desk) -> None:
    """What does not fit into 64 bits is refused, not cut."""
    desk.submit("b", ONE, deadline=(1 << 64) - 1)
    assert desk.job("b")[3] == (1 << 64) - 1
    with pytest.raises(Refused, match="deadline"):
        desk.submit("a", ONE, deadline=1 << 64)


def test_more_than_max_per_job_is_refused(desk: Desk) -> None:
    """The limit itself is allowed, and the total counts, not the single amount."""
    desk.act(OWNER, LIMITS, 10, 1000)
    desk.submit("b", [(ALICE, 4), (BOB, 6)])
    with pytest.raises(Refused, match="over maxPerJob"):
        desk.submit("a", [(ALICE, 5), (BOB, 6)])


def test_more_than_max_per_day_is_refused(desk: Desk) -> None:
    """The day's jobs count together; at midnight (UTC) a new day begins."""
    desk.act(OWNER, LIMITS, 10, 12)
    desk.submit("b", [(ALICE, 8)])
    desk.submit("c", [(ALICE, 4)])
    with pytest.raises(Refused, match="over maxPerDay"):
        desk.submit("a", [(ALICE, 1)])
    desk.now_s += DAY_S - desk.now_s % DAY_S
    desk.submit("a", [(ALICE, 1)])
    assert desk.paid_today() == 1


def test_the_day_of_the_submission_gets_the_total_back(desk: Desk) -> None:
    """A job that fails a day later frees nothing of the new day."""
    desk.submit("b", [(ALICE, 8)])
    desk.now_s += DAY_S
    desk.submit("c", [(ALICE, 4)])
    desk.act(WORKER, FAIL, job_id("b"), "late")
    assert desk.paid_today() == 4
    desk.now_s -= DAY_S
    assert desk.paid_today() == 0


def test_while_paused_nothing_is_submitted_and_nothing_paid(desk: Desk) -> None:
    """Jobs can still fail and be cancelled; afterwards all goes on."""
    for name in ("b", "c", "d"):
        desk.submit(name, ONE)
    desk.act(OWNER, "setPaused(bool)", True)
    with pytest.raises(Refused, match="paused"):
        desk.submit("a", ONE)
    with pytest.raises(Refused, match="paused"):
        desk.complete("b", ONE)
    desk.act(WORKER, FAIL, job_id("c"), "no")
    desk.act(OWNER, "cancelJob(bytes32)", job_id("d"))
    desk.act(OWNER, "setPaused(bool)", False)
    desk.complete("b", ONE)
    desk.submit("a", ONE)


@pytest.mark.parametrize(
    ("role", "setter", "deed", "values"),
    [
        ("operator()", "setOperator(address)", SUBMIT, (job_id("a"), WORD, 1 << 40)),
        ("worker()", "setWorker(address)", COMPLETE, (job_id("b"), WORD)),
    ],
)
def test_the_owner_rotates_the_roles(desk: Desk, role: str, setter: str, deed: str, values: tuple) -> None:
    """From the next block on the new key is the only one that may."""
    desk.submit("b", ONE)
    (before,) = desk.read(role, ["address"])
    desk.act(OWNER, setter, STRANGER.address)
    old: DevAccount = {OPERATOR.address: OPERATOR, WORKER.address: WORKER}[before]
    with pytest.raises(Refused, match="only"):
        desk.act(old, deed, *values)
    desk.act(STRANGER, deed, *values)
    assert desk.read(role, ["address"]) == (STRANGER.address,)


@pytest.mark.parametrize(
    ("signature", "values"),
    [
        ("setOperator(address)", (STRANGER.address,)),
        ("setWorker(address)", (STRANGER.address,)),
        (LIMITS, (1, 1)),
        ("setPaused(bool)", (True,)),
    ],
)
def test_only_the_owner_changes_anything(desk: Desk, signature: str, values: tuple) -> None:
    """Operator, worker and strangers are turned away."""
    for account in (OPERATOR, WORKER, STRANGER):
        with pytest.raises(Refused, match="owner only"):
            desk.act(account, signature, *values)


def test_the_operator_is_never_the_owner(desk: Desk) -> None:
    """One stolen key must not be able both to submit and to lift the limits; nor is nobody the operator."""
    with pytest.raises(Refused, match="operator is owner"):
        desk.act(OWNER, "setOperator(address)", OWNER.address)
    for setter in ("setOperator(address)", "setWorker(address)"):
        with pytest.raises(Refused, match="zero address"):
            desk.act(OWNER, setter, NOBODY)


def test_limits_of_nought_stop_everything() -> None:
    """A contract without limits set pays nothing."""
    desk = Desk(Terms(max_per_job=0, max_per_day=0))
    with pytest.raises(Refused, match="over maxPerJob"):
        desk.submit("a", ONE)


def test_changes_are_told_by_events(desk: Desk) -> None:
    """Each switch of the owner leaves one event of the contract."""
    for signature, *values in (
        ("setOperator(address)", STRANGER.address),
        ("setWorker(address)", STRANGER.address),
        (LIMITS, 1, 2),
        ("setPaused(bool)", True),
    ):
        assert [log.address for log in desk.act(OWNER, signature, *values).logs] == [JOBS]


def test_a_reason_has_its_length(desk: Desk) -> None:
    """128 bytes are kept, 129 are refused."""
    desk.submit("a", ONE)
    with pytest.raises(Refused):
        desk.act(WORKER, FAIL, job_id("a"), "x" * 129)
    desk.act(WORKER, FAIL, job_id("a"), "x" * 128)


def test_plain_ether_is_refused(desk: Desk) -> None:
    """Nothing could ever take it out again."""
    for to in (JOBS, TOKEN):
        assert desk.reason(OWNER.address, b"", to) is not None
