"""One whole day as the real flow, under the Prefect server at PREFECT_API_URL; prints what it took.

`python -m benchmarks.distribution_run`; the time is the flow's own, without Python's start and the imports.
"""

import asyncio
import json
import sys
from datetime import datetime
from time import perf_counter, process_time

import psutil

from benchmarks.distribution_course import MB, peak_rss_mb
from flows.distribution.flow import distribution
from flows.distribution.tasks import ALMATY

if __name__ == "__main__":
    before_mb = psutil.Process().memory_info().rss / MB
    began_s, began_cpu_s = perf_counter(), process_time()
    names = {"requested_by": "one", "approved_by": "another"}
    told = asyncio.run(distribution(datetime.now(ALMATY).date(), **names))
    wall_s, cpu_s = perf_counter() - began_s, process_time() - began_cpu_s
    figures = {"users": told["users"], "wall_s": wall_s, "cpu_s": cpu_s}
    json.dump({**figures, "before_mb": before_mb, "peak_mb": peak_rss_mb()}, sys.stdout)
