"""Payout's decisions: who is paid how much, in which batches, under which names. Pure.

This is the specification. Planning does the same set-based (planning.sql), and a test compares the two.

Source  docs/payout.md, "Who is paid what"
"""

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from fractions import Fraction

import numpy as np
from eth_hash.auto import keccak

from flows.payout.checksum import misspelt
from flows.payout.models import Hold, Pay, Player, Policy, Reason, Target

WALLET = re.compile(r"0x[0-9a-fA-F]{40}")
ZERO = "0x" + "0" * 40
WORD_BYTES = 32
SALT_BYTES = 32


def owed(player: Player, policy: Policy) -> int | None:
    """Return what is earned but neither paid nor in flight, in whole units; None where the balance is no number.

    >>> from decimal import Decimal
    >>> owed(Player(1, Decimal("2.59"), None, paid=20), Policy(Decimal(10), 1, 1000))
    5
    """
    if player.coins is None or not player.coins.is_finite() or player.coins < 0:
        return None
    # A Fraction is exact; Decimal's own product is rounded to 28 digits.
    earned = Fraction(player.coins) * Fraction(policy.units_per_coin)
    return earned.numerator // earned.denominator - player.paid - player.in_flight


def decide(
    player: Player, policy: Policy, target: Target, poisoned: Collection[str] = ()
) -> Pay | Hold | None:
    """Pay, hold, or leave alone: who has a job in flight waits for it, and who has nothing due is done.

    `poisoned` are the wallets that the token refuses, in lower case.
    """
    if player.in_flight:
        return None
    amount = owed(player, policy)
    if amount == 0:
        return None
    reason = _wrong_amount(amount, policy) or _wrong_wallet(player.wallet, target, poisoned)
    if reason is not None or amount is None or player.wallet is None:
        return Hold(player.user_id, reason or Reason.BAD_BALANCE, amount)
    return Pay(player.user_id, player.wallet.lower(), amount)


def _wrong_amount(amount: int | None, policy: Policy) -> Reason | None:
    if amount is None:
        return Reason.BAD_BALANCE
    if amount < 0:
        return Reason.OVERPAID
    if amount < policy.minimum:
        return Reason.TOO_SMALL
    return Reason.TOO_LARGE if amount > policy.largest else None


def _wrong_wallet(wallet: str | None, target: Target, poisoned: Collection[str]) -> Reason | None:
    if wallet is None or not wallet.strip(" "):
        return Reason.NO_WALLET
    if not WALLET.fullmatch(wallet):
        return Reason.MALFORMED
    if (lower := wallet.lower()) == ZERO:
        return Reason.ZERO_ADDRESS
    if lower in {target.contract, target.token}:
        return Reason.OWN_CONTRACT
    if lower in poisoned:
        return Reason.POISON
    return Reason.BAD_CHECKSUM if is_misspelt(wallet) else None


def is_misspelt(wallet: str) -> bool:
    """Tell whether a wallet in mixed case has not the case of EIP-55; all lower or all upper say nothing."""
    digits = wallet.removeprefix("0x")
    if digits in {digits.lower(), digits.upper()}:
        return False
    return bool(misspelt(np.array([wallet.encode()]))[0])


def batches(pays: Iterable[Pay], policy: Policy) -> Iterator[list[Pay]]:
    """Cut the recipients, by user id, into jobs: each as long as its number and its sum allow."""
    batch: list[Pay] = []
    total = 0
    for pay in sorted(pays):
        if len(batch) == policy.batch_size or total + pay.amount > policy.max_per_job:
            yield batch
            batch, total = [], 0
        batch.append(pay)
        total += pay.amount
    if batch:
        yield batch


def word(pay: Pay) -> bytes:
    """Return the recipient as the contract takes it, see contracts/recipients.py."""
    return bytes.fromhex(pay.wallet.removeprefix("0x")) + pay.amount.to_bytes(12)


def batch_digest(batch: Iterable[Pay]) -> bytes:
    """Return what a plan's hash holds of a batch: who gets how much, and where."""
    rows = (pay.user_id.to_bytes(8, signed=True) + word(pay) for pay in batch)
    return hashlib.sha256(b"".join(rows)).digest()


def plan_hash(target: Target, policy: Policy, digests: Sequence[bytes]) -> bytes:
    """Return what an approval names: the batches' digests, in order, and all that they were made for."""
    head = f"payout plan 1\n{target.chain_id} {target.contract} {target.token}\n{policy.told()}\n"
    return hashlib.sha256(head.encode() + b"".join(digests)).digest()


def hash_bytes(plan_hash: str) -> bytes:
    """Return the hash as it is stored; a mistyped one is that of no plan."""
    try:
        return bytes.fromhex(plan_hash)
    except ValueError:
        return b""


def job_id(target: Target, salt: bytes, batch_no: int, digest: bytes) -> bytes:
    """Return the name under which the contract knows a job, before anything is signed.

    `salt` is 32 bytes of the run's own, as the same people may be owed the same amounts again; `digest` is the
    payload's keccak-256.
    """
    numbers = target.chain_id.to_bytes(WORD_BYTES), batch_no.to_bytes(WORD_BYTES)
    contract = bytes.fromhex(target.contract.removeprefix("0x"))
    return keccak256(numbers[0] + contract + salt + numbers[1] + digest)


def keccak256(payload: bytes) -> bytes:
    return bytes(keccak(payload))
