"""Whole days of pop on a virtual clock, each in a process of its own; and a fixed interval as the peer.

`python -m benchmarks.pop_day '{"users": 1000}'` plays one day and prints what it came to.
"""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil

# What the real run has in its memory too: the engine, the drivers.
import flows.pop.flow  # noqa: F401
from benchmarks.pop_server import REPOSITORY
from benchmarks.virtual_day import DAY_S, Capacity, Course, VirtualClock, play

HOUR_S = 3600.0
STALL = {"stall_at_s": 6 * HOUR_S, "stall_s": HOUR_S / 2}
SLOW_SERVER = {"per_s": 0.4, "from_s": 8 * HOUR_S, "to_s": 10 * HOUR_S}
OUTAGE = {"per_s": 0.0, "from_s": 8 * HOUR_S, "to_s": 10 * HOUR_S}
FULL_DAYS: dict[str, dict[str, Any]] = {
    "no stall, 1 in flight": {},
    "30 min stall, 1 in flight": {"stall": STALL},
    "30 min stall, 4 in flight": {"stall": STALL, "max_in_flight": 4},
}
MIB = 2**20


class WatchedClock(VirtualClock):
    """Looks at the process's memory at the day's start and at each quarter of it."""

    def __init__(self, **stall: float) -> None:
        super().__init__(**stall)
        self.rss_mib: list[float] = []

    async def sleep_until(self, monotonic_s: float) -> None:
        if self.monotonic_s() >= len(self.rss_mib) * DAY_S / 4:
            self.rss_mib.append(psutil.Process().memory_info().rss / MIB)
        await super().sleep_until(monotonic_s)


def full_days(users: int, names: Iterable[str], at_once: int) -> dict[str, Any]:
    """Play a day as full as a day can be: undisturbed, and with half an hour of sleep."""
    return _in_processes({name: FULL_DAYS[name] | {"users": users} for name in names}, at_once)


def bad_days(users: int, at_once: int) -> dict[str, Any]:
    """Play days on which the server is in trouble, beside two who do not listen to it."""
    troubles = {"0.4/s for 2 h": SLOW_SERVER, "outage of 2 h": OUTAGE}
    days = {name: {"users": users, "capacity": what} for name, what in troubles.items()}
    ours = _in_processes(days, at_once)
    return {
        name: {
            "ours": ours[name],
            "fixed interval, whole day": fixed(users, DAY_S / users, Capacity(**trouble)),
            "fixed interval, 0.5 s": fixed(users, 0.5, Capacity(**trouble)),
        }
        for name, trouble in troubles.items()
    }


def fixed(users: int, interval_s: float, capacity: Capacity) -> dict[str, Any]:
    """The peer: a timer and no ears. Whoever is rejected is not tried again."""
    taken = sum(capacity.takes(number * interval_s) for number in range(users))
    return {"users": users, "served": taken, "rejections": users - taken}


def one(
    users: int,
    stall: dict[str, float] | None = None,
    capacity: dict[str, float] | None = None,
    max_in_flight: int = 1,
) -> dict[str, Any]:
    """Play one day here and return its figures."""
    began_s, clock = time.perf_counter(), WatchedClock(**stall or {})
    course = play(users, Capacity(**capacity) if capacity else None, clock, max_in_flight=max_in_flight)
    return _figures(course) | {
        "rss_mib": [*clock.rss_mib, psutil.Process().memory_info().rss / MIB],
        "peak_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _MAXRSS_UNIT / MIB,
        "own_books_mib": 2 * len(course.starts_s) * (24 + 8) / MIB,
        "real_s": time.perf_counter() - began_s,
    }


def _figures(course: Course) -> dict[str, Any]:
    return {
        "users": course.users,
        "served": course.served,
        "rejections": course.rejections,
        "smallest_gap_s": course.smallest_gap_s,
        "most_in_a_minute": course.most_in_a_minute,
        "p99_lateness_ms": 1000 * course.p99_lateness_s,
    }


def _in_processes(days: dict[str, dict[str, Any]], at_once: int) -> dict[str, Any]:
    """Play `days`, some at a time: virtual time does not mind who else is at work."""
    with ThreadPoolExecutor(at_once) as pool:
        return dict(zip(days, pool.map(_in_process, days.values()), strict=True))


def _in_process(day: dict[str, Any]) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.pop_day", json.dumps(day)]
    played = subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, text=True)
    return json.loads(played.stdout.splitlines()[-1])


_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024

if __name__ == "__main__":
    print(json.dumps(one(**json.loads(sys.argv[1]))))
