"""What goes wrong, and when: declared here, done by the session."""

from dataclasses import dataclass
from threading import Lock
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Event = Literal["login", "statement", "commit", "rollback"]


class Fault(BaseModel):
    """One way to go wrong, and where: all the scopes together narrow it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["error", "drop_before", "drop_after", "delay"] = Field(
        description="error instead of doing it; drop_before: the line is cut and nothing done; "
        "drop_after: done, but the answer is lost; delay. A login is cut off by both"
    )
    code: int = Field(1034, ge=1, le=65535, description="for error: the ORA code, 1 to 65535")
    delay_s: float = Field(1.0, ge=0, allow_inf_nan=False, description="for delay: seconds, at least 0")

    on: Event = Field("statement", description="login, statement, commit or rollback")
    database: str | None = Field(None, description="only on this SID, or null for all")
    matching: str = Field("", description="only statements that contain this text, in any case and spacing")
    nth: int = Field(1, ge=1, description="only from the n-th that fits, at least 1")
    times: int | None = Field(1, ge=1, description="how many in a row, at least 1, or null until cleared")


@dataclass
class _Active:
    fault: Fault
    seen: int = 0

    def strikes(self) -> bool:
        """Count one that fits."""
        self.seen += 1
        last = float("inf") if self.fault.times is None else self.fault.nth + self.fault.times
        return self.fault.nth <= self.seen < last

    def fits(self, event: str, database: str, text: str) -> bool:
        fault = self.fault
        return (
            fault.on == event
            and fault.database in {None, database}
            and _plain(fault.matching) in _plain(text)
        )


class Faults:
    """The faults that are switched on; the first that fits strikes. Safe to use from any thread.

    >>> faults = Faults()
    >>> faults.add(Fault(kind="error", matching="insert into t", nth=2))
    >>> [faults.strike("statement", "DSSB", "INSERT INTO  t ...") is not None for _ in range(3)]
    [False, True, False]
    """

    def __init__(self) -> None:
        self._active: list[_Active] = []
        self._lock = Lock()

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._active.append(_Active(fault))

    def clear(self) -> None:
        with self._lock:
            self._active.clear()

    def strike(self, event: str, database: str, text: str = "") -> Fault | None:
        """Return the fault that this event suffers, if any; those that fit count it."""
        with self._lock:
            fitting = [active for active in self._active if active.fits(event, database, text)]
            struck = [active.fault for active in fitting if active.strikes()]
        return struck[0] if struck else None


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()
