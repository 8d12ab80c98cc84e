"""Payout's decisions for one player, and how recipients become jobs."""

from dataclasses import replace
from decimal import Decimal

import pytest
from eth_abi.packed import encode_packed
from eth_utils import keccak, to_checksum_address
from hypothesis import given
from hypothesis import strategies as st

from contracts import recipients
from flows.payout import models, rules
from flows.payout.models import Hold, Pay, Player, Policy, Reason, Target

TARGET = Target(
    31_337, "0xE7F1725E7734CE288F8367E1BB143E90BB3F0512", "0x5FbDB2315678afecb367f032d93F642f64180aa3"
)
POLICY = Policy(Decimal(100), minimum=50, max_per_job=10_000, batch_size=3)
LOWER = "0x" + "ab" * 20
amounts = st.integers(1, POLICY.max_per_job)
pays = st.lists(st.builds(Pay, st.integers(), st.just(LOWER), amounts), unique_by=lambda pay: pay.user_id)


def decide(coins="2", wallet=LOWER, poisoned=(), policy=POLICY, **ledger):
    balance = None if coins is None else Decimal(coins)
    return rules.decide(Player(7, balance, wallet, **ledger), policy, TARGET, poisoned)


def test_what_is_earned_and_not_paid_is_paid():
    """The delta in whole units, rounded down, to the wallet in lower case."""
    assert decide("2.509", LOWER.upper().replace("X", "x"), paid=120) == Pay(7, LOWER, 130)


def test_what_is_in_flight_is_not_owed():
    """It is promised, and so neither due nor lost."""
    assert rules.owed(Player(7, Decimal("2.5"), None, paid=120, in_flight=30), POLICY) == 100


def test_who_has_a_job_in_flight_waits():
    """Whatever was earned since, and however bad the wallet is."""
    assert decide("9", None, in_flight=1) is None


def test_who_has_nothing_due_is_left_alone():
    """Also without a wallet: there is nothing to hold."""
    assert decide("2.001", None, paid=200) is None
    assert decide("0", None) is None


@pytest.mark.parametrize(
    ("coins", "paid", "hold"),
    [
        (None, 0, (Reason.BAD_BALANCE, None)),
        ("NaN", 0, (Reason.BAD_BALANCE, None)),
        ("Infinity", 0, (Reason.BAD_BALANCE, None)),
        ("-1", 0, (Reason.BAD_BALANCE, None)),
        ("1", 101, (Reason.OVERPAID, -1)),
        ("0", 5, (Reason.OVERPAID, -5)),
        ("0.49", 0, (Reason.TOO_SMALL, 49)),
        ("100.01", 0, (Reason.TOO_LARGE, 10_001)),
        ("1e60", 0, (Reason.TOO_LARGE, 10**62)),
    ],
)
def test_an_amount_that_cannot_be_paid_is_held(coins, paid, hold):
    """With its reason, and how much it is where there is telling."""
    assert decide(coins, paid=paid) == Hold(7, *hold)


def test_the_bounds_themselves_are_paid():
    """The minimum, and the most that a job or a recipient's word can hold."""
    assert decide("0.5").amount == 50
    assert decide("100").amount == 10_000
    unbounded = replace(POLICY, max_per_job=1 << 120)
    assert (
        decide(Decimal((1 << 96) - 1) / 100, policy=replace(unbounded, units_per_coin=Decimal(100)))
        is not None
    )
    top = replace(unbounded, units_per_coin=Decimal(1))
    assert decide((1 << 96) - 1, policy=top) == Pay(7, LOWER, (1 << 96) - 1)
    assert decide(1 << 96, policy=top).reason is Reason.TOO_LARGE


@pytest.mark.parametrize(
    ("wallet", "reason"),
    [
        (None, Reason.NO_WALLET),
        ("", Reason.NO_WALLET),
        ("   ", Reason.NO_WALLET),
        ("player.eth", Reason.MALFORMED),
        (LOWER[2:], Reason.MALFORMED),
        (LOWER[:-1], Reason.MALFORMED),
        (LOWER + "0", Reason.MALFORMED),
        (LOWER + "\n", Reason.MALFORMED),
        (f" {LOWER} ", Reason.MALFORMED),
        (LOWER.upper(), Reason.MALFORMED),
        (LOWER[:-1] + "g", Reason.MALFORMED),
        ("0x" + "٣" * 40, Reason.MALFORMED),
        ("0x" + "0" * 40, Reason.ZERO_ADDRESS),
        (TARGET.contract, Reason.OWN_CONTRACT),
        ("0x" + TARGET.token[2:].upper(), Reason.OWN_CONTRACT),
        ("0x" + "dead" * 10, Reason.POISON),
        (to_checksum_address(LOWER).replace("a", "A", 1).replace("b", "B"), Reason.BAD_CHECKSUM),
    ],
)
def test_a_wallet_that_cannot_be_paid_is_held(wallet, reason):
    """With its reason; the amount keeps accruing."""
    wallet = wallet if reason is not Reason.BAD_CHECKSUM else misspelt()
    assert decide("2", wallet, {"0x" + "dead" * 10}) == Hold(7, reason, 200)


