"""Pacing: when may the next start be?  Pure: it is told the time, and tells the time.

All times are seconds on one monotonic scale. Two distances rule: the *share*, which spreads what is left
evenly over the time that is left, and the *floor*, below which no two starts ever come, whatever was missed.

Source  docs/pop.md, "Pacing"
"""

from dataclasses import dataclass, field
from random import Random

SLOW_DOWN = 0.7  # rate after an overload
RECOVERY_PER_S2 = 0.0008  # starts/s that the rate regains in each second of success
RECOVERY_STEP_MAX_S = 60.0  # silence longer than this teaches nothing about the server
PAUSE_MAX_S = 300.0
RESTART_PAUSE_S = (5.0, 30.0)  # a server that says "service restart" wants its clients spread out
JITTER = 0.1
SLOWEST_RATE = 1 / PAUSE_MAX_S


@dataclass
class Pacer:
    """The distance between starts.

    Attributes:
        end_s: no start after it.
        min_gap_s: the smallest distance ever, also after a stall: no burst.
        slot_s: where the last start stood on the even grid; the first start comes a floor after it.
        rate: starts/s that the server is believed to bear; its inverse is a second floor.
        overloads: overloads since the last success.
    """

    end_s: float
    min_gap_s: float
    slot_s: float
    random: Random
    rate: float = field(init=False)
    overloads: int = field(init=False, default=0)
    _seen_s: float = field(init=False)  # the server has seen the last start by then
    _not_before_s: float = field(init=False, default=0.0)
    _learnt_s: float = field(init=False)
    _jitter: float = field(init=False)

    def __post_init__(self) -> None:
        self.rate = 1 / self.min_gap_s
        self._seen_s = self._learnt_s = self.slot_s
        self._jitter = self.random.random()

    @property
    def floor_s(self) -> float:
        return max(self.min_gap_s, 1 / self.rate)

    def share_s(self, left: int) -> float:
        """Return the even distance for `left` starts until the end, the last of them not at the end."""
        return max(0.0, self.end_s - self.slot_s) / (left + 1)

    def next_start_s(self, left: int) -> float:
        """Return when the next of `left` starts is due; the same answer until something happens."""
        return max(self._grid_s(left) + self._jitter_s(left), self._seen_s + self.floor_s, self._not_before_s)

    def started(self, now_s: float, left: int) -> None:
        """Note a start; one that came late moves the grid to where it is: what was missed is spread out."""
        on_time = now_s - self._jitter_s(left)
        self.slot_s = max(self._grid_s(left), on_time)
        self._seen_s = now_s
        self._jitter = self.random.random()

    def seen(self, now_s: float) -> None:
        """The server has answered the handshake of the last start: only from now on the gap is safe.

        A handshake that takes longer than a gap is not waited for: with several in flight, one that
        hangs must not stop the others.
        """
        self._seen_s = min(max(self._seen_s, now_s), self._seen_s + self.min_gap_s)

    def succeeded(self, now_s: float) -> None:
        learnt_s = min(now_s - self._learnt_s, RECOVERY_STEP_MAX_S)
        self.rate = min(1 / self.min_gap_s, self.rate + RECOVERY_PER_S2 * max(0.0, learnt_s))
        self._learnt_s = now_s
        self.overloads = 0

    def overloaded(self, now_s: float, retry_after_s: float | None = None, restarting: bool = False) -> None:
        """Slow down: a lower rate, and a pause that doubles each time."""
        self.rate = max(SLOWEST_RATE, SLOW_DOWN * self.rate)
        self._learnt_s = now_s
        pause_s = min(PAUSE_MAX_S, 2.0**self.overloads)
        if restarting:
            pause_s = self.random.uniform(*RESTART_PAUSE_S)
        self.overloads = min(self.overloads + 1, 16)
        self._not_before_s = max(self._not_before_s, now_s + max(pause_s, retry_after_s or 0.0))

    def _grid_s(self, left: int) -> float:
        return self.slot_s + max(self.floor_s, self.share_s(left))

    def _jitter_s(self, left: int) -> float:
        share_s = self.share_s(left)
        return self._jitter * max(0.0, min(JITTER * share_s, share_s - self.floor_s))
