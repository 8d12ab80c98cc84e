"""One whole day by the process's own functions, without the engine, and what each part of it takes.

`python -m benchmarks.distribution_course`, with the Blocks' variables set, plays the day and prints its figures. It
is a process of its own, so that its memory is nobody else's, and has imported what a real run has.
"""

import asyncio
import json
import os
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from time import perf_counter, process_time
from typing import Any
from uuid import uuid4

import psutil

import flows.distribution.flow  # noqa: F401
from benchmarks.distribution_load import COUNT_DAY, blocks_of
from flows.distribution import rules, split, tasks
from flows.distribution.cohort import Plan
from flows.distribution.models import Remainder, Wish
from flows.distribution.work import Course, Work, open_work, parts

MB = 1e6


class Watch:
    """A stopwatch with laps."""

    def __init__(self) -> None:
        self.laps_s: dict[str, float] = {}

    @contextmanager
    def lap(self, name: str) -> Iterator[None]:
        began_s = perf_counter()
        yield
        self.laps_s[name] = perf_counter() - began_s


async def play(wish: Wish, watch: Watch) -> int:
    """Gather, plan, write both databases and compare them; return how many users were distributed."""
    async with open_work(Course(uuid4()), fenced=True) as work:
        plan = await _plan(work, wish, watch)
        with watch.lap("write"):
            await _write(work, plan)
        with watch.lap("verify"):
            day = await tasks.fetch_day.fn(work, wish.business_date)
            assert day is not None, "it was planned"
            await tasks.reconcile.fn(work, day)
        return plan.users


async def _plan(work: Work, wish: Wish, watch: Watch) -> Plan:
    with watch.lap("read"):
        campaigns, _ = await tasks.fetch_campaigns.fn(work, wish.business_date)
        raw = await tasks.fetch_users.fn(work, wish.count_day)
        assigned = await tasks.fetch_assigned.fn(work, campaigns, wish.business_date)
    with watch.lap("dedupe"):
        cohort = rules.cohort(raw, assigned, work.salt)
    del raw, assigned
    with watch.lap("rank"):
        seed = split.seed(wish.business_date, (campaign.id for campaign in campaigns), work.salt)
        ranked = split.rank(cohort.iins, seed)
    with watch.lap("split"):
        ranges = split.over_campaigns(ranked, campaigns, wish.remainder, wish.business_date.toordinal())
        blocks = [block for part in ranges for block in split.over_groups(part, wish.remainder)]
    with watch.lap("check"):
        past = await tasks.fetch_past.fn(work, wish.business_date)
        checks = rules.checks(wish.business_date, cohort, blocks, past)
        return rules.plan(wish, seed, cohort, blocks, checks)


async def _write(work: Work, plan: Plan) -> None:
    tabs = await tasks.fetch_tabs.fn(work, [share.campaign for share in plan.shares])
    moment = await tasks.record_plan.fn(work, plan, ("one", "another"))
    applied = asyncio.Event()
    mirroring = asyncio.create_task(work.mirror(parts(plan.target(), tabs, moment), moment, applied))
    await tasks.write_dssb.fn(work, plan, tabs, moment, applied)
    await mirroring


def peak_rss_mb() -> float:
    """Return the most memory that this process had; `ru_maxrss` may be that of who started it, on Linux."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MB
    (peak,) = (line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(peak) * 1024 / MB


def main() -> None:
    today, watch = datetime.now(tasks.ALMATY).date(), Watch()
    before_mb = psutil.Process().memory_info().rss / MB
    with blocks_of(os.environ):
        began_s, began_cpu_s = perf_counter(), process_time()
        users = asyncio.run(play(Wish(today, COUNT_DAY, Remainder.LAST), watch))
    figures: dict[str, Any] = {
        "users": users,
        "wall_s": perf_counter() - began_s,
        "cpu_s": process_time() - began_cpu_s,
        "laps_s": watch.laps_s,
        "before_mb": before_mb,
        "peak_mb": peak_rss_mb(),
    }
    json.dump(figures, sys.stdout)


if __name__ == "__main__":
    main()
