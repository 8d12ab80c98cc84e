"""`python benchmarks/pop.py [--quick] [--json FILE]`: pop's figures beside its peers and its limits, in one run.

What is measured how, and what it does not prove: docs/performance.md.
"""

import argparse
import json
import platform
import subprocess
import sys
import time
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from benchmarks import pop_tables as tables
from benchmarks.pop_clock import punctuality
from benchmarks.pop_day import FULL_DAYS, bad_days, full_days
from benchmarks.pop_engine import engine_costs
from benchmarks.pop_exchange import OURS, compare
from benchmarks.pop_server import game_process

SCHEMES = ("ws", "wss")
LIMIT_RATIO = 1.15
LATE_MS = 10.0
RSS_MB = 250.0
ROUNDING_S = 1e-9  # of the virtual clock, whose seconds are floats up to 86,400


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    exchange_rounds: int = 16
    exchange_users: int = 250
    day_users: int = 172_800
    days: tuple[str, ...] = tuple(FULL_DAYS)
    bad_day_users: int = 100_000
    punctual_users: int = 600
    engine_users: int = 500
    engine_rounds: int = 2


QUICK = Size(
    exchange_rounds=4,
    exchange_users=250,
    day_users=20_000,
    days=tuple(FULL_DAYS)[-1:],
    bad_day_users=60_000,
    punctual_users=40,
    engine_users=100,
    engine_rounds=1,
)


def main() -> None:
    options = _options()
    began_s, size = time.perf_counter(), QUICK if options.quick else Size()
    figures = {"machine": _machine(), "size": asdict(size), **_real(size), **_arithmetic(size, options.quick)}
    tables.show_full_days(figures["full_days"])
    tables.show_bad_days(figures["bad_days"])
    tables.show_engine(figures["engine"])
    expected = expectations(figures)
    tables.show_expectations(expected)
    figures |= {"expectations": expected, "took_s": time.perf_counter() - began_s}
    print(f"{figures['machine']['text']}; took {figures['took_s']:.0f} s{' (--quick)' * options.quick}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1))


def _real(size: Size) -> dict[str, Any]:
    """Measure what needs the machine for itself: sockets, TLS, timers."""
    with game_process() as game:
        exchange = {s: compare(game, s, size.exchange_rounds, size.exchange_users) for s in SCHEMES}
        for scheme, costs in exchange.items():
            tables.show_exchange(scheme, costs)
        clock = punctuality(game, "wss", size.punctual_users)
        tables.show_clock(clock)
    return {"exchange": exchange, "clock": clock}


def _arithmetic(size: Size, in_haste: bool) -> dict[str, Any]:
    """Play the virtual days and run the engine; in haste both at once, for virtual time does not mind."""
    cores = 1 if in_haste else 2
    with ThreadPoolExecutor(3 - cores) as pool:
        engine = pool.submit(engine_costs, size.engine_users, size.engine_rounds, hasty=in_haste)
        full = pool.submit(full_days, size.day_users, size.days, cores)
        bad = pool.submit(bad_days, size.bad_day_users, cores)
        return {"full_days": full.result(), "bad_days": bad.result(), "engine": engine.result()}


def expectations(figures: dict[str, Any]) -> list[tuple[str, str, bool]]:
    """Return each expectation with what was measured, and whether it is met."""
    ratios = [
        (f"ours, {scheme}: {what} ≤ {LIMIT_RATIO} × the bare loop", f"{ratio:.3f} ×", ratio <= LIMIT_RATIO)
        for scheme in SCHEMES
        for what in ("cpu", "wall")
        for ratio in [figures["exchange"][scheme][OURS][f"{what}_ratio"]]
    ]
    return [*ratios, *_of_days(figures["full_days"].values()), *_of_clock(figures["clock"])]


def _of_days(days: Collection[dict[str, Any]]) -> list[tuple[str, str, bool]]:
    late_ms = max(day["p99_lateness_ms"] for day in days)
    gap_s = min(day["smallest_gap_s"] for day in days)
    peak_mb = max(day["peak_rss_mib"] for day in days) * 1.048576
    growth_mb = max(max(day["rss_mib"]) - day["rss_mib"][0] for day in days) * 1.048576
    return [
        ("virtual day: p99 lateness < 10 ms", f"{late_ms:.2f} ms", late_ms < LATE_MS),
        ("virtual day: smallest gap ≥ 0.5 s", f"{gap_s:.3f} s", gap_s >= 0.5 - ROUNDING_S),
        ("memory: peak RSS < 250 MB", f"{peak_mb:.0f} MB", peak_mb < RSS_MB),
        ("memory: grows by < 25 MB in a day", f"{growth_mb:+.0f} MB", growth_mb < RSS_MB / 10),
    ]


def _of_clock(clock: dict[str, Any]) -> list[tuple[str, str, bool]]:
    ours = clock["ours, wss"]
    late_ms, door_s = ours["p99_ms"], ours["smallest_gap_s"]
    return [
        ("real clock: p99 lateness < 10 ms", f"{late_ms:.2f} ms", late_ms < LATE_MS),
        ("real clock: gap at the server ≥ floor", f"{1000 * door_s:.1f} ms", door_s >= clock["floor_s"]),
    ]


def _machine() -> dict[str, Any]:
    cores, memory_gb = psutil.cpu_count(), psutil.virtual_memory().total / 1e9
    date = datetime.now(UTC).date().isoformat()
    return {
        "text": f"{date}, {cores} cores ({_processor()}), {memory_gb:.0f} GB, {platform.system()}, "
        f"Python {platform.python_version()}, load {psutil.getloadavg()[0]:.1f} at the start",
        "load": psutil.getloadavg(),
    }


def _processor() -> str:
    if sys.platform == "darwin":
        named = subprocess.run(
            ["sysctl", "-n", "machdep.cpu.brand_string"], check=False, capture_output=True, text=True
        )
        return named.stdout.strip()
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next(
        (line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine()
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller sizes: below a minute")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    return parser.parse_args()


if __name__ == "__main__":
    main()
