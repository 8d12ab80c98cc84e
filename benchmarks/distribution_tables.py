"""The figures as tables for a person."""

from collections.abc import Mapping
from typing import Any

from benchmarks.pop_tables import _print

Figures = Mapping[str, Any]


def show_race(users: int, figures: Mapping[str, Figures]) -> None:
    rows = (
        (
            name,
            f"{own['median_s']:,.2f} s",
            f"{own['ratio']:,.2f} ×",
            f"{own['ratio_of_best']:,.2f} ×",
            f"{len(own['seconds'])}",
            f"scaled from {own['users']:,}" if own["users"] < users else "",
        )
        for name, own in figures.items()
    )
    _print(
        f"1. The write step, {users:,} users, {1.8 * users:,.0f} rows, two servers",
        ("", "median", "ratio", "ratio of the best", "turns", ""),
        rows,
    )


def show_days(days: Mapping[int, Mapping[str, Figures]]) -> None:
    rows = (
        (
            f"{users:,} users, {kind}",
            f"{day['wall_s']:.2f} s",
            f"{day['cpu_s']:.2f} s",
            f"{day['peak_mb']:.0f} MB",
            f"{day['peak_mb'] - day['before_mb']:.0f} MB",
            " ".join(f"{name} {lap_s:.2f}" for name, lap_s in day.get("laps_s", {}).items()),
        )
        for users, kinds in days.items()
        for kind, day in kinds.items()
    )
    _print(
        "2. A whole day: read, dedupe, rank, split, write both databases, compare them",
        ("", "wall", "CPU", "peak RSS", "above the imports", "laps, s"),
        rows,
    )


def show_oracle(day: Figures) -> None:
    rows = (
        (
            f"{day['users']:,} users",
            f"{day['wall_s']:.2f} s",
            str(day["inserts"]),
            f"{day['rows_inserted']:,}",
            str(day["statements"]),
        ),
    )
    _print(
        "3. Through the stand-in of Oracle, by the real driver",
        ("", "wall", "INSERTs that it saw", "rows in them", "everything else that it saw"),
        rows,
    )
