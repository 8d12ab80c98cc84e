"""`python -m tests.chaos [pop|distribution|payout] [options]`: a whole campaign, and its figures."""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from tests.chaos import banking, distribution, paying, payout, pop
from tests.chaos.arena import TICK_S, arena, engine, outside
from tests.chaos.attempt import End
from tests.chaos.banking import BACKENDS
from tests.chaos.ground import Duel
from tests.steps import apply

ROUNDS = {"pop": 8, "distribution": 2, "payout": 2}


def main() -> int:
    wish = _wish()
    wish.rounds = wish.rounds or ROUNDS[wish.process]
    campaigns = {"pop": _pop, "distribution": _distribution, "payout": _payout}
    figures, violations = campaigns[wish.process](wish)
    if wish.json:
        wish.json.write_text(json.dumps(figures, indent=2))
    return 1 if violations else 0


def _wish() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument(
        "process", nargs="?", choices=ROUNDS, default="pop", help="whom to crash (default pop)"
    )
    parser.add_argument("--rounds", type=int, help="pop: days; else: times at each statement")
    parser.add_argument("--accounts", type=int, default=200, help="pop: accounts a day (default 200)")
    parser.add_argument("--tick", type=int, default=TICK_S, help="pop: of the guard, seconds (really 300)")
    parser.add_argument(
        "--backend", choices=BACKENDS, default="postgresql", help="distribution: its databases"
    )
    parser.add_argument("--json", type=Path, help="write the figures there")
    return parser.parse_args()


def _pop(wish: argparse.Namespace) -> tuple[dict[str, Any], int]:
    with arena(wish.tick) as scene:
        days = pop.campaign(scene, wish.accounts, wish.rounds, _tell_pop)
    violations = sum(len(day.violations) for day in days)
    silences = [day.silent_s for day in days]
    print(
        f"\n{len(days)} days, {sum(len(day.victims) for day in days)} kills, guard's tick {wish.tick} s: "
        f"{violations} violations; longest silence median {median(silences):.1f} s, worst {max(silences):.1f} s"
    )
    figures = [{**asdict(day), "violations": day.violations} for day in days]
    return {"tick_s": wish.tick, "days": figures}, violations


def _tell_pop(day: pop.Round) -> None:
    verdict = "; ".join(day.violations) or "nothing lost, never two at once"
    print(
        f"killed {', '.join(day.victims):<22} served {day.served}/{day.accounts} in {day.connections} "
        f"connections, smallest gap {day.smallest_gap_s:.3f} s, longest silence {day.silent_s:5.1f} s, "
        f"{day.took_s:4.0f} s: {verdict}",
        flush=True,
    )


def _distribution(wish: argparse.Namespace) -> tuple[dict[str, Any], int]:
    begun_s = time.monotonic()
    with outside() as world, engine(world.env) as stack:
        apply(stack)
        with banking.ground(world, stack, wish.backend) as scene:
            cases = distribution.campaign(scene, wish.rounds, _tell_distribution)
            duels = distribution.duels(scene, distribution.record(scene))
    violations = _count(cases, duels)
    figures = _sum_up(cases, time.monotonic() - begun_s)
    print(f"\n{wish.backend}: {figures}, {violations} violations")
    return {
        "backend": wish.backend,
        **figures,
        "cases": [asdict(case) for case in cases],
        "duels": {name: asdict(duel) for name, duel in duels.items()},
    }, violations


def _payout(wish: argparse.Namespace) -> tuple[dict[str, Any], int]:
    begun_s = time.monotonic()
    with outside() as world, engine(world.env) as stack:
        apply(stack)
        with paying.ground(world, stack) as scene:
            cases = payout.campaign(scene, wish.rounds, _tell_payout)
            duels = payout.duels(scene)
            reconciled = scene.reconcile()
            control = payout.control(scene)
            bad_control = payout.control(scene, is_bad=True)
    print(f"\nreconcile ended {reconciled.name}; a retry script:")
    for case in (*control, *bad_control):
        _tell_payout(case)
    is_blind = not all(case.violations for case in control)
    violations = _count(cases, duels) + (reconciled is not End.COMPLETED) + is_blind
    figures = _sum_up_payout(cases, time.monotonic() - begun_s)
    print(f"\n{figures}, {violations} violations")
    return {
        **figures,
        "reconciled": reconciled.name,
        "control": [asdict(case) for case in (*control, *bad_control)],
        "cases": [asdict(case) for case in cases],
        "duels": {name: asdict(duel) for name, duel in duels.items()},
    }, violations


def _sum_up_payout(cases: list[payout.Case], took_s: float) -> dict[str, Any]:
    struck = [point for case in cases for point in case.struck]
    return {
        "cases": len(cases),
        "kills": len(struck),
        "points": len(set(struck) - {None}),
        "at random times": struck.count(None),
        "windows": dict(Counter(window for case in cases for found in case.windows for window in found)),
        "in bad weather": sum(bool(case.seen) for case in cases),
        "weather": dict(sum((Counter(case.seen) for case in cases), Counter())),
        "runs to the end": dict(Counter(case.runs for case in cases)),
        "took_s": round(took_s),
    }


def _tell_payout(case: payout.Case) -> None:
    struck = " and ".join(str(point or "at a random time") for point in case.struck)
    weather = ", ".join(case.seen) or "good weather"
    verdict = "; ".join(case.violations) or "every coin once"
    print(f"{struck}; {weather}; {case.runs} run(s), {case.took_s:.1f} s: {verdict}", flush=True)


def _count(cases: Sequence[distribution.Case | payout.Case], duels: Mapping[str, Duel]) -> int:
    """Print how the duels ended, and count what was wrong."""
    for name, duel in duels.items():
        print(f"two runs, {name}: {' and '.join(duel.ends)}; {'; '.join(duel.violations) or 'all is well'}")
    return sum(len(each.violations) for each in (*cases, *duels.values()))


def _sum_up(cases: list[distribution.Case], took_s: float) -> dict[str, Any]:
    return {
        "days": len(cases),
        "points": len({case.struck[0] for case in cases if case.struck}),
        "kills": sum(len(case.struck) for case in cases),
        "days killed twice": sum(len(case.struck) > 1 for case in cases),
        "days with another source": sum(case.is_changed for case in cases),
        "mails": dict(Counter(case.mails for case in cases)),
        "took_s": round(took_s),
    }


def _tell_distribution(case: distribution.Case) -> None:
    struck = " and ".join(str(point) for point in case.struck)
    source = "another source" if case.is_changed else "same source"
    verdict = "; ".join(case.violations) or "every user once"
    print(f"{struck}; {source}, {case.mails} mail(s), {case.took_s:.1f} s: {verdict}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
