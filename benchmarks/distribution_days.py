"""Whole days in processes of their own: without the engine, as the real flow, and through Oracle's stand-in."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from benchmarks.distribution_banks import Banks
from deployments.stack import Stack
from deployments.surroundings import REPOSITORY, free_port

Figures = dict[str, Any]


class Days:
    """Plays days on `banks`, each on empty tables."""

    def __init__(self, banks: Banks) -> None:
        self._banks, self._home = banks, banks.home

    def without_engine(self) -> Figures:
        """Play a day by the process's own functions."""
        return self._played("benchmarks.distribution_course", self._banks.postgres)

    def through_oracle(self) -> Figures:
        """Play a day with the real oracledb driver; add what the stand-in saw of the rows that were written."""
        log = f"{self._banks.admin_url}/oracle/log"
        httpx.delete(log).raise_for_status()
        figures = self._played("benchmarks.distribution_course", self._banks.oracle, mirror_on="dssb")
        entries = httpx.get(log, timeout=30).raise_for_status().json()
        inserts = [
            entry for entry in entries if " INTO " in entry["sql"] and "sc_distribution" not in entry["sql"]
        ]
        return figures | {
            "statements": len(entries),
            "inserts": len(inserts),
            "rows_inserted": sum(entry["rows"] for entry in inserts),
        }

    @contextmanager
    def engine(self) -> Iterator[Mapping[str, str]]:
        """Run a Prefect server that has our Blocks, and yield what its clients' environment must be."""
        stack = Stack(self._home / "engine", free_port(), {**os.environ, **self._banks.postgres})
        stack.home.mkdir()
        try:
            stack.start()
            self._run("deployments.apply", stack.environment)
            yield stack.environment
        finally:
            stack.stop()

    def as_flow(self, engine: Mapping[str, str]) -> Figures:
        """Play a day by `distribution()` itself, started by hand."""
        return self._played("benchmarks.distribution_run", engine)

    def _played(self, module: str, env: Mapping[str, str], mirror_on: str = "spss") -> Figures:
        """Run the module on empty tables and return what it prints."""
        self._banks.clear()
        figures: Figures = json.loads(self._run(module, env).splitlines()[-1])
        self._banks.check(figures["users"], mirror_on)
        return figures

    def _run(self, module: str, env: Mapping[str, str]) -> str:
        # Where the shell forbids it, a day would also compile what it imports: pip has done that elsewhere.
        compiled = {"PYTHONPYCACHEPREFIX": str(self._home / "compiled"), "PYTHONDONTWRITEBYTECODE": ""}
        command = [sys.executable, "-m", module]
        env = {**os.environ, **env, **compiled, "PREFECT_LOGGING_LEVEL": "WARNING"}
        done = subprocess.run(command, cwd=REPOSITORY, env=env, check=True, stdout=subprocess.PIPE, text=True)
        return done.stdout
