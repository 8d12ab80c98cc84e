"""The one background process: hosts every guest on one event loop until it is told to stop."""

import asyncio
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import psutil  # type: ignore[import-untyped, unused-ignore]

from sandbox.service import Guest, Place, SandboxError
from sandbox.state import LOOPBACK, State

REPOSITORY = Path(__file__).parents[1]
PATIENCE_S = 60.0  # a chain that is weeks old takes its time to come back
GLANCE_S = 1.0
GLIMPSE_S = 0.02


class Host:
    """Starts and stops `python -m sandbox serve` in a session of its own."""

    def __init__(self, state: State, guests: list[Guest]) -> None:
        self._state, self._guests = state, guests
        self._log = state.home / "serve.log"
        self._command = ["-m", "sandbox", "serve", "--home", str(state.home)]

    def running(self) -> bool:
        return self._process() is not None and self._answers()

    def start(self) -> None:
        """Return when every guest's port answers."""
        self.stop()
        with self._log.open("a") as log:
            process = subprocess.Popen(
                [sys.executable, *self._command], cwd=REPOSITORY, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        self._state.host_pid = process.pid
        self._state.save()
        _soon(lambda: process.poll() is not None or self._answers())
        if process.poll() is not None or not self._answers():
            self.stop()
            raise SandboxError(f"the sandbox's process does not come up: see the end of {self._log}")
        process.returncode = 0  # it outlives us on purpose: no warning that nobody waited for it

    def stop(self) -> None:
        process = self._process()
        if process is None:
            return
        process.terminate()
        if not _soon(lambda: self._process() is None):
            process.kill()

    def describe(self) -> list[Place]:
        return [guest.describe() for guest in self._guests]

    def _process(self) -> psutil.Process | None:
        """Ours by its command line, which holds this home: a reused pid never has that, a zombie has none."""
        if self._state.host_pid is None:
            return None
        with suppress(psutil.Error):
            process = psutil.Process(self._state.host_pid)
            if process.cmdline()[1:] == self._command:
                return process
        return None

    def _answers(self) -> bool:
        return all(_listens(self._state.ports[place.name]) for place in self.describe())


async def serve(guests: list[Guest], home: Path) -> None:
    """Host the guests until SIGTERM, or until the home is removed from under them."""
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    async with AsyncExitStack() as running:
        for guest in guests:
            await guest.start()
            running.push_async_callback(guest.stop)
        while not told.is_set() and home.exists():  # noqa: ASYNC240 - a glance every second
            with suppress(TimeoutError):
                await asyncio.wait_for(told.wait(), GLANCE_S)


def _soon(condition: Callable[[], bool]) -> bool:
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(GLIMPSE_S)
    return True


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0
