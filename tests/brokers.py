"""Two brokers that the same tests run on: the sandbox's, and RabbitMQ, which nobody here wrote.

RabbitMQ runs as a process of this user's on loopback, without root, systemd or its own service. It is installed by
`apt-get install rabbitmq-server`, which only .ci/run does by itself.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Self

import pytest

from deployments.surroundings import free_port
from sandbox.amqp import AmqpServer

USER, PASSWORD = "tester", "pass-8Kd2/@:w"
PATIENCE_S = 60.0
SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")  # not on the path: Debian's wrapper insists on root
CONFIG = f"""\
default_user = {USER}
default_pass = {PASSWORD}
log.console.level = error
"""


class SandboxBroker:
    """The stand-in, on the test's own event loop."""

    name = "sandbox"

    def __init__(self, home: Path) -> None:
        self.server = AmqpServer(user=USER, password=PASSWORD, home=home)

    @property
    def port(self) -> int:
        return self.server.port

    async def restart(self) -> None:
        """Go down in order, and come back on the same port."""
        await self.server.stop()
        await self.server.start()


class RabbitMq:
    """`with RabbitMq(folder) as rabbit:` listens on `rabbit.port`; everything that it writes is in the folder."""

    name = "rabbitmq"

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._folder, self._epmd_port, self._dist_port = folder, free_port(), free_port()
        (folder / "rabbitmq.conf").write_text(CONFIG)
        (folder / "plugins").write_text("[].\n")

    def start(self) -> None:
        self._epmd = self._run("epmd", "-port", str(self._epmd_port), "-address", "127.0.0.1")
        self._server = self._run(str(SERVER))
        deadline_s = time.monotonic() + PATIENCE_S
        while not _answers(self.port):
            assert self._server.poll() is None, f"RabbitMQ ended: {self._log.read_text()[-2000:]}"
            assert time.monotonic() < deadline_s, f"RabbitMQ does not come up: see {self._log}"
            time.sleep(0.1)

    def stop(self) -> None:
        for process in (self._server, self._epmd):
            process.terminate()
            try:
                process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    async def restart(self) -> None:
        self.stop()
        self.start()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def _log(self) -> Path:
        return self._folder / "console.log"

    def _run(self, *command: str) -> subprocess.Popen[bytes]:
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self._folder),  # the cookie lies there
            "LANG": "C.UTF-8",
            "RABBITMQ_NODENAME": f"metronome-{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._dist_port),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "RABBITMQ_MNESIA_BASE": str(self._folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self._folder / "log"),
            "RABBITMQ_CONFIG_FILE": str(self._folder / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self._folder / "plugins"),
            "RABBITMQ_LOGS": "-",
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }
        with self._log.open("ab") as log:
            return subprocess.Popen(
                command, env=env, cwd=self._folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip


Running = SandboxBroker | RabbitMq


def must_be_installed() -> None:
    """Skip the test where there is no RabbitMQ; CI counts that as a failure."""
    if not SERVER.exists() or shutil.which("epmd") is None:
        pytest.skip("no RabbitMQ here: `apt-get install rabbitmq-server` (it need not run as a service)")


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
