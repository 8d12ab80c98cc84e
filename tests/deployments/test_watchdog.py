"""The watchdog, a real process, tells once when Prefect is down and once when it is back."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import httpx

from deployments.stack import Stack
from deployments.surroundings import REPOSITORY, free_port
from deployments.watchdog import what_is_missing
from sandbox import World


class _Alive(BaseHTTPRequestHandler):
    """A Prefect server with one worker, as far as the watchdog looks."""

    def do_GET(self) -> None:
        self._answer(True)

    def do_POST(self) -> None:
        self._answer([{"last_heartbeat_time": datetime.now(UTC).isoformat()}])

    def _answer(self, value: object) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(value).encode())

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def _alive(port: int) -> Iterator[None]:
    with HTTPServer(("127.0.0.1", port), _Alive) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def _subjects(world: World, count: int) -> list[str]:
    """The watchdog's mails, as soon as there are `count`."""
    deadline_s = time.monotonic() + 20
    while time.monotonic() < deadline_s:
        mails = httpx.get(f"{world.admin_url}/mail").json()
        subjects = [
            mail["subject"] for mail in mails if "DOWN" in mail["subject"] or "again" in mail["subject"]
        ]
        if len(subjects) >= count:
            break
        time.sleep(0.1)
    return subjects


def test_tells_once_and_once_again(world: World) -> None:
    """A server that stays away is told in one mail, its return in another."""
    port = free_port()
    env = {**os.environ, **world.env, "PREFECT_API_URL": f"http://127.0.0.1:{port}/api"}
    env |= {"METRONOME_WATCHDOG_S": "1", "METRONOME_WATCHDOG_EVERY_S": "0.2"}
    command = [sys.executable, "-m", "deployments.watchdog"]
    with subprocess.Popen(command, cwd=REPOSITORY, env=env) as watchdog:
        try:
            assert len(_subjects(world, 1)) == 1
            time.sleep(2)
            with _alive(port):
                down, back = _subjects(world, 2)
        finally:
            watchdog.terminate()
    assert down.startswith("[Metronome] DOWN for 0 min: the Prefect server at http://127.0.0.1")
    assert back == "[Metronome] up again"
    assert watchdog.returncode == 0


def test_misses_nothing_where_all_is_well(stack: Stack) -> None:
    """A running stack with a worker is not missed; a pool without one is."""
    deadline_s = time.monotonic() + 60
    while what_is_missing(stack.api_url) and time.monotonic() < deadline_s:
        time.sleep(0.5)
    assert what_is_missing(stack.api_url) is None
    assert "does not answer" in str(what_is_missing(stack.api_url, pool="elsewhere"))
