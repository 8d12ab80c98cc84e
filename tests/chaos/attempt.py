"""One attempt at a flow: a process of its own, forked from one that has everything imported already.

A process that imports Prefect for itself takes five seconds to start, and a campaign starts a thousand.
"""

import asyncio
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import date
from enum import IntEnum
from pathlib import Path
from typing import Any

from prefect.client.schemas.objects import State
from prefect.settings.context import temporary_settings

from flows.distribution.flow import distribution
from flows.payout.flow import payout, reconcile

TIMEOUT_S = 120.0
LAST_WORDS = 2_000
FORKS = multiprocessing.get_context("forkserver")
# Ourselves, and what is imported only when it is used.
FORKS.set_forkserver_preload([
    __name__, "anyio._backends._asyncio", "blocks.evm", "coincurve", "fastapi", "graphviz", "numpy.strings", "pandas",
    "prefect.flow_engine", "prefect.task_engine", "sqlalchemy.dialects.oracle.oracledb",
    "sqlalchemy.dialects.postgresql.asyncpg",
])  # fmt: skip


class End(IntEnum):
    """How an attempt ended; its process's exit code."""

    COMPLETED = 0
    FAILED = 1
    CANCELLED = 3
    KILLED = -signal.SIGKILL


class Attempt:
    """`work` in a process of its own, whose words go to `log`."""

    def __init__(self, log: Path, work: Callable[[], None]) -> None:
        self._log, self._process = log, FORKS.Process(target=_be, args=(log, work))

    def start(self) -> None:
        self._process.start()

    def kill(self) -> bool:
        """Send kill -9, if it is not over already; return False, for its lines live on no more."""
        assert self._process.pid is not None, "it was started"
        with suppress(ProcessLookupError):
            os.kill(self._process.pid, signal.SIGKILL)
        return False

    def end(self) -> End:
        """Wait for it to end.

        Raises:
            TimeoutError: it does not.
        """
        self._process.join(TIMEOUT_S)
        if self._process.exitcode is None:
            self.kill()
            words = self._log.read_text(errors="replace")[-LAST_WORDS:]
            raise TimeoutError(f"an attempt did not end within {TIMEOUT_S:.0f} s; it said last:\n{words}")
        return End(self._process.exitcode)


def _be(log: Path, work: Callable[[], None]) -> None:
    words = os.open(log, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(words, stream.fileno())
    work()


def distribute(api_url: str, home: Path, business_date: date) -> None:
    """Run the flow as a person would by hand, on the Prefect at `api_url`."""
    names = {"requested_by": "the campaign", "approved_by": "its reader"}
    _run(api_url, home, lambda: distribution(business_date, **names, return_state=True))


def pay(api_url: str, home: Path) -> None:
    """As `distribute`."""
    _run(api_url, home, lambda: payout(return_state=True))


def compare(api_url: str, home: Path) -> None:
    """As `distribute`."""
    _run(api_url, home, lambda: reconcile(return_state=True))


def _run(api_url: str, home: Path, flow: Callable[[], Coroutine[Any, Any, State[Any]]]) -> None:
    with temporary_settings({"api.url": api_url, "home": home}):
        state = asyncio.run(flow())
    sys.exit(End[state.type.name])
