"""Which requests go wrong, and how: declared here, done in `server`."""

from random import Random
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Kind = Literal["lost_answer", "http", "slow", "down"]


class Fault(BaseModel):
    """One way to go wrong, and for which requests.

    Without a scope it lasts until it is cleared; the scopes narrow it together. `sandbox_` methods never suffer.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind = Field(
        description="lost_answer (done, then the connection is cut), http (a status instead of an answer), "
        "slow, or down (the connection is cut, nothing is done)"
    )
    status: int = Field(429, ge=400, le=599, description="for http: the status, 400 to 599")
    retry_after_s: int | None = Field(
        None, ge=0, description="for http: the header's seconds, or null for none"
    )
    delay_s: float = Field(1.0, ge=0, allow_inf_nan=False, description="for slow: seconds before the answer")
    methods: frozenset[str] | None = Field(
        None, min_length=1, description="only these methods, a list of at least one"
    )
    requests: int | None = Field(None, ge=1, description="only the next N requests, at least 1")
    duration_s: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="only for so many seconds, above 0"
    )
    probability: float = Field(1.0, gt=0, le=1, description="above 0, at most 1")


class Faults:
    """The faults that are switched on; the first that fits a request strikes it.

    >>> faults = Faults()
    >>> faults.add(Fault(kind="down", requests=1, methods={"eth_call"}), now_s=0)
    >>> [faults.strike({method}, now_s=1) is not None for method in ("eth_chainId", "eth_call", "eth_call")]
    [False, True, False]
    """

    def __init__(self, seed: int = 0) -> None:
        self._active: list[_Active] = []
        self._random = Random(seed)

    def add(self, fault: Fault, now_s: float) -> None:
        self._active.append(_Active(fault, now_s))

    def clear(self) -> None:
        self._active.clear()

    def strike(self, methods: set[str], now_s: float) -> Fault | None:
        """Return the fault that a request for these methods suffers, if any; counts it as used."""
        for active in self._active:
            if (
                active.lasts(now_s)
                and active.fits(methods)
                and self._random.random() < active.fault.probability
            ):
                active.struck += 1
                return active.fault
        return None

    def active(self, now_s: float) -> list[Fault]:
        return [active.fault for active in self._active if active.lasts(now_s)]


class _Active:
    def __init__(self, fault: Fault, since_s: float) -> None:
        self.fault, self.since_s, self.struck = fault, since_s, 0

    def lasts(self, now_s: float) -> bool:
        left = self.fault.requests is None or self.struck < self.fault.requests
        return left and (self.fault.duration_s is None or now_s - self.since_s < self.fault.duration_s)

    def fits(self, methods: set[str]) -> bool:
        return self.fault.methods is None or bool(self.fault.methods & methods)
