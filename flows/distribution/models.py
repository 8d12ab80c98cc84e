"""What distribution knows, decides and tells.

An IIN is text of up to 12 bytes and a personal identifier: it lives only in numpy arrays of bytes, inside
plain objects, which the engine neither walks through nor shows.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import IntEnum, StrEnum
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

Iins = NDArray[np.bytes_]
"""One IIN for each element, dtype `S12` or shorter, never blank."""

Tabs = tuple[str | None, ...]
"""TAB1-TAB5 of a group's rows."""

NO_TABS: Tabs = (None,) * 5


class Group(IntEnum):
    """The five parts of a campaign's users; the number is the last part of the theory's id."""

    A = 1
    B = 2
    C = 3
    D = 4
    E = 5

    @property
    def is_control(self) -> bool:
        """The control group is written to SC_local_control only, and never to SPSS."""
        return self is Group.A


class Remainder(StrEnum):
    """Who gets the users that are left over when a number does not divide evenly."""

    LAST = "last"  # one more to each of the last
    ROTATE = "rotate"  # one more to each of some, which move on from day to day
    ALL_TO_LAST = "all_to_last"


class Status(StrEnum):
    """How far a day's run has come; the ledger in DSSB knows no other words."""

    PLANNED = "planned"  # nothing is written yet
    SKIPPED = "skipped"  # there was nothing to do; the day may be tried again
    APPLIED = "applied"  # DSSB is committed, SPSS perhaps not
    COMPLETED = "completed"  # both databases agree


class Skip(StrEnum):
    """Why a day has nothing to distribute: the word for logs; the mail has its own."""

    NO_CAMPAIGNS = "no_active_campaigns"
    NO_USERS = "no_users"


class Stage(StrEnum):
    """Where a run is; mails about errors name it."""

    INITIALIZATION = "initialization"
    CAMPAIGNS = "getting_active_campaigns"
    USERS = "getting_spss_users"
    DISTRIBUTING = "distributing_users"
    INSERTING = "inserting_users"
    MIRRORING = "mirroring"
    RECONCILING = "reconciling"


@dataclass(frozen=True)
class Wish:
    """What the operator asked for; the bounds are those of the flow's parameters.

    Attributes:
        business_date: the day in Asia/Almaty.
        sample: how many keyed tokens of users the preview shows.
    """

    business_date: date
    count_day: int = 5
    remainder: Remainder = Remainder.LAST
    exclude_active: bool = True
    sample: int = 0


@dataclass(frozen=True)
class Theory:
    """One row of the registry: one group of a campaign, say `SC00000001.2`."""

    theory_id: str
    name: str
    start: date
    end: date


@dataclass(frozen=True)
class Campaign:
    """An active campaign: its base id, and the first and the last day on which it runs."""

    id: str
    name: str
    start: date
    end: date

    def theory_id(self, group: Group) -> str:
        """Return the id of a group's rows.

        >>> Campaign("SC00000001", "", date(2030, 1, 1), date(2030, 1, 31)).theory_id(Group.B)
        'SC00000001.2'
        """
        return f"{self.id}.{group.value}"


class Cohort:
    """The users of the day that can be distributed.

    Attributes:
        iins: unique, sorted by their bytes.
        read: rows that SPSS gave.
        blank: of these, rows without an IIN.
        duplicates: of these, rows whose IIN came before.
        excluded: users left out because an assignment of theirs is still active.
        malformed: users whose IIN is not 12 digits; they are distributed like the others.
        digest: keyed hash of all users before the exclusion: the same on two days means a stale source.
    """

    def __init__(
        self,
        iins: Iins,
        *,
        read: int,
        blank: int,
        duplicates: int,
        excluded: int,
        malformed: int,
        digest: str,
    ) -> None:
        self.iins = iins
        self.read, self.blank, self.duplicates = read, blank, duplicates
        self.excluded, self.malformed, self.digest = excluded, malformed, digest

    def __len__(self) -> int:
        return len(self.iins)

    def __repr__(self) -> str:
        return f"<Cohort of {len(self):,} users>"


