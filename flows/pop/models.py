"""What pop knows, decides and tells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple


class Outcome(StrEnum):
    """What one attempt came to."""

    SERVED = "served"
    EXHAUSTED = "exhausted"  # the server has no pops left for this account today: as good as served
    OVERWHELMED = "overwhelmed"
    BAD_REPLY = "bad reply"
    REFUSED = "refused"

    @property
    def is_served(self) -> bool:
        return self in {Outcome.SERVED, Outcome.EXHAUSTED}


class Attempt(NamedTuple):
    """One connection to the game server; `reason` is empty when it was served."""

    account: str
    started_utc: datetime
    outcome: Outcome
    reason: str = ""


class Answer(NamedTuple):
    """What an attempt's exchange with the server gave."""

    outcome: Outcome
    reason: str = ""
    retry_after_s: float | None = None
    restarting: bool = False


@dataclass(frozen=True)
class Wish:
    """What the operator asked for; the bounds are those of the flow's parameters."""

    count: int = 100
    min_gap_s: float = 0.5
    window_end: datetime | None = None
    limit: int | None = None
    max_in_flight: int = 1

    @property
    def is_trial(self) -> bool:
        """A run over a part of the accounts does not do the day's duty."""
        return self.limit is not None


@dataclass(frozen=True)
class Facts:
    """What was found before anything is decided.

    Attributes:
        accounts: as the game's database gave them: with duplicates, and rows without an address.
        last_served_utc: by account, those that were ever served.
        refused: accounts that the game server refused when it was last asked for them.
        day: the UTC day whose duty is held; None when none is needed.
    """

    now_utc: datetime
    accounts: Sequence[str | None]
    last_served_utc: Mapping[str, datetime]
    refused: frozenset[str] = frozenset()
    day: date | None = None


@dataclass(frozen=True)
class Plan:
    """Who is to be served today, in which order, until when.

    Attributes:
        queue: accounts, least recently served first; those that were refused last time come last.
        refused: of the queue, those that were refused last time: another refusal is no news.
        served_before: accounts already served today, by an earlier run.
        dropped: rows that were duplicates or had no address.
        fits: how many of the queue the window has room for at the smallest gap.
        gap_s: even distance between starts, at the beginning.
    """

    day: date
    now_utc: datetime
    end_utc: datetime
    queue: tuple[str, ...]
    served_before: int
    dropped: int
    fits: int
    gap_s: float
    count: int
    refused: frozenset[str] = frozenset()

    @property
    def expected_end_utc(self) -> datetime:
        return min(self.end_utc, self.now_utc + (self.end_utc - self.now_utc) * self._used)

    @property
    def _used(self) -> float:
        window_s = (self.end_utc - self.now_utc).total_seconds()
        return min(1.0, self.gap_s * len(self.queue) / window_s)


@dataclass(frozen=True)
class Slot:
    """A quarter of an hour of the day, the step that a person looks at or retries."""

    start_utc: datetime
    end_utc: datetime

    def __str__(self) -> str:
        return f"{self.start_utc:%H:%M}-{self.end_utc:%H:%M}"


@dataclass(frozen=True)
class Bin:
    """A part of the day for the picture: attempts by outcome, and the distances between starts."""

    start_utc: datetime
    served: int
    rejected: int
    failed: int
    smallest_gap_s: float | None
    largest_gap_s: float | None


@dataclass(frozen=True)
class Summary:
    """What the run came to.

    Attributes:
        served: accounts served by this run; `served_before` by earlier runs of the day.
        attempts: connections of this run by outcome.
        unserved: accounts of the plan that were not served, tried or not.
    """

    day: date
    planned: int
    served_before: int
    served: int
    unserved: int
    attempts: Mapping[str, int]
    smallest_gap_s: float | None
    is_dry_run: bool = False
