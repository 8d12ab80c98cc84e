"""The figures as tables for a person."""

from collections.abc import Mapping
from typing import Any

from benchmarks.payout_turns import AGAIN, OURS, PUSH, SENDING, WAITING
from benchmarks.pop_tables import _print

Figures = Mapping[str, Any]


def show_paid(users: int, interval_s: float, turns: Figures, naive: Figures) -> None:
    push_s = turns["paid"][PUSH]["wall_s"]
    rows = [_paid_row(name, users, own) for name, own in turns["paid"].items()]
    for name, own in naive.items():
        wall_s = own["wall_s"] * users / own["users"]
        scaled = {"wall_s": wall_s, "ratio": wall_s / push_s}
        rows.append(_paid_row(f"{name}, scaled from {own['users']}", users, scaled))
    _print(
        f"1. {users:,} users paid, a block each {interval_s:.1f} s (the push until all are final: "
        f"{turns['paid'][PUSH]['final_s']:.2f} s)",
        ("", "wall", "users/s", "ratio", "CPU", "peak RSS", "above the imports"),
        rows,
    )


def _paid_row(name: str, users: int, own: Figures) -> tuple[str, ...]:
    wall_s = own["wall_s"]
    row = name, f"{wall_s:,.2f} s", f"{users / wall_s:,.0f}", f"{own['ratio']:,.2f} ×"
    return (*row, *(_process(own) if "cpu_s" in own else ("", "", "")))


def _process(own: Figures) -> tuple[str, str, str]:
    above_mb = own["peak_mb"] - own["before_mb"]
    return f"{own['cpu_s']:.2f} s", f"{own['peak_mb']:.0f} MB", f"{above_mb:.0f} MB"


def show_stages(users: int, turns: Figures) -> None:
    stages = {name: turns["paid"][name]["laps_s"] for name in (OURS, AGAIN)}
    reserve_s = stages[OURS]["reserve"]
    rows = [(name, *(f"{lap_s:.2f}" for lap_s in laps_s.values())) for name, laps_s in stages.items()]
    _print(
        f"2. {users:,} users, stage by stage, seconds (COPY of the same items and accounts: {turns['copy_s']:.2f} s, "
        f"reserve takes {reserve_s / turns['copy_s']:.1f} ×)",
        ("", *stages[OURS]),
        rows,
    )


def show_dry(runs: Mapping[int, Figures]) -> None:
    rows = (
        (f"{users:,} users", f"{run['wall_s']:.2f} s", *_process(run), _laps(run["laps_s"]))
        for users, run in runs.items()
    )
    columns = ("", "wall", "CPU", "peak RSS", "above the imports", "laps, s")
    _print("3. A dry run: everybody's wallet has a checksum, nobody was paid before", columns, rows)


def _laps(laps_s: Mapping[str, float]) -> str:
    return " ".join(f"{name} {lap_s:.2f}" for name, lap_s in laps_s.items())


def show_gas(gas: Mapping[str, Figures], naive: Figures) -> None:
    loops = {"fresh": naive[WAITING]["gas"], "known": naive[SENDING]["gas"]}
    rows = (
        (
            f"{kind} wallets",
            f"{own['submit']:,.0f}",
            f"{own['floor']:,.0f}",
            f"{own['complete']:,.0f}",
            f"{own['submit'] + own['complete']:,.0f}",
            f"{loops[kind]:,.0f}",
            f"{loops[kind] / (own['submit'] + own['complete']):.2f} ×",
        )
        for kind, own in gas.items()
    )
    columns = ("", "submit", "its floor (EIP-7623)", "complete", "together", "a transfer each", "ratio")
    _print("4. Gas for each recipient, by the chain's receipts", columns, rows)