class Block:
    """The users of one group of one campaign, sorted by IIN."""

    def __init__(self, campaign: Campaign, group: Group, iins: Iins) -> None:
        self.campaign, self.group, self.iins = campaign, group, iins

    @property
    def theory_id(self) -> str:
        return self.campaign.theory_id(self.group)

    def __len__(self) -> int:
        return len(self.iins)

    def __repr__(self) -> str:
        return f"<Block {self.theory_id} of {len(self):,} users>"


@dataclass(frozen=True)
class Share:
    """How many users of a campaign each group gets, A to E."""

    campaign: Campaign
    counts: tuple[int, int, int, int, int]

    @property
    def total(self) -> int:
        return sum(self.counts)

    @property
    def control(self) -> int:
        return self.counts[0]

    @property
    def target(self) -> int:
        return self.total - self.control


@dataclass(frozen=True)
class PastDay:
    """A day that the ledger knows: what the quality checks look back on."""

    business_date: date
    users: int
    digest: str
    counts: tuple[int, int, int, int, int]


@dataclass(frozen=True)
class Check:
    """What a quality check came to; `p` is a probability where the check is a statistical test."""

    name: str
    ok: bool
    told: str
    p: float | None = None


class Plan:
    """Who gets where, decided and not yet written.

    Attributes:
        seed: hex; with the users it says everything (docs/distribution.md, "For the auditor").
        blocks: five for each campaign, in the order of campaign and group; empty ones included.
        checks: the quality checks, all of them, passed or not.
    """

    def __init__(
        self,
        wish: Wish,
        seed: str,
        cohort: Cohort,
        blocks: tuple[Block, ...],
        checks: tuple[Check, ...] = (),
    ) -> None:
        self.wish, self.seed, self.cohort, self.blocks, self.checks = wish, seed, cohort, blocks, checks

    @property
    def shares(self) -> tuple[Share, ...]:
        counts: dict[Campaign, list[int]] = {}
        for block in self.blocks:
            counts.setdefault(block.campaign, []).append(len(block))
        return tuple(Share(campaign, (a, b, c, d, e)) for campaign, (a, b, c, d, e) in counts.items())

    @property
    def users(self) -> int:
        return sum(len(block) for block in self.blocks)

    def target(self) -> Iterator[Block]:
        """Yield the blocks that both databases get."""
        return (block for block in self.blocks if not block.group.is_control)

    def __repr__(self) -> str:
        return f"<Plan for {self.wish.business_date}: {self.users:,} users in {len(self.blocks)} blocks>"


@dataclass(frozen=True)
class Numbers:
    """A cohort's numbers without its users: what may be told."""

    read: int
    blank: int
    duplicates: int
    excluded: int
    malformed: int
    distributed: int


@dataclass(frozen=True)
class TableState:
    """One table after the run: rows of this run that are there against rows that shall be."""

    database: str
    table: str
    rows: int
    expected: int

    @property
    def ok(self) -> bool:
        return self.rows == self.expected


@dataclass(frozen=True)
class Result:
    """What a finished day came to; all that the mail, its attachment and the artifact tell.

    Attributes:
        numbers: None where an earlier run planned the day and this one only finished it.
        insert_datetime: INSERT_DATETIME of all rows of the day, Asia/Almaty.
        was_resumed: this run finished what an earlier one left.
    """

    business_date: date
    run_id: UUID
    count_day: int
    shares: tuple[Share, ...]
    numbers: Numbers | None
    insert_datetime: datetime
    tables: tuple[TableState, ...]
    checks: tuple[Check, ...] = ()
    was_resumed: bool = False
    requested_by: str = ""
    approved_by: str = ""
    took_s: float = 0.0

    @property
    def users(self) -> int:
        return sum(share.total for share in self.shares)


@dataclass(frozen=True)
class Trouble:
    """A run that failed, as the mail tells of it.

    Attributes:
        is_expected: a failure that the process knows (❌); otherwise it is critical (🚨).
        error: one redacted line.
    """

    business_date: date
    run_id: UUID
    stage: Stage
    error: str
    is_expected: bool
    url: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
