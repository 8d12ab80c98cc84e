"""What the operator may ask of janitor and doctor: typed, bounded, shown as a form in the UI."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator

# What an installation may do without.
Process = Literal["distribution", "payout", "dating"]


class Duty(BaseModel):
    """A process that must have done its work by the end of each day of its zone.

    >>> duty = Duty(process="x", deployment="x/daily", timezone="Asia/Almaty", opens=time(9))
    >>> late = datetime(2030, 1, 1, 20, 0, tzinfo=UTC)
    >>> str(duty.day(late)), str(duty.since_midnight(late))
    ('2030-01-02', '1:00:00')
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    process: str = Field(min_length=1, max_length=63, description="Name of its lock, say pop.")
    deployment: str = Field(pattern=r"^[^/]+/[^/]+$", description="What is started, say pop/daily.")
    timezone: str = Field("UTC", description="Whose calendar days count.")
    opens: time = Field(time(), description="When the day's work may begin, in that zone.")

    @field_validator("timezone")
    @classmethod
    def _is_known(cls, timezone: str) -> str:
        try:
            ZoneInfo(timezone)
        except (ValueError, KeyError, OSError) as error:
            raise ValueError(f"no such zone: {timezone!r}; say Asia/Almaty") from error
        return timezone

    def day(self, now_utc: datetime) -> date:
        """Return the business date at that moment."""
        return now_utc.astimezone(ZoneInfo(self.timezone)).date()

    def midnight(self, now_utc: datetime) -> datetime:
        """Return when the business day of that moment began, in UTC."""
        zone = ZoneInfo(self.timezone)
        return datetime.combine(self.day(now_utc), time(), zone).astimezone(UTC)

    def since_midnight(self, now_utc: datetime) -> timedelta:
        return now_utc - self.midnight(now_utc)

    @property
    def opens_after(self) -> timedelta:
        """How long after midnight the work may begin."""
        return timedelta(hours=self.opens.hour, minutes=self.opens.minute)


class Rhythm(BaseModel):
    """A deployment whose runs come by its schedule, each of which makes up for those before it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    deployment: str = Field(pattern=r"^[^/]+/[^/]+$", description="Whose runs, say payout/hourly.")
    late_s: int = Field(
        7200,
        ge=300,
        le=72_000,
        description="A run due so long ago, and none ended since, is an alarm; seconds.",
    )


class Patience(BaseModel):
    """How long a state may last before it counts as dead."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pending_s: int = Field(60, ge=5, le=3600, description="Pending without a start, seconds.")
    silent_s: int = Field(900, ge=60, le=86_400, description="Running without a heartbeat, seconds.")
    starting_s: int = Field(60, ge=5, le=3600, description="Running and not yet at its lock, seconds.")
    frozen_s: int = Field(120, ge=30, le=3600, description="At its lock without recording, seconds.")
