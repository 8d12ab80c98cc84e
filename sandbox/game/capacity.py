"""How much the game bears: a bucket that refills, and what it says when the bucket is empty."""

from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Capacity(BaseModel):
    """The limit; without a rate there is none."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rate_per_s: float | None = Field(
        None,
        gt=0,
        allow_inf_nan=False,
        description="connections per second that the bucket gains, or null for no limit",
    )
    burst: int = Field(1, ge=1, description="how many connections a full bucket holds, at least 1")
    status: Literal[429, 503] = Field(429, description="the refusal's HTTP status, 429 or 503")
    retry_after_s: int | None = Field(
        None, ge=0, description="seconds in the Retry-After header, or null for no header"
    )


@dataclass
class Bucket:
    """Refills with time, up to its burst.

    >>> bucket = Bucket(Capacity(rate_per_s=0.5, burst=2), filled_s=0)
    >>> [bucket.take(now_s) for now_s in (0, 0, 0, 1, 2)]
    [True, True, False, False, True]
    """

    capacity: Capacity
    filled_s: float
    _tokens: float = field(init=False)

    def __post_init__(self) -> None:
        self._tokens = float(self.capacity.burst)

    def take(self, now_s: float) -> bool:
        """Whether one more connection is borne now. A refused one costs nothing."""
        if self.capacity.rate_per_s is None:
            return True
        gained = (now_s - self.filled_s) * self.capacity.rate_per_s
        self._tokens, self.filled_s = min(self.capacity.burst, self._tokens + gained), now_s
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
