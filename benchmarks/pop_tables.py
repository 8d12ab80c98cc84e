"""The figures as tables for a person."""

from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.pop_engine import for_a_day

CONSOLE = Console(width=120, highlight=False)


def show_exchange(scheme: str, costs: dict[str, Any]) -> None:
    rows = (
        (
            name,
            f"{cost['users']:,}",
            f"{cost['cpu_ms']:.2f} ms",
            f"{cost['wall_ms']:.2f} ms",
            f"{cost['cpu_ratio']:.2f} ×",
            "–".join(f"{ratio:.2f}" for ratio in cost["cpu_ratio_quartiles"]),
            f"{cost['wall_ratio']:.2f} ×",
        )
        for name, cost in costs.items()
    )
    _print(
        f"1. The client, {scheme}: cost of one account, beside the limit (bare loop) and the naive",
        ("", "users", "CPU", "wall", "CPU ratio", "its middle half", "wall ratio"),
        rows,
    )


def show_full_days(days: dict[str, Any]) -> None:
    rows = (
        (
            name,
            f"{day['served']:,} of {day['users']:,}",
            f"{day['smallest_gap_s']:.3f} s",
            f"{day['most_in_a_minute']}",
            f"{day['p99_lateness_ms']:.2f} ms",
            " ".join(f"{rss:.0f}" for rss in day["rss_mib"]),
            f"{day['peak_rss_mib']:.0f} MiB",
        )
        for name, day in days.items()
    )
    _print(
        "2a. A full day in virtual time (RSS in MiB at 0 h, 6 h, 12 h, 18 h, end)",
        ("", "served", "smallest gap", "most/min", "p99 late", "RSS", "peak RSS"),
        rows,
    )


def show_bad_days(days: dict[str, Any]) -> None:
    rows = (
        (
            f"{trouble}: {who}",
            f"{day['served']:,} of {day['users']:,}",
            f"{day['rejections']:,}",
            f"{day['rejections'] / max(1, ours['rejections']):.0f} ×",
        )
        for trouble, pacers in days.items()
        for ours in [pacers["ours"]]
        for who, day in pacers.items()
    )
    _print("2b. A server in trouble, in virtual time", ("", "served", "rejections", "ratio to ours"), rows)


def show_clock(clock: dict[str, Any]) -> None:
    rows = (
        (
            name,
            f"{late['starts']}",
            *(f"{late[figure]:.2f} ms" for figure in ("p50_ms", "p99_ms", "max_ms")),
            f"{1000 * late['smallest_gap_s']:.1f} ms" if "smallest_gap_s" in late else "",
        )
        for name, late in clock.items()
        if isinstance(late, dict)
    )
    _print(
        f"2c. Lateness on the real clock, floor {1000 * clock['floor_s']:.0f} ms, real sockets "
        f"(load of the machine {clock['load']:.1f})",
        ("", "starts", "p50", "p99", "latest", "smallest gap at the server"),
        rows,
    )


def show_engine(costs: dict[str, Any]) -> None:
    users, slots = costs["users"]["users"], costs["users"]["slots"]
    columns = ("", "rows", "database", "server CPU", "flow CPU", "wall")
    measured = {"task per user": costs["users_as_tasks"], "task per 100 users": costs["slots"]}
    _print(
        f"3a. The engine, for one account (measured: {users} tasks of one, {slots // 100} tasks of 100)",
        columns,
        (_engine_row(name, cost, "B", 1, "ms", 1e3) for name, cost in measured.items()),
    )
    _print(
        "3b. The same EXTRAPOLATED to a day of 172,800 accounts",
        columns,
        (_engine_row(name, day, "MB", 1e-6, "s", 1) for name, day in for_a_day(costs).items()),
    )


def _engine_row(  # noqa: PLR0913, PLR0917 - the two tables differ in their units only
    name: str, cost: dict[str, float], size: str, per_byte: float, time: str, per_s: float
) -> Iterable[str]:
    seconds = (f"{per_s * cost[figure]:,.2f} {time}" for figure in ("server_cpu_s", "flow_cpu_s", "wall_s"))
    rows = f"{cost['rows']:,.{0 if cost['rows'] > 100 else 2}f}"
    return (name, rows, f"{per_byte * cost['bytes']:,.1f} {size}", *seconds)


def show_expectations(expectations: Iterable[tuple[str, str, bool]]) -> None:
    rows = ((text, figure, "yes" if met else "NO") for text, figure, met in expectations)
    _print("Expected of the figures", ("", "measured", "met"), rows)


def _print(title: str, columns: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    first, *others = columns
    table = Table()
    table.add_column(first, no_wrap=True)
    for column in others:
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(*row)
    CONSOLE.print(title, style="bold")
    CONSOLE.print(table)
    CONSOLE.print()
