"""How punctual the starts are on the real clock, with real sockets: at a floor of a tenth of a second."""

import asyncio
from typing import Any

from benchmarks.pop_exchange import serve
from benchmarks.pop_server import GameProcess

FLOOR_S = 0.1


def punctuality(game: GameProcess, scheme: str, users: int) -> dict[str, Any]:
    """Serve `users` accounts at the floor; what the server saw is its own count."""
    accounts = [f"0xcc{number:038}" for number in range(users)]
    game.counted(scheme)
    late_s = sorted(asyncio.run(serve(game, scheme, accounts, FLOOR_S)))
    seen = game.counted(scheme)
    return {
        "users": users,
        "served": seen["served"],
        "floor_s": FLOOR_S,
        "p50_lateness_ms": 1000 * late_s[users // 2],
        "p99_lateness_ms": 1000 * late_s[int(users * 0.99)],
        "max_lateness_ms": 1000 * late_s[-1],
        "smallest_gap_s": seen["smallest_gap_s"],
        "most_in_flight": seen["most_in_flight"],
    }
