"""`python -m tests.chaos [--rounds N] [--accounts N] [--tick S] [--json FILE]`: the whole campaign, and its figures."""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from statistics import median

from tests.chaos import pop
from tests.chaos.arena import TICK_S, arena


def main() -> int:
    wish = _wish()
    with arena(wish.tick) as outside:
        days = pop.campaign(outside, wish.accounts, wish.rounds, _tell)
    _sum_up(days, wish.tick)
    if wish.json:
        figures = [{**asdict(day), "violations": day.violations} for day in days]
        wish.json.write_text(json.dumps({"tick_s": wish.tick, "days": figures}, indent=2))
    return 1 if any(day.violations for day in days) else 0


def _wish() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--rounds", type=int, default=8, help="days to play (default 8)")
    parser.add_argument("--accounts", type=int, default=200, help="accounts a day (default 200)")
    parser.add_argument("--tick", type=int, default=TICK_S, help="of the guard, seconds (really 300)")
    parser.add_argument("--json", type=Path, help="write the figures there")
    return parser.parse_args()


def _tell(day: pop.Round) -> None:
    verdict = "; ".join(day.violations) or "nothing lost, never two at once"
    print(
        f"killed {', '.join(day.victims):<22} served {day.served}/{day.accounts} in {day.connections} "
        f"connections, smallest gap {day.smallest_gap_s:.3f} s, longest silence {day.silent_s:5.1f} s, "
        f"{day.took_s:4.0f} s: {verdict}",
        flush=True,
    )


def _sum_up(days: list[pop.Round], tick_s: int) -> None:
    violations = sum(len(day.violations) for day in days)
    kills = sum(len(day.victims) for day in days)
    silences = [day.silent_s for day in days]
    print(
        f"\n{len(days)} days, {kills} kills, guard's tick {tick_s} s: {violations} violations; "
        f"longest silence median {median(silences):.1f} s, worst {max(silences):.1f} s"
    )


if __name__ == "__main__":
    sys.exit(main())
