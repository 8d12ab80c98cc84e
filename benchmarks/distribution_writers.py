"""The write step: our writer and its limit, beside their peers, in turns."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from statistics import median
from typing import Any
from uuid import uuid4

import psycopg

from benchmarks.distribution_banks import Banks
from benchmarks.distribution_load import DSSB, SALT, SPSS, Filled, Load, blocks_of, read_users, timed
from benchmarks.distribution_peers import asyncpg_many, row_by_row, sqlalchemy_many, to_sql
from flows.distribution import ledger, tasks
from flows.distribution.work import Course, Work

LIMIT, OURS = "limit: COPY from a file of the server's", "ours"
EXECUTEMANY = "SQLAlchemy executemany"


def ours(_banks: Banks, load: Load) -> float:
    """Time the process's own writers, with the fence held and the day planned; needs `blocks_of`."""

    async def write() -> float:
        run_id, applied = uuid4(), asyncio.Event()
        async with ledger.fenced(DSSB, run_id) as held:
            work = Work(Course(run_id), DSSB, SPSS, held, SALT)
            await held.plan(load.plan, load.moment, load.moment, ("one", "another"))
            began_s = time.perf_counter()
            mirroring = asyncio.create_task(work.mirror(load.target, load.moment, applied))
            await work.write(load.plan, {}, load.moment, load.moment)
            applied.set()
            await mirroring
            return time.perf_counter() - began_s

    return asyncio.run(write())


def limit(banks: Banks, load: Load, *, form: str = "text") -> float:
    """Time COPY of the same rows, in the order of the key, from files that the server reads by itself."""

    def copy(dsn: str, tables: Filled) -> None:
        with psycopg.connect(dsn) as connection:
            for table, file in tables:
                connection.execute(f"copy {table.fullname} from '{file}' (format {form})")

    files = {
        database: [(table, banks.file(database, table.fullname, form)) for table, _ in tables]
        for database, tables in load.databases.items()
    }
    return timed(copy, banks, files, at_once=2)


@dataclass(frozen=True)
class Contestant:
    """Who writes, and how often; above `users_max` it takes too long, and is scaled from so many users."""

    write: Callable[[Banks, Load], float]
    turns: int
    users_max: int = 10**9


def contestants(turns: int, peer_turns: int) -> dict[str, Contestant]:
    """Return all of them by name."""
    return {
        LIMIT: Contestant(limit, turns),
        "the same, a binary file": Contestant(partial(limit, form="binary"), turns),
        OURS: Contestant(ours, turns),
        "asyncpg executemany": Contestant(asyncpg_many, peer_turns),
        EXECUTEMANY: Contestant(sqlalchemy_many, peer_turns),
        "pandas.to_sql": Contestant(to_sql, peer_turns, 200_000),
        "row by row, one transaction": Contestant(row_by_row, peer_turns, 11_000),
        "row by row, autocommit": Contestant(partial(row_by_row, autocommit=True), peer_turns, 11_000),
    }


def race(banks: Banks, field: Mapping[str, Contestant]) -> dict[str, dict[str, Any]]:
    """Let them write the users who are in SPSS now, in turns; return what each took."""
    with blocks_of(banks.postgres):
        raw, today = read_users(), datetime.now(tasks.ALMATY).date()
        loads = {most: Load(raw[:most], today) for most in {each.users_max for each in field.values()}}
        full = max(loads.values(), key=lambda load: load.plan.users)
        _measured(banks, full, ours)  # the first is slower; and these rows go into the limit's files
        banks.keep_files()
        turns: list[dict[str, float]] = []
        for turn in range(max(each.turns for each in field.values())):
            due = {name: each for name, each in field.items() if turn < each.turns}
            turns.append(
                {name: _scaled(banks, full, loads[each.users_max], each) for name, each in due.items()}
            )
    return {
        name: _figures(name, turns) | {"users": loads[field[name].users_max].plan.users} for name in field
    }


def _scaled(banks: Banks, full: Load, load: Load, contestant: Contestant) -> float:
    return _measured(banks, load, contestant.write) * full.plan.users / load.plan.users


def _measured(banks: Banks, load: Load, write: Callable[[Banks, Load], float]) -> float:
    banks.clear()
    seconds = write(banks, load)
    banks.check(load.plan.users)
    return seconds


def _figures(name: str, turns: list[dict[str, float]]) -> dict[str, Any]:
    """A ratio is to the limit in the same turn; what the machine does meanwhile strikes both."""
    own = [turn for turn in turns if name in turn]
    return {
        "seconds": [turn[name] for turn in own],
        "median_s": median(turn[name] for turn in own),
        "ratio": median(turn[name] / turn[LIMIT] for turn in own),
        "ratio_of_best": min(turn[name] for turn in own) / min(turn[LIMIT] for turn in turns),
    }
