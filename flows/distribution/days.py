"""Days as the ledger has them, and what they came to: all that mails and artifacts tell."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from flows.distribution.models import NO_NUMBERS, Campaign, Check, Numbers, Share, Skip, Stage, Status


@dataclass(frozen=True)
class PastDay:
    """A day that the ledger knows: what the quality checks look back on."""

    business_date: date
    users: int
    digest: str
    counts: tuple[int, int, int, int, int]


@dataclass(frozen=True)
class LedgerDay:
    """A day as the ledger in DSSB has it; all times are Asia/Almaty, without a zone.

    Attributes:
        run_id: the flow run that took it up last.
        campaign_ids: of the campaigns that it was planned for, in order, those without users included.
        counts: users of the groups A to E over all campaigns.
        insert_datetime: of the day's rows; None until it is planned.
    """

    business_date: date
    run_id: UUID
    status: Status
    count_day: int
    campaign_ids: tuple[str, ...] = ()
    seed: str = ""
    digest: str = ""
    numbers: Numbers = NO_NUMBERS
    counts: tuple[int, int, int, int, int] = (0, 0, 0, 0, 0)
    insert_datetime: datetime | None = None
    checks: tuple[Check, ...] = ()
    requested_by: str = ""
    approved_by: str = ""
    planned_at: datetime | None = None
    applied_at: datetime | None = None
    completed_at: datetime | None = None
    mailed_at: datetime | None = None

    @property
    def is_written(self) -> bool:
        """In DSSB at least: nobody plans it again."""
        return self.status in {Status.APPLIED, Status.COMPLETED}


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
        insert_datetime: INSERT_DATETIME of all rows of the day, Asia/Almaty.
        was_resumed: this run finished what an earlier one left.
    """

    business_date: date
    run_id: UUID
    count_day: int
    shares: tuple[Share, ...]
    numbers: Numbers
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
class Skipped:
    """A day that has nothing to distribute, as the mail and the preview tell of it.

    Attributes:
        campaigns: those that are active, none of them perhaps.
        numbers: None where SPSS was not asked, because there is no campaign.
        checks: what the registry's rows are warned of; it may be why there is no campaign.
    """

    business_date: date
    run_id: UUID
    count_day: int
    reason: Skip
    campaigns: tuple[Campaign, ...] = ()
    numbers: Numbers | None = None
    checks: tuple[Check, ...] = ()


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
