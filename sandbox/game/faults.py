"""Which connections go wrong, and how: declared here, done in `wire`."""

from email.utils import parsedate_to_datetime
from random import Random
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator

AtTheDoor = Literal["http", "redirect", "hang_handshake", "reset", "garbage"]
Kind = Literal[
    AtTheDoor,
    "close_before", "close_after", "no_answer", "hang", "slow",
    "malformed", "wrong_shape", "binary", "huge", "wrong_user", "empty",
]  # fmt: skip
AT_THE_DOOR: frozenset[str] = frozenset(get_args(AtTheDoor))
REDIRECT = 302
ABORT = 1006
CLOSE_CODES = frozenset({1000, 1001, 1002, 1003, ABORT, *range(1007, 1015), *range(3000, 5000)})


class Fault(BaseModel):
    """One way to go wrong, and for whom.

    Without a scope it lasts until it is cleared; the scopes narrow it together.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind = Field(description=f"one of {', '.join(sorted(get_args(Kind)))}")
    status: int = Field(503, ge=300, le=599, description="for http: the status, 300 to 599")
    retry_after: int | str | None = Field(
        None, description="for http: seconds, or an HTTP-date such as 'Wed, 21 Oct 2026 07:28:00 GMT'"
    )
    location: str = Field("https://elsewhere.example/", description="for redirect: where to, a URL")
    code: int = Field(
        1011,
        description="for close_before and close_after: 1000-1003, 1006 (no close frame), 1007-1014 or 3000-4999",
    )
    delay_s: float = Field(
        1.0, ge=0, allow_inf_nan=False, description="for slow: seconds between message and answer"
    )
    counted: bool = Field(
        False, description="true if the game counts the pops although its answer goes wrong"
    )

    connections: int | None = Field(None, ge=1, description="only the next N connections, at least 1")
    duration_s: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="only for so many seconds, above 0"
    )
    probability: float = Field(1.0, gt=0, le=1, description="above 0, at most 1")
    accounts: frozenset[str] | None = Field(
        None, min_length=1, description="only these usernames, a list of at least one"
    )

    @field_validator("code")
    @classmethod
    def _can_be_sent(cls, code: int) -> int:
        if code not in CLOSE_CODES:
            raise ValueError("is no close code that a server can cause")
        return code

    @field_validator("retry_after")
    @classmethod
    def _seconds_or_date(cls, value: int | str | None) -> int | str | None:
        if isinstance(value, str) and not value.isdecimal():
            parsedate_to_datetime(value)
        elif value is not None and int(value) < 0:
            raise ValueError("is negative")
        return value

    @property
    def at_the_door(self) -> bool:
        """Whether it strikes before the handshake is answered."""
        return self.kind in AT_THE_DOOR

    @property
    def refusal(self) -> int | None:
        """The HTTP status or close code that the client gets to see, if it gets one."""
        closing = {"close_before": self.code, "close_after": self.code}
        return {"http": self.status, "redirect": REDIRECT, **closing}.get(self.kind)


class Faults:
    """The faults that are switched on; the first that fits a connection strikes it.

    >>> faults = Faults()
    >>> faults.add(Fault(kind="hang", connections=1), now_s=0)
    >>> [faults.strike("0xab", now_s=1) is not None for _ in range(2)]
    [True, False]
    """

    def __init__(self, seed: int = 0) -> None:
        self._active: list[_Active] = []
        self._random = Random(seed)

    def add(self, fault: Fault, now_s: float) -> None:
        self._active.append(_Active(fault, now_s))

    def clear(self) -> None:
        self._active.clear()

    def strike(self, account: str, now_s: float) -> Fault | None:
        """The fault that this connection suffers, if any; counts it as used."""
        self._active = [active for active in self._active if not active.over(now_s)]
        for active in self._active:
            if active.fits(account) and self._random.random() < active.fault.probability:
                active.struck += 1
                return active.fault
        return None

    def active(self, now_s: float) -> list[Fault]:
        return [active.fault for active in self._active if not active.over(now_s)]


class _Active:
    def __init__(self, fault: Fault, since_s: float) -> None:
        self.fault, self.since_s, self.struck = fault, since_s, 0

    def over(self, now_s: float) -> bool:
        used_up = self.fault.connections is not None and self.struck >= self.fault.connections
        expired = self.fault.duration_s is not None and now_s - self.since_s >= self.fault.duration_s
        return used_up or expired

    def fits(self, account: str) -> bool:
        return self.fault.accounts is None or account in self.fault.accounts
