"""What one account costs the client: ours beside the bare library (the limit) and the naive scripts (the peers).

All contestants talk to the same server in another process, one connection at a time, and take turns in rounds;
a ratio is the median over the rounds of what was measured side by side.
"""

import asyncio
import resource
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from statistics import median, quantiles
from typing import Any, NamedTuple

from websockets.asyncio.client import connect
from websockets.typing import Origin

from benchmarks import pop_naive
from benchmarks.pop_server import REPOSITORY, TOKEN, GameProcess
from benchmarks.virtual_day import MIDNIGHT_UTC
from blocks.pop_protocol import mark_pop
from flows.common.clock import Clock
from flows.pop.day import Day
from flows.pop.models import Attempt, Facts, Wish
from flows.pop.pacing import Pacer
from flows.pop.rules import plan
from flows.pop.serving import Serving
from flows.pop.work import sender

FOREVER_S = 1e6
WARM_USERS = 200


class Cost(NamedTuple):
    """Of one account, in milliseconds."""

    cpu_ms: float
    wall_ms: float


@dataclass(frozen=True)
class Contestant:
    """`run` serves so many accounts; `weight` is its part of a round: slow ones serve fewer."""

    name: str
    run: Callable[[GameProcess, str, Sequence[str]], Any]
    weight: float = 1.0


class Unhurried(Pacer):
    """The real pacer on a day without a share: only the floor is left."""

    def share_s(self, left: int) -> float:  # noqa: ARG002
        return 0.0


def compare(game: GameProcess, scheme: str, rounds: int, users: int) -> dict[str, Any]:
    """Let everybody serve `users` accounts in each of `rounds`, and return the costs by contestant."""
    everybody = [contestant for contestant in CONTESTANTS if scheme == "wss" or contestant.weight == 1]
    for contestant in everybody:
        _measure(contestant, game, scheme, "warm", max(1, int(WARM_USERS * contestant.weight)))
    costs: dict[str, list[Cost]] = {contestant.name: [] for contestant in everybody}
    numbers = {contestant.name: max(1, int(users * contestant.weight)) for contestant in everybody}
    for number in range(rounds):
        # Whoever comes right after the slow ones finds cold caches: that is each of the pair in turn.
        pair, slow = everybody[:2], everybody[2:]
        for contestant in (pair if number % 2 else pair[::-1]) + slow:
            cost = _measure(contestant, game, scheme, f"{number}", numbers[contestant.name])
            costs[contestant.name].append(cost)
    return {name: _summary(costs[name], costs[BARE], rounds * numbers[name]) for name in costs}


def _measure(contestant: Contestant, game: GameProcess, scheme: str, label: str, users: int) -> Cost:
    accounts = [f"0x{contestant.name[:2]}{label}{number:036}" for number in range(users)]
    game.counted(scheme)
    cpu_s, wall_s = _cpu_s(), time.perf_counter()
    contestant.run(game, scheme, accounts)
    cpu_s, wall_s = _cpu_s() - cpu_s, time.perf_counter() - wall_s
    assert game.counted(scheme)["served"] == users
    return Cost(1000 * cpu_s / users, 1000 * wall_s / users)


def _cpu_s() -> float:
    """Return the CPU time of this process and of its children that ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _summary(own: list[Cost], bare: list[Cost], users: int) -> dict[str, Any]:
    pairs = list(zip(own, bare, strict=True))
    ratios = [cost.cpu_ms / limit.cpu_ms for cost, limit in pairs]
    return {
        "users": users,
        "cpu_ms": median(cost.cpu_ms for cost in own),
        "wall_ms": median(cost.wall_ms for cost in own),
        "cpu_ratio": median(ratios),
        "cpu_ratio_quartiles": quantiles(ratios, n=4)[::2],
        "wall_ratio": median(cost.wall_ms / limit.wall_ms for cost, limit in pairs),
    }


def run_bare(game: GameProcess, scheme: str, accounts: Sequence[str]) -> None:
    """The limit: nothing but the library, with our options; replies are not even parsed."""
    block = game.block(scheme)
    url = f"{block.url}?token={TOKEN}&username="
    options: dict[str, Any] = {
        "origin": Origin(block.origin),
        "ssl": _shared_tls() if scheme == "wss" else None,
        "compression": None,
        "proxy": None,
        "open_timeout": None,
        "ping_interval": None,
        "close_timeout": 2,
        "max_size": 64 * 1024,
    }

    async def loop() -> None:
        for account in accounts:
            async with connect(url + account, **options) as connection:
                await connection.send(mark_pop(account, 100))
                await connection.recv()

    asyncio.run(loop())


@cache
def _shared_tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def run_ours(game: GameProcess, scheme: str, accounts: Sequence[str]) -> None:
    """The real loop, queue, pacer, block and validation; the pace never waits, the ledger is a list."""
    asyncio.run(serve(game, scheme, accounts, min_gap_s=1e-6))


async def serve(game: GameProcess, scheme: str, accounts: Sequence[str], min_gap_s: float) -> list[float]:
    """Serve `accounts` at the floor, and return by how much each start was late, in seconds."""
    clock, ledger, late_s = Clock(), list[Attempt](), list[float]()
    pacer = Unhurried(FOREVER_S + clock.monotonic_s(), min_gap_s, clock.monotonic_s(), Random(1))
    day = Day(plan(Facts(MIDNIGHT_UTC, accounts, {}), Wish()), pacer)
    send = sender(game.block(scheme), 100)

    async def noted(account: str, seen: Callable[[], None]) -> Any:
        late_s.append(day.lateness_s)
        return await send(account, seen)

    async def record(attempts: Sequence[Attempt]) -> None:
        ledger.extend(attempts)

    await Serving(day, clock, noted, record).until(FOREVER_S + clock.monotonic_s())
    assert len(ledger) == len(accounts)
    return late_s


def run_naive(game: GameProcess, scheme: str, accounts: Sequence[str]) -> None:
    asyncio.run(pop_naive.pop_all(*_place(game, scheme), accounts))


def run_processes(game: GameProcess, scheme: str, accounts: Sequence[str]) -> None:
    script = [sys.executable, pop_naive.__file__, *_place(game, scheme)]
    for account in accounts:
        subprocess.run([*script, account], cwd=REPOSITORY, check=True)


def _place(game: GameProcess, scheme: str) -> tuple[str, str]:
    block = game.block(scheme)
    return f"{block.url}?token={TOKEN}", block.origin


BARE, OURS = "bare websockets loop", "ours"
CONTESTANTS = [
    Contestant(BARE, run_bare),
    Contestant(OURS, run_ours),
    Contestant("naive: a TLS context per user", run_naive, weight=0.1),
    Contestant("naive: a process per user", run_processes, weight=0.01),
]
