"""What distribution knows and decides; the users themselves are in cohort.py, finished days in days.py."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import IntEnum, StrEnum

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
    """A campaign: its base id, and the first and the last day on which it runs.

    Both days are `date.min` where the registry does not know the campaign any more.
    """

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
class Check:
    """What a quality check came to; `p` is a probability where the check is a statistical test."""

    name: str
    ok: bool
    told: str
    p: float | None = None


@dataclass(frozen=True)
class Numbers:
    """A cohort's numbers without its users: what may be told."""

    read: int
    blank: int
    duplicates: int
    excluded: int
    malformed: int
    distributed: int


NO_NUMBERS = Numbers(0, 0, 0, 0, 0, 0)


def listed(names: Sequence[str], most: int = 10) -> str:
    """Return the names for people, of many the first ones.

    >>> listed(["SC1", "SC2", "SC3"], most=2)
    'SC1, SC2 and 1 more'
    """
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
