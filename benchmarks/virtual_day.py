"""A whole day of pop on a virtual clock: the real loop, pacer and queue; only the server is arithmetic.

Used by the tests and by benchmarks/pop.py.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import looptime

from flows.common.clock import Clock
from flows.pop.day import Day
from flows.pop.models import Answer, Attempt, Facts, Outcome, Wish
from flows.pop.pacing import Pacer
from flows.pop.rules import plan
from flows.pop.serving import Serving

MIDNIGHT_UTC = datetime(2026, 3, 1, tzinfo=UTC)
DAY_S = 86_400.0


class VirtualClock(Clock):
    """Wall time that follows the loop's; with a stall, as of a machine that was asleep."""

    def __init__(self, stall_at_s: float | None = None, stall_s: float = 0.0) -> None:
        self._stall_at_s = stall_at_s
        self._stall_s = stall_s

    def utc(self) -> datetime:
        return MIDNIGHT_UTC + timedelta(seconds=self.monotonic_s())

    async def sleep_until(self, monotonic_s: float) -> None:
        at_s = self._stall_at_s
        if at_s is not None and at_s < monotonic_s:
            self._stall_at_s = None
            monotonic_s = at_s + self._stall_s
        await super().sleep_until(monotonic_s)


@dataclass
class Capacity:
    """A server that takes `per_s` connections between two moments, and everything at other times.

    With `per_s` 0 it is an outage.
    """

    per_s: float
    from_s: float
    to_s: float
    burst: float = 1.0
    _tokens: float = field(default=1.0, init=False)
    _at_s: float = field(default=0.0, init=False)

    def takes(self, now_s: float) -> bool:
        if not self.from_s <= now_s < self.to_s:
            return True
        self._tokens = min(self.burst, self._tokens + (now_s - max(self._at_s, self.from_s)) * self.per_s)
        self._at_s = now_s
        if self._tokens < 1 or not self.per_s:
            return False
        self._tokens -= 1
        return True


@dataclass
class Course:
    """What the server saw of a day.

    Attributes:
        starts_s: arrivals, in order.
    """

    users: int
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    starts_s: list[float] = field(default_factory=list)
    lateness_s: list[float] = field(default_factory=list)

    @property
    def served(self) -> int:
        return self.outcomes[Outcome.SERVED]

    @property
    def rejections(self) -> int:
        return self.outcomes[Outcome.OVERWHELMED]

    @property
    def smallest_gap_s(self) -> float:
        return min(later - earlier for earlier, later in zip(self.starts_s, self.starts_s[1:], strict=False))

    @property
    def most_in_a_minute(self) -> int:
        return max(Counter(int(start_s // 60) for start_s in self.starts_s).values())

    @property
    def p99_lateness_s(self) -> float:
        return sorted(self.lateness_s)[int(len(self.lateness_s) * 0.99)]


def play(
    users: int,
    capacity: Capacity | None = None,
    clock: VirtualClock | None = None,
    *,
    max_in_flight: int = 1,
    latency_s: Callable[[Random], float] = lambda random: random.lognormvariate(-2.5, 0.6),
) -> Course:
    """Play one day for `users` accounts and return what the server saw.

    `latency_s` draws how long an exchange takes after the handshake (default: median 80 ms, tail of 0.5 s).
    """
    course = Course(users)
    random = Random(1)

    async def send(_account: str, seen: Callable[[], None]) -> Answer:
        now_s = asyncio.get_running_loop().time()
        course.starts_s.append(now_s)
        course.lateness_s.append(day.lateness_s)
        seen()
        takes = capacity is None or capacity.takes(now_s)
        await asyncio.sleep(latency_s(random))
        course.outcomes[Outcome.SERVED if takes else Outcome.OVERWHELMED] += 1
        return Answer(Outcome.SERVED) if takes else Answer(Outcome.OVERWHELMED, "HTTP 503")

    async def record(_attempts: Sequence[Attempt]) -> None:
        return None

    wish = Wish(max_in_flight=max_in_flight)
    accounts = [hashlib.sha256(str(number).encode()).hexdigest()[:40] for number in range(users)]
    today = plan(Facts(MIDNIGHT_UTC, accounts, {}), wish)
    end_s = (today.end_utc - MIDNIGHT_UTC).total_seconds()
    day = Day(today, Pacer(end_s, wish.min_gap_s, 0.0, Random(2)))
    serving = Serving(day, clock or VirtualClock(), send, record, max_in_flight)
    in_virtual_time(serving.until(DAY_S))
    return course


def in_virtual_time(work: Coroutine[Any, Any, Any]) -> None:
    """Run `work` on a loop whose time moves only when everybody sleeps."""
    # Without sockets a few empty cycles are enough before time moves on (42 by default).
    with asyncio.Runner(loop_factory=lambda: looptime.new_event_loop(noop_cycles=4)) as runner:
        runner.run(work)
