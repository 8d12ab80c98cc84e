"""What payout knows and decides. Amounts are in the token's smallest units."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple

AMOUNT_LIMIT = 1 << 96  # of a recipient's word, see contracts/recipients.py


class Reason(StrEnum):
    """Why somebody is not paid; the amount keeps accruing."""

    BAD_BALANCE = "bad balance"  # none, negative, or no number
    OVERPAID = "overpaid"  # the balance fell below what was paid
    TOO_SMALL = "below the minimum"
    TOO_LARGE = "above the maximum"
    NO_WALLET = "no wallet"
    MALFORMED = "malformed wallet"
    ZERO_ADDRESS = "zero address"
    OWN_CONTRACT = "contract or token"
    POISON = "refused by the token"
    BAD_CHECKSUM = "bad checksum"


class State(StrEnum):
    """How far a job has come; submitted to cancelled are what the newest block says, and may be taken back."""

    RESERVED = "reserved"
    SIGNED = "signed"
    SUBMITTED = "submitted"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SETTLED = "settled"  # paid, by a final block
    RELEASED = "released"  # never to be paid; the amounts are due again
    QUARANTINED = "quarantined"  # a person must look; nothing moves by itself


class Slot(StrEnum):
    """Which of the two stored plans: a look at what would be paid must not disturb a run that pays."""

    LIVE = "live"
    PREVIEW = "preview"


@dataclass(frozen=True)
class Source:
    """Where the game keeps its players."""

    table: str = "public.users"
    id: str = "id"
    coins: str = "coins"
    wallet: str = "wallet"


@dataclass(frozen=True)
class Target:
    """Which contract pays which token; addresses are compared and stored in lower case."""

    chain_id: int
    contract: str
    token: str

    def __post_init__(self) -> None:
        for name in ("contract", "token"):
            object.__setattr__(self, name, getattr(self, name).lower())

    def __str__(self) -> str:
        return f"contract {self.contract}, which pays token {self.token}, on chain {self.chain_id}"


@dataclass(frozen=True)
class Policy:
    """What is paid at once.

    Attributes:
        units_per_coin: an int where it is whole; 1 and 1.0 are the same policy.
        minimum: less is held until it has grown.
        max_per_job: of all recipients of a job together.
        batch_size: most recipients of a job.
    """

    units_per_coin: Decimal | int
    minimum: int
    max_per_job: int
    batch_size: int = 500

    @property
    def largest(self) -> int:
        """The most that one recipient can get."""
        return min(self.max_per_job, AMOUNT_LIMIT - 1)

    def told(self) -> str:
        """Return it as one line, the same for the same policy: a part of the plan's hash."""
        facts = asdict(self) | {"units_per_coin": str(Fraction(self.units_per_coin))}
        return json.dumps(facts, sort_keys=True)


class Player(NamedTuple):
    """A player's row, and what the ledger says of the player."""

    user_id: int
    coins: Decimal | None
    wallet: str | None
    paid: int = 0
    in_flight: int = 0


class Pay(NamedTuple):
    """A recipient; the wallet is in lower case."""

    user_id: int
    wallet: str
    amount: int


class Hold(NamedTuple):
    """A player who is not paid; the amount is negative for one overpaid, None where there is no telling."""

    user_id: int
    reason: Reason
    amount: int | None


@dataclass(frozen=True)
class PlanHead:
    """A stored plan without its rows.

    Attributes:
        hash: of all that it binds, hexadecimal; what an approval names.
        users: players that were read; `waiting` of them have a job in flight and were not looked at.
        held: by reason, how many and how much.
    """

    slot: Slot
    hash: str
    made_utc: datetime
    users: int
    waiting: int
    n: int
    total: int
    batches: int
    held: dict[Reason, tuple[int, int]]


class Reserved(NamedTuple):
    """What a plan came to: jobs, their recipients, the sum."""

    jobs: int
    n: int
    total: int


@dataclass(frozen=True)
class OpenJob:
    """A job whose amounts are in flight.

    Attributes:
        deadline: the latest of its transactions' (Unix time); None while nothing is signed.
        changed_utc: since when it is in its state.
    """

    job_id: bytes
    state: State
    batch_no: int
    n: int
    total: int
    digest: bytes
    deadline: int | None
    changed_utc: datetime


@dataclass(frozen=True)
class StoredTx:
    """A signed transaction as it was stored before anybody else had it."""

    tx_hash: str
    signer: str
    nonce: int
    gas: int
    max_fee_wei: int
    tip_wei: int
    deadline: int
    raw: bytes
    live: bool


class Proof(NamedTuple):
    """The block of a job's last event, its hash as the chain tells it now, and the newest final block's number."""

    block: int
    block_hash: str
    final_block: int
