"""What is found in ledger and chain, as runs tell it and reports show it. Pure; amounts in the token's smallest units."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple


class Heap(NamedTuple):
    """Jobs or players together; `name` is their booking, their state, or why they are held."""

    name: str
    jobs: int
    players: int
    total: int
    oldest_utc: datetime | None = None


class Day(NamedTuple):
    """One day's sums, UTC: what was paid on it, what was in flight at its end, what its last plan held.

    Attributes:
        held: without amounts above the maximum; None for a day without a plan.
    """

    day: date
    paid: int
    in_flight: int
    held: int | None


@dataclass(frozen=True)
class Figures:
    """How payout is getting on.

    Attributes:
        made: one run's jobs, by how they are booked.
        open: every job in flight, by state.
        held: players who are not paid, by reason.
        course: two weeks, oldest first.
    """

    made: list[Heap]
    open: list[Heap]
    held: list[Heap]
    course: list[Day]


class ClosedJob(NamedTuple):
    """A job that is booked: `paid` or `free`."""

    job_id: bytes
    booking: str
    n: int
    total: int
    digest: bytes


class Sums(NamedTuple):
    """All of one contract's jobs; `on_chain` is what its events say was completed."""

    paid: int
    in_flight: int
    on_chain: int


class Orphans(NamedTuple):
    """Jobs that the chain knows and the ledger does not."""

    jobs: int
    first: str | None


@dataclass(frozen=True)
class Totals:
    """The whole ledger in numbers.

    Attributes:
        open_elsewhere: open jobs of other chains or contracts: nobody looks after them.
        on_chain: of the completed jobs, by the inbox.
        journal: hash of the last row; written down elsewhere, it proves all rows before it.
    """

    players: int
    paid: int
    in_flight: int
    open_jobs: int
    open_elsewhere: int
    on_chain: int
    held: int
    journal: str | None


class Standing(NamedTuple):
    """How the ledger stands: for the contract, and in the whole."""

    sums: Sums
    totals: Totals


class Difference(NamedTuple):
    """What does not agree.

    Attributes:
        check: which one found it, in words.
        found: how many of the kind there are; only the first are returned.
    """

    check: str
    subject: str
    told: str
    found: int


@dataclass(frozen=True)
class Payment:
    """A player's part of a job.

    Attributes:
        events: status, block and transaction, oldest first.
    """

    job_id: bytes
    state: str
    batch_no: int
    wallet: str
    amount: int
    reserved_utc: datetime
    changed_utc: datetime
    note: str | None
    tx_hashes: list[str]
    events: list[str]


@dataclass(frozen=True)
class Story:
    """All that the ledger knows of a player; nothing but zeros where it knows none."""

    user_id: int
    paid: int
    in_flight: int
    held_for: str | None
    held_amount: int | None
    held_utc: datetime | None
    payments: list[Payment]


@dataclass(frozen=True)
class Estimate:
    """What a plan takes, and what is there.

    Attributes:
        gas: of all submissions together; the worker pays for completing by itself. None where nothing can be estimated.
        fee_wei: the most that this gas can cost at today's fees.
        refusal: the contract's reason to refuse the first job; None when it would take it.
        gas_balance_wei: what the operator's account has for gas.
    """

    gas: int | None
    fee_wei: int | None
    refusal: str | None
    budget: int
    gas_balance_wei: int
    paused: bool
