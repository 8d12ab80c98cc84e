"""Processes of their own: a Prefect server, and what is measured under it, so that memory is nobody else's."""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deployments.stack import Stack
from deployments.surroundings import REPOSITORY, free_port

MB = 1e6


@contextmanager
def engine(home: Path, env: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Run a Prefect server that has our Blocks, and yield what its clients' environment must be."""
    stack = Stack(home / "engine", free_port(), {**os.environ, **env})
    stack.home.mkdir()
    try:
        stack.start()
        told = {
            **stack.environment,
            "PREFECT_LOGGING_LEVEL": "WARNING",
            # Where the shell forbids it, each process would compile what it imports: pip has done that elsewhere.
            "PYTHONDONTWRITEBYTECODE": "",
            "PYTHONPYCACHEPREFIX": str(home / "compiled"),
        }
        run("deployments.apply", told)
        yield told
    finally:
        stack.stop()


def run(module: str, env: Mapping[str, str], *arguments: str) -> str:
    """Run a module to its end and return its last line."""
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, cwd=REPOSITORY, env=env, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip().rpartition("\n")[2]


def measured(module: str, env: Mapping[str, str], *arguments: str) -> dict[str, Any]:
    """Run a module that prints its figures last."""
    figures: dict[str, Any] = json.loads(run(module, env, *arguments))
    return figures


def peak_mb() -> float:
    """Return the most memory that this process had; `ru_maxrss` counts what the parent had before, on Linux."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MB
    (kib,) = (line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(kib) * 1024 / MB
