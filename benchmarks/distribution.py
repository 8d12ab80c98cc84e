"""`python benchmarks/distribution.py [--quick] [--largest] [--json FILE]`: distribution's figures, in one run.

What is measured how, and what it does not prove: docs/performance.md.
"""

import argparse
import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import distribution_tables as tables
from benchmarks.distribution_banks import Banks, open_banks
from benchmarks.distribution_days import Days
from benchmarks.distribution_writers import EXECUTEMANY, OURS, contestants, race
from benchmarks.pop import _machine
from benchmarks.pop_tables import show_expectations

SMALL, LARGE, LARGEST = 50_000, 1_000_000, 5_000_000
ALONE, FLOW = "functions alone", "the flow"
LIMIT_RATIO, PEER_RATIO = 1.1, 10.0
DAY_S = {SMALL: 1.0, LARGE: 8.0}
PEAK_MB = 350.0
ROWS_OF_AN_INSERT = 1_000

Figures = dict[str, Any]
Expected = tuple[str, str, bool]


class Size(NamedTuple):
    """How much is measured: turns of ourselves and the limit, turns of the peers, days; by users."""

    turns: dict[int, tuple[int, int]]
    days: dict[int, int]


FULL = Size({SMALL: (9, 3), LARGE: (3, 1)}, {SMALL: 5, LARGE: 3})
QUICK = Size({SMALL: (3, 1)}, {SMALL: 2, LARGE: 1})


def main() -> None:
    options = _options()
    logging.getLogger("prefect").setLevel(logging.WARNING)
    size = QUICK if options.quick else FULL
    if options.largest:
        size = size._replace(days=size.days | {LARGEST: 1})
    figures, began_s = {"machine": _machine()}, time.perf_counter()
    with open_banks() as banks:
        figures |= measure(banks, size)
    figures["expectations"] = list(expectations(figures))
    show_expectations(figures["expectations"])
    took_s = time.perf_counter() - began_s
    print(f"{figures['machine']['text']}; took {took_s:.0f} s{' (--quick)' * options.quick}")
    if options.json:
        options.json.write_text(json.dumps(figures | {"took_s": took_s}, indent=1))


def measure(banks: Banks, size: Size) -> Figures:
    """Measure everything, and show each part when it is done."""
    writes = {}
    for users, turns in size.turns.items():
        banks.fill(users)
        writes[users] = race(banks, contestants(*turns))
        tables.show_race(users, writes[users])
    played = Days(banks)
    with played.engine() as engine:
        kinds = {ALONE: played.without_engine, FLOW: lambda: played.as_flow(engine)}
        _in_turns(banks, SMALL, 1, kinds)  # compiles what the others import, and opens the server's eyes
        days = {users: _in_turns(banks, users, turns, kinds) for users, turns in size.days.items()}
    tables.show_days(days)
    banks.fill(SMALL, server="dssb")
    oracle = played.through_oracle()
    tables.show_oracle(oracle)
    return {"writes": writes, "days": days, "oracle": oracle}


def _in_turns(
    banks: Banks, users: int, turns: int, kinds: Mapping[str, Callable[[], Figures]]
) -> dict[str, Figures]:
    """Play each kind of day so often."""
    banks.fill(users)
    played: dict[str, list[Figures]] = {kind: [] for kind in kinds}
    for _ in range(turns):
        for kind, play in kinds.items():
            played[kind].append(play())
    return {kind: _middle(days) for kind, days in played.items()}


def _middle(days: list[Figures]) -> Figures:
    """Return the day whose time is in the middle, with the highest memory of all."""
    middle = sorted(days, key=lambda day: day["wall_s"])[len(days) // 2]
    walls_s = [day["wall_s"] for day in days]
    return middle | {"peak_mb": max(day["peak_mb"] for day in days), "walls_s": walls_s}


def expectations(figures: Figures) -> Iterator[Expected]:
    """Yield each expectation with what was measured, and whether it is met."""
    for users, own in figures["writes"].items():
        ratio, faster = own[OURS]["ratio"], own[EXECUTEMANY]["median_s"] / own[OURS]["median_s"]
        yield f"write, {users:,}: ≤ {LIMIT_RATIO} × the limit", f"{ratio:.2f} ×", ratio <= LIMIT_RATIO
        yield f"write, {users:,}: executemany takes ≥ 10 ×", f"{faster:.1f} ×", faster >= PEER_RATIO
    for users, most_s in DAY_S.items():
        for kind, day in figures["days"][users].items():
            took_s = day["wall_s"]
            yield f"day, {users:,}, {kind}: < {most_s:.0f} s", f"{took_s:.2f} s", took_s < most_s
    peak_mb = max(day["peak_mb"] for day in figures["days"][LARGE].values())
    yield f"day, {LARGE:,}: < {PEAK_MB:.0f} MB", f"{peak_mb:.0f} MB", peak_mb < PEAK_MB
    rows = figures["oracle"]["rows_inserted"] / figures["oracle"]["inserts"]
    yield "Oracle: array DML only", f"{rows:,.0f} rows an INSERT", rows >= ROWS_OF_AN_INSERT


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer turns, and no race of a million")
    parser.add_argument("--largest", action="store_true", help=f"a day of {LARGEST:,} users, too")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    return parser.parse_args()


if __name__ == "__main__":
    main()
