"""The rows of one day, made before any clock is started; and Blocks without a Prefect server."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from datetime import time as clock_time
from operator import itemgetter
from time import perf_counter
from typing import Any

import numpy as np
from prefect.blocks.core import Block
from sqlalchemy import Table

from benchmarks.distribution_banks import CAMPAIGNS, Banks
from blocks import bulk, database
from blocks.bulk import Rows
from deployments import blocks as declared
from flows.distribution import rules, split, statements, tables, work
from flows.distribution.cohort import Iins
from flows.distribution.models import Campaign, Remainder, Wish

DSSB = tables.dssb("DSSB_APP")
SPSS = tables.spss("SPSS_USER_DRACRM.SC_1_120", "SPSS.SC_theory_users")
SALT = "the benchmark's own salt"
COUNT_DAY = 5
COLUMNS = tuple(DSSB.target.columns.keys())

Filled = list[tuple[Table, Any]]
"""Tables of one database, each with its rows in whatever form."""


class Load:
    """What is written for some users, over ten campaigns.

    Attributes:
        plan: what our own writer takes for DSSB.
        target: what it takes for SPSS.
        moment: INSERT_DATETIME of the rows.
        databases: the parts of each table, by database.
    """

    def __init__(self, raw: Iins, today: date) -> None:
        cohort = rules.cohort(raw, np.array([], "S1"), SALT)
        dates = today - timedelta(days=10), today + timedelta(days=20)
        campaigns = [Campaign(f"SC{n:08}", f"Campaign {n}", *dates) for n in range(1, CAMPAIGNS + 1)]
        seed = split.seed(today, (campaign.id for campaign in campaigns), SALT)
        ranked = split.rank(cohort.iins, seed)
        ranges = split.over_campaigns(ranked, campaigns, Remainder.LAST, today.toordinal())
        blocks = [block for part in ranges for block in split.over_groups(part, Remainder.LAST)]
        self.plan = rules.plan(Wish(today), seed, cohort, blocks, ())
        self.moment = datetime.combine(today, clock_time(9))
        control = work.parts(self.plan.control(), {}, self.moment)
        self.target = work.parts(self.plan.target(), {}, self.moment)
        self.databases: dict[str, Filled] = {
            "dssb": [(DSSB.control, control), (DSSB.target, self.target)],
            "spss": [(SPSS.mirror, self.target)],
        }


def records(parts: list[Rows]) -> list[tuple[Any, ...]]:
    """Return rows in the order of the identifiers, which an index likes best; values in that of `COLUMNS`."""
    tails = [tuple(part.constants[name] for name in COLUMNS[1:]) for part in parts]
    return sorted(
        (
            (value.decode(), *tail)
            for part, tail in zip(parts, tails, strict=True)
            for value in part.column.tolist()
        ),
        key=itemgetter(0),
    )


def timed(
    write: Callable[[str, Filled], None], banks: Banks, filled: Mapping[str, Filled], at_once: int = 1
) -> float:
    """Let `write` fill the databases, each by its address, one after the other or both at once."""
    began_s = perf_counter()
    with ThreadPoolExecutor(at_once) as pool:
        for done in [pool.submit(write, banks.dsn(name), tables) for name, tables in filled.items()]:
            done.result()
    return perf_counter() - began_s


def read_users() -> Iins:
    """Return the users who are in SPSS now; needs `blocks_of`."""

    async def read() -> Iins:
        async with database.session(work.SPSS) as session:
            return await bulk.read_column(session, statements.users(SPSS, COUNT_DAY))

    return asyncio.run(read())


@contextmanager
def blocks_of(env: Mapping[str, str]) -> Iterator[None]:
    """Let Blocks come from the environment for a while, each afresh: there is no Prefect server to ask."""
    known = {each.document: each for each in declared.DECLARED}

    async def load_known(_kind: type[Block], name: str) -> Block:
        return known[name].build(env)

    usual = database.load
    database.load = work.load = load_known
    try:
        yield
    finally:
        database.load = work.load = usual
