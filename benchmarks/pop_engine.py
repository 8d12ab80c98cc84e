"""What the engine costs: its rows, bytes and seconds for a task per slot and for a task per account.

A real Prefect server in a short-lived home, with the settings of production. What a run costs by itself
(the flow "none") and what the server does anyway are taken off.
"""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from benchmarks.pop_engine_flow import SLOT_USERS
from benchmarks.pop_server import REPOSITORY
from deployments.stack import Stack
from deployments.surroundings import free_port

DAY_USERS = 172_800
DAY_SLOTS = 96
HASTY = {"PREFECT_SERVER_SERVICES_EVENT_PERSISTER_FLUSH_INTERVAL": "1"}
POLL_S = 0.3
SETTLED_S = 1.0  # task runs are written every second, events every five
IDLE_S = 2.0


def engine_costs(users: int, rounds: int, *, hasty: bool = False) -> dict[str, Any]:
    """Run both kinds in turns on one server, and return each one's cost per account.

    `hasty` lets the server write its events every second instead of every five: less to wait for.
    """
    # A slot's cost is small: ten times the accounts lift it above the noise.
    numbers = {"none": 0, "slots": 10 * users, "users": users}
    with _server(HASTY if hasty else {}) as server:
        server.cost("none", 0)  # the first run imports and creates what the others find
        idle_cpu = server.idle_cpu()
        turns = [{kind: server.cost(kind, number) for kind, number in numbers.items()} for _ in range(rounds)]
    own = {kind: _middle([turn[kind] for turn in turns], idle_cpu) for kind in numbers}
    return {
        "users": numbers,
        "idle_cpu": idle_cpu,
        "slots": _share(own["slots"], own["none"], numbers["slots"]),
        "users_as_tasks": _share(own["users"], own["none"], numbers["users"]),
        "one_slot": _share(own["slots"], own["none"], numbers["slots"] // SLOT_USERS),
        "tables": {kind: dict(turns[-1][kind]["tables"]) for kind in numbers},
    }


def for_a_day(costs: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Extrapolate to a full day: pop as it is has 96 slots, however many accounts there are."""
    factors = {
        "task per user": ("users_as_tasks", DAY_USERS),
        "task per 100 users": ("slots", DAY_USERS),
        "task per 15 min (pop)": ("one_slot", DAY_SLOTS),
    }
    return {
        name: {figure: factor * value for figure, value in costs[key].items()}
        for name, (key, factor) in factors.items()
    }


class Server:
    """A running stack's server, from outside: its CPU, and its database file."""

    def __init__(self, stack: Stack) -> None:
        self._runs = 0
        self._environment = stack.environment
        self._file = stack.home / "prefect" / "prefect.db"
        parent = psutil.Process(stack.pid("server"))
        self._processes = [parent, *parent.children(recursive=True)]

    def idle_cpu(self) -> float:
        """Return the seconds of CPU that it uses in a second without work."""
        before_s = self._cpu_s()
        time.sleep(IDLE_S)
        return (self._cpu_s() - before_s) / IDLE_S

    def cost(self, kind: str, users: int) -> dict[str, Any]:
        """Run one flow and return what it took, once the server has written everything down."""
        rows, size, cpu_s, began_s = self._rows(), self._bytes(), self._cpu_s(), time.perf_counter()
        command = [sys.executable, "-m", "benchmarks.pop_engine_flow", kind, str(users)]
        run = subprocess.run(
            command, cwd=REPOSITORY, env=self._environment, check=True, capture_output=True, text=True
        )
        self._settle()
        added = self._rows() - rows
        return {
            **json.loads(run.stdout.splitlines()[-1]),
            "rows": added.total(),
            "bytes": self._bytes() - size,
            "server_cpu_s": self._cpu_s() - cpu_s,
            "tables": added,
            "elapsed_s": time.perf_counter() - began_s,
        }

    def _settle(self) -> None:
        """Wait for the run's last event, which is among the last to be written, and then for silence."""
        self._runs += 1
        while self._count("events where event = 'prefect.flow-run.Completed'") < self._runs:
            time.sleep(POLL_S)
        before = None
        while (rows := self._rows()) != before:
            before = rows
            time.sleep(SETTLED_S)

    def _rows(self) -> Counter[str]:
        with closing(sqlite3.connect(self._file)) as database:
            names = database.execute("select name from sqlite_master where type = 'table'").fetchall()
        return Counter({name: self._count(f'"{name}"') for (name,) in names})

    def _count(self, what: str) -> int:
        with closing(sqlite3.connect(self._file)) as database:
            return database.execute(f"select count(*) from {what}").fetchone()[0]

    def _bytes(self) -> int:
        with closing(sqlite3.connect(self._file)) as database:
            pragmas = ("page_count", "freelist_count", "page_size")
            pages, free, page_bytes = (database.execute(f"pragma {name}").fetchone()[0] for name in pragmas)
        return (pages - free) * page_bytes

    def _cpu_s(self) -> float:
        return sum(sum(process.cpu_times()[:2]) for process in self._processes)


@contextmanager
def _server(settings: dict[str, str]) -> Iterator[Server]:
    home = Path(tempfile.mkdtemp(prefix="mn-bench-"))
    stack = Stack(home, free_port(), {**os.environ, **settings})
    try:
        stack.start()
        yield Server(stack)
    finally:
        stack.stop()
        shutil.rmtree(home, ignore_errors=True)


def _middle(runs: list[dict[str, Any]], idle_cpu: float) -> dict[str, float]:
    figures = ("wall_s", "flow_cpu_s", "rows", "bytes")
    middle = {figure: median(run[figure] for run in runs) for figure in figures}
    own_cpu_s = (run["server_cpu_s"] - idle_cpu * run["elapsed_s"] for run in runs)
    return middle | {"server_cpu_s": median(own_cpu_s)}


def _share(run: dict[str, float], empty: dict[str, float], number: int) -> dict[str, float]:
    return {figure: (run[figure] - empty[figure]) / number for figure in run}
