"""How punctual the starts are on the real clock, with real sockets, at a floor of a tenth of a second.

Beside them, at the same time: a thread that does nothing but sleep as long. What it is late by is the
machine's own, and the limit.
"""

import asyncio
import threading
import time
from typing import Any

import psutil

from benchmarks.pop_exchange import serve
from benchmarks.pop_server import GameProcess

FLOOR_S = 0.1


def punctuality(game: GameProcess, scheme: str, users: int) -> dict[str, Any]:
    """Serve `users` accounts at the floor; what the server saw is its own count."""
    accounts = [f"0xcc{number:038}" for number in range(users)]
    timer_s: list[float] = []
    timer = threading.Thread(target=_sleep_as_often, args=(users, timer_s))
    game.counted(scheme)
    timer.start()
    late_s = asyncio.run(serve(game, scheme, accounts, FLOOR_S))
    timer.join()
    seen = game.counted(scheme)
    return {
        "floor_s": FLOOR_S,
        "load": psutil.getloadavg()[0],
        f"ours, {scheme}": _lateness(late_s) | seen,
        "limit: a thread that only sleeps": _lateness(timer_s),
    }


def _sleep_as_often(times: int, late_s: list[float]) -> None:
    for _ in range(times):
        due_s = time.perf_counter() + FLOOR_S
        time.sleep(FLOOR_S)
        late_s.append(time.perf_counter() - due_s)


def _lateness(late_s: list[float]) -> dict[str, Any]:
    ordered = sorted(late_s)
    return {
        "starts": len(ordered),
        "p50_ms": 1000 * ordered[len(ordered) // 2],
        "p99_ms": 1000 * ordered[int(len(ordered) * 0.99)],
        "max_ms": 1000 * ordered[-1],
    }
