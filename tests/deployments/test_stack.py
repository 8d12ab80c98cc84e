"""Server and worker come back by themselves, and go when they are told to."""

import socket
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from deployments.stack import Stack, StackError
from deployments.surroundings import free_port, without_block_variables


def _within(seconds: float, ready: Callable[[], object]) -> float:
    """Wait until `ready`; return how long it took."""
    began_s = time.monotonic()
    while not ready():
        assert time.monotonic() - began_s < seconds
        time.sleep(0.02)
    return time.monotonic() - began_s


@pytest.mark.parametrize("program", ["server", "worker"])
def test_killed_program_is_started_again(stack: Stack, program: str) -> None:
    """After kill -9 there is a new process within two seconds, and the server answers again."""
    killed = stack.kill(program)
    _within(2, lambda: stack.pid(program) not in (0, killed))
    _within(60, stack.is_healthy)


def test_busy_port_is_refused(tmp_path: Path) -> None:
    """A port that somebody listens on is named; nothing is started beside the stranger."""
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        with pytest.raises(StackError, match=f"Port {port} is taken"):
            Stack(tmp_path, port).start()
    assert not Stack(tmp_path, port).is_running()


def test_stop_leaves_nothing_behind(short_home: Path) -> None:
    """Stopping ends every process, also one whose parent was killed, and starting twice starts one."""
    stack = Stack(short_home, free_port())
    try:
        stack.start()
        server = stack.pid("server")
        stack.start()
        assert stack.pid("server") == server
        session = psutil.Process(server).parent()
        assert session is not None
        session.kill()  # supervisor itself: its children live on
        assert psutil.pid_exists(server)
    finally:
        stack.stop()
    assert not psutil.pid_exists(server)
    assert not stack.is_running()


def test_secrets_are_not_handed_down() -> None:
    """Running processes get what the watchdog mails with, and no other Block's values."""
    env = {"DB_PASSWORD": "x", "POP_GAME_TOKEN": "x", "SMTP_PASSWORD": "x", "PATH": "x"}
    assert without_block_variables(env).keys() == {"SMTP_PASSWORD", "PATH"}
