"""Server, worker and watchdog of one machine, kept alive by supervisor.

`python -m deployments up|down|status` for people, `Stack` for the demo and the tests.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.request import urlopen
from xmlrpc.client import Fault, ServerProxy

from supervisor.xmlrpc import SupervisorTransport

from deployments import leftovers
from deployments.surroundings import (
    REPOSITORY,
    is_free,
    process_environment,
    socket_of,
    without_block_variables,
)

PROGRAMS = ("server", "worker", "watchdog")
START_TIMEOUT_S = 90.0


class StackError(Exception):
    """What keeps the machine's processes from running, in one line."""


@dataclass(frozen=True)
class Stack:
    """The processes whose data, logs and database are in `home` and whose server listens on `port`."""

    home: Path
    port: int = 4200
    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    @property
    def ui_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def api_url(self) -> str:
        return f"{self.ui_url}/api"

    @property
    def environment(self) -> dict[str, str]:
        """What a command needs in order to talk to this server: `prefect …`, `python -m deployments.apply`."""
        return process_environment(self.home, self.port, self.env)

    def start(self) -> None:
        """Start supervisor, server and watchdog; return when the server answers. Does nothing when it runs.

        Raises:
            StackError: the port is taken, or the server does not come up.
        """
        if not self.is_running():
            leftovers.end(self.home)
            if not is_free(self.port):
                raise StackError(
                    f"Port {self.port} is taken by another program: set METRONOME_PORT to a free one."
                )
            self._launch()
        self._wait("the server", self.is_healthy)
        self._ensure("watchdog")

    def start_worker(self) -> None:
        """Start the worker; its pool must be there (`deployments.apply`)."""
        self._ensure("worker")

    def stop(self) -> None:
        """End everything that was started, the flows too; they get the time to say how they ended."""
        if self.is_running():
            for program in reversed(PROGRAMS):
                self._stop_program(program)
        leftovers.end(self.home)

    def is_running(self) -> bool:
        """Tell whether supervisor answers; the programs may still be starting."""
        try:
            with self._supervisor() as supervisor:
                return bool(supervisor.getPID())
        except (OSError, HTTPException, Fault):
            return False

    def is_healthy(self) -> bool:
        """Tell whether the server answers."""
        try:
            with urlopen(f"{self.api_url}/health", timeout=2) as answer:  # noqa: S310
                return bool(answer.status == 200)  # noqa: PLR2004
        except OSError:
            return False

    def states(self) -> dict[str, str]:
        """Return supervisor's word on each program: RUNNING, STOPPED, BACKOFF and so on."""
        with self._supervisor() as supervisor:
            return {info["name"]: info["statename"] for info in supervisor.getAllProcessInfo()}

    def pid(self, program: str) -> int:
        """Return the process id of `server`, `worker` or `watchdog`; 0 when it does not run."""
        with self._supervisor() as supervisor:
            return int(supervisor.getProcessInfo(program)["pid"])

    def kill(self, program: str, sign: signal.Signals = signal.SIGKILL) -> int:
        """Send `sign` to a program and return the id of the process that got it."""
        pid = self.pid(program)
        os.kill(pid, sign)
        return pid

    def flow_pids(self) -> list[int]:
        """Return the processes of flow runs, also those whose worker is dead."""
        return [process.pid for process in leftovers.processes(self.home, "prefect.engine")]

    def _launch(self) -> None:
        (self.home / "log").mkdir(parents=True, exist_ok=True)
        # A worker that is killed leaves a folder behind for each of its runs.
        scratch = self.home.resolve() / "tmp"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        configuration = REPOSITORY / "deployments" / "supervisord.conf"
        started = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "supervisor.supervisord", "-c", configuration],
            env={**without_block_variables(self.environment), "TMPDIR": str(scratch)},
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=False,
        )
        if started.returncode:
            raise StackError(f"supervisor does not start: {started.stderr.strip()[-300:]}")
        self._wait("supervisor", self.is_running)
        with self._supervisor() as supervisor:
            leftovers.remember(self.home, supervisor.getPID())

    def _ensure(self, program: str) -> None:
        if self.states()[program] in ("STOPPED", "EXITED", "FATAL"):
            with self._supervisor() as supervisor:
                supervisor.startProcess(program, False)

    def _stop_program(self, program: str) -> None:
        # A fault says that it did not run.
        with self._supervisor() as supervisor, suppress(Fault):
            supervisor.stopProcess(program)

    def _wait(self, what: str, ready: Callable[[], bool], timeout_s: float = START_TIMEOUT_S) -> None:
        deadline = time.monotonic() + timeout_s
        while not ready():
            if time.monotonic() > deadline:
                raise StackError(f"{what} did not come up within {timeout_s:.0f} s: see {self.home}/log/")
            time.sleep(0.2)

    @contextmanager
    def _supervisor(self) -> Iterator[Any]:
        # The host is not used: the transport speaks through the socket.
        transport: Any = SupervisorTransport(serverurl=f"unix://{socket_of(self.home)}")
        try:
            yield ServerProxy("http://127.0.0.1", transport=transport).supervisor
        finally:
            transport.close()
