"""`python benchmarks/payout.py [--quick] [--largest] [--json FILE]`: payout's figures, in one run.

What is measured how, and what it does not prove: docs/performance.md.
"""

import argparse
import json
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import payout_tables as tables
from benchmarks.payout_ground import open_ground
from benchmarks.payout_process import engine
from benchmarks.payout_turns import FLOW, OURS, SENDING, WAITING, Turns, middle
from benchmarks.pop import _machine
from benchmarks.pop_tables import show_expectations

LARGE, LARGEST = 100_000, 1_000_000
WARM = 2_000
FAST_S, USUAL_S = 0.1, 1.0  # between blocks; the second is the sandbox's own
PAID_S, PUSH_RATIO = 10.0, 1.5
DRY_S, PEAK_MB = 5.0, 400.0
FLOOR_GAS, FLOOR_RATIO = 1_186, 1.01

Figures = dict[str, Any]
Expected = tuple[str, str, bool]


@dataclass(frozen=True)
class Size:
    """How much is measured: turns by users and seconds between blocks, dry runs by users."""

    turns: tuple[tuple[int, float, int], ...]
    dry: tuple[tuple[int, int], ...]
    naive_users: int


FULL = Size(((LARGE, FAST_S, 3), (LARGE, USUAL_S, 1)), ((LARGE, 1), (LARGEST, 3)), 300)
QUICK = Size(((5_000, FAST_S, 1),), ((50_000, 1),), 40)


def main() -> None:
    options = _options()
    logging.getLogger("prefect").setLevel(logging.WARNING)
    size = QUICK if options.quick else FULL
    if options.largest:
        size = replace(size, turns=(*size.turns, (LARGEST, FAST_S, 1)))
    figures, began_s = {"machine": _machine()}, time.perf_counter()
    figures |= measure(size)
    figures["expectations"] = list(expectations(figures))
    show_expectations(figures["expectations"])
    took_s = time.perf_counter() - began_s
    print(f"{figures['machine']['text']}; took {took_s:.0f} s{' (--quick)' * options.quick}")
    if options.json:
        options.json.write_text(json.dumps(figures | {"took_s": took_s}, indent=1))


def measure(size: Size) -> Figures:
    """Measure everything, and show each part when it is done."""
    with open_ground() as ground, engine(ground.home, ground.env) as env:
        turns = Turns(ground, env)
        turns.turn(WARM, FAST_S)  # compiles what the others import, and opens the server's eyes
        naive = turns.naive(size.naive_users, FAST_S)
        paid = [_paid(turns, naive, *each) for each in size.turns]
        dry = {users: _dry(turns, users, often) for users, often in size.dry}
        tables.show_dry(dry)
        tables.show_gas(paid[0]["gas"], naive)
    return {"paid": paid, "dry": dry, "naive": naive}


def _paid(turns: Turns, naive: Figures, users: int, interval_s: float, often: int) -> Figures:
    own = middle([turns.turn(users, interval_s) for _ in range(often)])
    tables.show_paid(users, interval_s, own, naive if interval_s == FAST_S else {})
    tables.show_stages(users, own)
    return own | {"users": users, "interval_s": interval_s}


def _dry(turns: Turns, users: int, often: int) -> Figures:
    runs = sorted((turns.dry(users) for _ in range(often)), key=lambda run: run["wall_s"])
    walls_s = [run["wall_s"] for run in runs]
    return runs[often // 2] | {"peak_mb": max(run["peak_mb"] for run in runs), "wall_s": median(walls_s)}


def expectations(figures: Figures) -> Iterator[Expected]:
    """Yield each expectation with what was measured, and whether it is met."""
    for turn in figures["paid"]:
        yield from _of_turn(turn)
    for users, run in figures["dry"].items():
        if users == LARGEST:
            yield f"dry run, {users:,}: < {DRY_S:.0f} s", f"{run['wall_s']:.2f} s", run["wall_s"] < DRY_S
        yield f"dry run, {users:,}: < {PEAK_MB:.0f} MB", f"{run['peak_mb']:.0f} MB", run["peak_mb"] < PEAK_MB
    gas, naive = figures["paid"][0]["gas"], figures["naive"]
    submit = gas["fresh"]["submit"]
    yield f"submit: ≤ {FLOOR_GAS:,} gas a recipient", f"{submit:,.0f}", submit <= FLOOR_GAS
    ratio = submit / gas["fresh"]["floor"]
    yield f"submit: ≤ {FLOOR_RATIO} × its calldata's floor", f"{ratio:.3f} ×", ratio <= FLOOR_RATIO
    for kind, way in (("fresh", WAITING), ("known", SENDING)):
        own, loop = gas[kind]["submit"] + gas[kind]["complete"], naive[way]["gas"]
        yield f"gas, {kind} wallets: less than a transfer", f"{own:,.0f} of {loop:,.0f}", own < loop


def _of_turn(turn: Figures) -> Iterator[Expected]:
    users, place = turn["users"], f"{turn['users']:,}, {turn['interval_s']:.1f} s blocks"
    for name in (OURS, FLOW):
        own = turn["paid"][name]
        ratio, peak_mb = own["ratio"], own["peak_mb"]
        if users == LARGE:
            yield f"{place}, {name}: < {PAID_S:.0f} s", f"{own['wall_s']:.2f} s", own["wall_s"] < PAID_S
        if users >= LARGE:
            yield f"{place}, {name}: ≤ {PUSH_RATIO} × the push", f"{ratio:.2f} ×", ratio <= PUSH_RATIO
        if users == LARGEST:
            yield f"{place}, {name}: < {PEAK_MB:.0f} MB", f"{peak_mb:.0f} MB", peak_mb < PEAK_MB


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes and one turn: about a minute")
    parser.add_argument("--largest", action="store_true", help=f"{LARGEST:,} users are paid, too, once")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    return parser.parse_args()


if __name__ == "__main__":
    main()
