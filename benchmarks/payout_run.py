"""One payout as the real flow, under the Prefect server at PREFECT_API_URL; prints what it took.

`python -m benchmarks.payout_run`; the time is the flow's own, without Python's start and the imports.
"""

import asyncio
import json
from time import perf_counter, process_time

import psutil

from benchmarks.payout_process import MB, peak_mb
from flows.payout.flow import payout

if __name__ == "__main__":
    before_mb = psutil.Process().memory_info().rss / MB
    began_s, began_cpu_s = perf_counter(), process_time()
    asyncio.run(payout())
    figures = {"wall_s": perf_counter() - began_s, "cpu_s": process_time() - began_cpu_s}
    print(json.dumps({**figures, "before_mb": before_mb, "peak_mb": peak_mb()}))
