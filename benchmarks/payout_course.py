"""One payout, or one dry run, by the process's own functions: no engine, and what each part of it takes.

`python -m benchmarks.payout_course pay|dry`, under a Prefect server that has the Blocks, prints its figures. It is a
process of its own, so that its memory is nobody else's, and has imported what a real run has.
"""

import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter, process_time
from uuid import uuid4

import psutil

import flows.payout.flow  # noqa: F401
from benchmarks.payout_process import MB, peak_mb
from flows.payout import report, tasks, waiting
from flows.payout.markdown import Coins
from flows.payout.models import PlanHead, Slot
from flows.payout.work import Access, Work, open_work

Laps = dict[str, float]


@contextmanager
def lap(laps_s: Laps, name: str) -> Iterator[None]:
    """Time a part."""
    began_s = perf_counter()
    yield
    laps_s[name] = perf_counter() - began_s


async def dry(work: Work, laps_s: Laps) -> PlanHead:
    """Plan and look at it, as a dry run does."""
    with lap(laps_s, "begin"):
        await tasks.begin.fn(work)
    with lap(laps_s, "gather, plan"):
        plan = await tasks.compute_delta.fn(work, Slot.PREVIEW)
    with lap(laps_s, "estimate, examples"):
        await _look(work, plan)
    return plan


async def pay(work: Work, laps_s: Laps) -> PlanHead:
    """Pay everybody, as the flow does."""
    with lap(laps_s, "begin, recover"):
        await tasks.begin.fn(work)
        await tasks.recover.fn(work)
    with lap(laps_s, "gather, plan"):
        plan = await tasks.compute_delta.fn(work, Slot.LIVE)
    with lap(laps_s, "estimate, examples"):
        await _look(work, plan)
    with lap(laps_s, "reserve"):
        await tasks.reserve.fn(work, plan)
    with lap(laps_s, "sign, store, send"):
        await tasks.submit.fn(work)
    with lap(laps_s, "wait, book"):
        await waiting.until_booked(work, _unseen)  # the task around it draws the engine's progress bar
    with lap(laps_s, "figures"):
        await _report(work, plan)
    return plan


async def _look(work: Work, plan: PlanHead) -> None:
    await tasks.estimate_plan.fn(work, plan)
    await tasks.fetch_examples.fn(work, plan)


async def _report(work: Work, plan: PlanHead) -> None:
    standing = await tasks.bookkeep.fn(work)
    figures = await tasks.fetch_figures.fn(work)
    report.run(plan, figures, standing, Coins(work.settings.token_decimals), work.troubles)


async def _unseen(_percent: float) -> None:
    pass


async def play(kind: str) -> dict[str, object]:
    """Return the figures.

    Raises:
        Exception: whatever a run would tell a person; then nothing that was measured counts.
    """
    laps_s: Laps = {}
    before_mb = psutil.Process().memory_info().rss / MB
    async with open_work(uuid4().hex, Access.NONE if kind == "dry" else Access.NOW) as work:
        began_s, began_cpu_s = perf_counter(), process_time()
        plan = await (dry if kind == "dry" else pay)(work, laps_s)
        wall_s, cpu_s = perf_counter() - began_s, process_time() - began_cpu_s
        work.check_troubles()
    figures = {"users": plan.users, "n": plan.n, "jobs": plan.batches, "wall_s": wall_s, "cpu_s": cpu_s}
    return {**figures, "laps_s": laps_s, "before_mb": before_mb, "peak_mb": peak_mb()}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(play(sys.argv[1]))))
