"""Which connections and publications go wrong, and how: declared here, done in `server` and `channel`."""

from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

Kind = Literal["refuse", "delay_confirm", "lose_confirm", "cut_before", "cut_after"]


class Fault(BaseModel):
    """One way to go wrong, and for whom. All but `refuse` strike a publication."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind = Field(
        description=f"one of {', '.join(get_args(Kind))}; refuse: the line is cut before a word is said; "
        "lose_confirm: the message is taken, nobody tells; cut_before, cut_after: the line is cut, and the message "
        "is lost or taken"
    )
    delay_s: float = Field(
        1.0, ge=0, allow_inf_nan=False, description="for delay_confirm: seconds, at least 0"
    )
    routing_key: str | None = Field(None, description="only publications with this key, or null for all")
    nth: int = Field(1, ge=1, description="only from the n-th that fits, at least 1")
    times: int | None = Field(1, ge=1, description="how many in a row, at least 1, or null until cleared")


class Faults:
    """The faults that are switched on; the first that fits strikes.

    >>> faults = Faults()
    >>> faults.add(Fault(kind="lose_confirm", routing_key="tg_bot_dev", nth=2))
    >>> [faults.strike_publication(key) is not None for key in ("tg_bot_dev", "other", "tg_bot_dev", "tg_bot_dev")]
    [False, False, True, False]
    """

    def __init__(self) -> None:
        self._active: list[_Active] = []

    def add(self, fault: Fault) -> None:
        self._active.append(_Active(fault))

    def clear(self) -> None:
        self._active.clear()

    def active(self) -> list[Fault]:
        return [active.fault for active in self._active if not active.over]

    def strike_connection(self) -> Fault | None:
        """Return the fault that a new connection suffers, if any; counts it."""
        return self._strike([active for active in self._active if active.fault.kind == "refuse"])

    def strike_publication(self, routing_key: str) -> Fault | None:
        """Return the fault that a publication suffers, if any; counts it."""
        fitting = (active for active in self._active if active.fault.kind != "refuse")
        return self._strike([each for each in fitting if each.fault.routing_key in {None, routing_key}])

    @staticmethod
    def _strike(fitting: list["_Active"]) -> Fault | None:
        struck = [active.fault for active in fitting if active.strikes()]
        return struck[0] if struck else None


class _Active:
    def __init__(self, fault: Fault) -> None:
        self.fault, self.seen = fault, 0

    @property
    def over(self) -> bool:
        return self.fault.times is not None and self.seen >= self.fault.nth + self.fault.times - 1

    def strikes(self) -> bool:
        """Count one that fits."""
        over = self.over
        self.seen += 1
        return not over and self.seen >= self.fault.nth
