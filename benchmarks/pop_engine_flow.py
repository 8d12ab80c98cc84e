"""The flows whose bookkeeping is measured: the same accounts, in slots or each as a task; the work is nothing.

`python -m benchmarks.pop_engine_flow slots|users|none USERS`, with PREFECT_API_URL set; prints the
seconds between the first task's start and the last one's end, and the CPU of the whole process.
"""

import asyncio
import json
import sys
import time

from prefect import flow, task

from flows.common.retries import EFFECT

SLOT_USERS = 100


@task(**EFFECT)
async def slot(users: int) -> None:
    """Serve so many, in plain asyncio."""
    for _ in range(users):
        await asyncio.sleep(0)


@task(**EFFECT)
async def user() -> None:
    """Serve one."""
    await asyncio.sleep(0)


@flow(name="benchmark-slots", persist_result=False)
async def in_slots(users: int) -> float:
    began_s = time.perf_counter()
    for first in range(0, users, SLOT_USERS):
        await slot(min(SLOT_USERS, users - first))
    return time.perf_counter() - began_s


@flow(name="benchmark-users", persist_result=False)
async def one_by_one(users: int) -> float:
    began_s = time.perf_counter()
    for _ in range(users):
        await user()
    return time.perf_counter() - began_s


@flow(name="benchmark-none", persist_result=False)
async def nothing(users: int) -> float:  # noqa: ARG001
    """What a run costs by itself."""
    return 0.0


FLOWS = {"slots": in_slots, "users": one_by_one, "none": nothing}

if __name__ == "__main__":
    wall_s = asyncio.run(FLOWS[sys.argv[1]](int(sys.argv[2])))
    print(json.dumps({"wall_s": wall_s, "flow_cpu_s": time.process_time()}))
