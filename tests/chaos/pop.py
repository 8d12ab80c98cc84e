"""Pop under kill -9: a day of a few accounts, processes killed at random moments, the game server's word."""

import os
import random
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.chaos.arena import Arena, wait_for_room, wait_until

VICTIMS = ("flow", "worker", "server", "all")
MIN_GAP_S = 0.5
DAILY, FLOW = "pop/daily", "pop"


@dataclass(frozen=True)
class Round:
    """What the game server saw of one day.

    Attributes:
        silent_s: longest time without an arrival.
    """

    victims: Sequence[str]
    accounts: int
    served: int
    connections: int
    most_in_flight: int
    smallest_gap_s: float
    silent_s: float
    runs: int
    took_s: float

    @property
    def violations(self) -> list[str]:
        """Return what must never be."""
        found = {
            f"{self.accounts - self.served} accounts lost": self.served < self.accounts,
            f"{self.most_in_flight} connections at once": self.most_in_flight > 1,
            f"a gap of {self.smallest_gap_s:.3f} s": self.smallest_gap_s < MIN_GAP_S,
        }
        return [text for text, is_violation in found.items() if is_violation]


def play(arena: Arena, accounts: int, victims: Sequence[str], seed: int, slack: float = 1.6) -> Round:
    """Play one day of `accounts`, killing each of `victims` at a random moment; wait until all are served.

    The window is `slack` times as long as the smallest gap needs, plus what each kill may cost: a guard
    that died with the others at work is waited for by the server, for up to three minutes.
    """
    dice = random.Random(seed)
    window_s = accounts * MIN_GAP_S * slack + sum(_costs_s(victim, arena.tick_s) for victim in victims)
    wait_for_room(window_s + 60)
    _new_day(arena, accounts, window_s)
    begun_s = time.monotonic()
    arena.start(DAILY)
    wait_until(lambda: _arrivals(arena), 60, "the first pop")
    for place, victim in enumerate(victims, start=1):
        _wait_for_arrivals(arena, place * accounts // (len(victims) + 1), window_s, dice)
        kill(arena, victim)
    wait_until(lambda: _is_finished(arena), window_s + 120, "the end of the day")
    return _observe(arena, accounts, victims, time.monotonic() - begun_s)


def _costs_s(victim: str, tick_s: int) -> float:
    return {"server": 10, "worker": 10, "flow": 2 * tick_s, "all": 180 + 3 * tick_s}[victim]


def kill(arena: Arena, victim: str) -> None:
    """Send kill -9 to the flow's processes, the worker, the server, or all three at once."""
    stack = arena.stack
    if victim == "all":
        pids = [*stack.flow_pids(), stack.pid("worker"), stack.pid("server")]
    else:
        pids = stack.flow_pids() if victim == "flow" else [stack.pid(victim)]
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _new_day(arena: Arena, accounts: int, window_s: float) -> None:
    end_utc = datetime.now(UTC) + timedelta(seconds=window_s + 30)
    arena.configure(DAILY, {"window_end": end_utc.isoformat()})
    arena.in_game_db(f'delete from pop."user" where id > {accounts}')
    arena.in_state_db("delete from metronome.duty")
    arena.in_state_db("delete from pop.account")
    arena.outside("POST", "game/reset")


def _arrivals(arena: Arena) -> int:
    return int(arena.outside("GET", "game/counters")["connections"])


def _wait_for_arrivals(arena: Arena, least: int, window_s: float, dice: random.Random) -> None:
    wait_until(lambda: _arrivals(arena) >= least, window_s, f"arrival {least}")
    time.sleep(dice.uniform(0, 2))


def _is_finished(arena: Arena) -> bool:
    return bool(
        arena.in_state_db("select 1 from metronome.duty where process = 'pop' and finished_utc is not null")
    )


def _observe(arena: Arena, accounts: int, victims: Sequence[str], took_s: float) -> Round:
    seen: dict[str, Any] = arena.outside("GET", "game/counters")
    return Round(
        victims=victims,
        accounts=accounts,
        served=seen["accounts_served"],
        connections=seen["connections"],
        most_in_flight=seen["most_in_flight"],
        smallest_gap_s=seen["smallest_gap_s"],
        silent_s=seen["largest_gap_s"],
        runs=len(arena.runs(FLOW)),
        took_s=took_s,
    )


def campaign(arena: Arena, accounts: int, rounds: int, tell: Callable[[Round], None]) -> list[Round]:
    """Play `rounds` days, with one kill of each kind in turn and then up to two random ones."""
    dice = random.Random(7)
    days = []
    for number in range(rounds):
        victims = [VICTIMS[number % len(VICTIMS)], *dice.choices(VICTIMS, k=number // len(VICTIMS) % 3)]
        days.append(play(arena, accounts, victims, seed=number))
        tell(days[-1])
    return days