def misspelt():
    right = to_checksum_address(LOWER)
    return right[:2] + right[2:].swapcase()


@pytest.mark.parametrize("spelt", [str, lambda text: "0x" + text[2:].upper(), to_checksum_address])
def test_every_right_spelling_is_the_same_wallet(spelt):
    """All lower, all upper, or EIP-55."""
    assert decide("2", spelt(LOWER)) == Pay(7, LOWER, 200)


@given(st.decimals(0, 10**30, places=19), st.decimals("0.000001", 10**18, places=6))
def test_the_amount_is_exact(coins, units_per_coin):
    """Beyond the 28 digits that Decimal keeps by itself: never a unit more than was earned."""
    owed = rules.owed(Player(1, coins, None), replace(POLICY, units_per_coin=units_per_coin))
    scaled = int(coins.scaleb(19)) * int(units_per_coin.scaleb(6)) if _short(coins, units_per_coin) else None
    if scaled is not None:
        assert owed == scaled // 10**25


def _short(*numbers):
    return all(len(number.as_tuple().digits) <= 28 for number in numbers)


@given(pays)
def test_batches_hold_everybody_once_and_no_more_than_they_may(found):
    """By user id; none is empty, and none could have taken the next one's first."""
    batches = list(rules.batches(found, POLICY))
    assert [pay for batch in batches for pay in batch] == sorted(found)
    totals = [sum(pay.amount for pay in batch) for batch in batches]
    assert all(batches)
    assert all(len(batch) <= POLICY.batch_size for batch in batches)
    assert all(total <= POLICY.max_per_job for total in totals)
    for batch, total, after in zip(batches, totals, batches[1:], strict=False):
        assert len(batch) == POLICY.batch_size or total + after[0].amount > POLICY.max_per_job


@given(st.integers(0, (1 << 160) - 1), st.integers(1, (1 << 96) - 1))
def test_a_word_is_what_the_contract_unpacks(address, amount):
    """The same as contracts/recipients.py, which the sandbox's worker reads with."""
    wallet = f"0x{address:040x}"
    assert rules.word(Pay(1, wallet, amount)) == recipients.pack([(wallet, amount)])
    assert recipients.AMOUNT_LIMIT == models.AMOUNT_LIMIT


def test_a_job_is_named_for_all_that_makes_it_this_job():
    """As Solidity's abi.encodePacked would; another run, batch, chain, contract or payload is another job."""
    salt, digest = b"\1" * 32, b"\2" * 32
    types = ["uint256", "address", "bytes32", "uint256", "bytes32"]
    packed = encode_packed(types, [31_337, TARGET.contract, salt, 5, digest])
    assert rules.job_id(TARGET, salt, 5, digest) == keccak(packed)
    others = {
        rules.job_id(target, other_salt, number, payload)
        for target in (TARGET, replace(TARGET, chain_id=1), replace(TARGET, contract=LOWER))
        for other_salt in (salt, digest) for number in (5, 6) for payload in (digest, salt)
    }  # fmt: skip
    assert len(others) == 24


def test_a_plan_is_named_for_all_that_it_binds():
    """Another chain, contract, token, policy, recipient, amount or cut is another plan."""
    pays = [Pay(1, LOWER, 60), Pay(2, LOWER, 70)]
    plans = {
        plan_hash(),
        plan_hash(target=replace(TARGET, chain_id=1)),
        plan_hash(target=replace(TARGET, contract=LOWER)),
        plan_hash(target=replace(TARGET, token=LOWER)),
        plan_hash(policy=replace(POLICY, minimum=1)),
        plan_hash(policy=replace(POLICY, units_per_coin=Decimal("0.1"))),
        plan_hash([pays]),
        plan_hash([pays[:1], pays[1:]]),
        plan_hash([pays[1:], pays[:1]]),
        plan_hash([[pays[0], Pay(2, LOWER, 71)]]),
        plan_hash([[pays[0], Pay(3, LOWER, 70)]]),
    }
    assert len(plans) == 11
    assert plan_hash(policy=replace(POLICY, units_per_coin=Decimal("100.0"))) == plan_hash()


def plan_hash(batches=(), target=TARGET, policy=POLICY):
    return rules.plan_hash(target, policy, [rules.batch_digest(batch) for batch in batches])
