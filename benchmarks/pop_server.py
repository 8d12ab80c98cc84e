"""The sandbox's game server in a process of its own, so that its CPU is nobody else's; ws and wss."""

import asyncio
import json
import os
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import trustme

from blocks.pop_game import PopGame
from sandbox.game import GameServer

REPOSITORY = Path(__file__).resolve().parents[1]
TOKEN = "benchmark"


class GameProcess:
    """The parent's side: where the servers are, and a question that one may ask them."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.urls: dict[str, str] = self._answer()

    @cache  # noqa: B019 - one for the whole run, and its TLS context with it
    def block(self, scheme: str) -> PopGame:
        return PopGame(url=self.urls[scheme], token=TOKEN)

    def counted(self, scheme: str) -> dict[str, Any]:
        """Return what the server counted since the last question."""
        print(scheme, file=self._process.stdin, flush=True)
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout
        return json.loads(self._process.stdout.readline())


@contextmanager
def game_process() -> Iterator[GameProcess]:
    """Run both servers; clients of this process and of its children trust their certificate."""
    with tempfile.TemporaryDirectory() as folder:
        authority = trustme.CA()
        key = Path(folder, "server.pem")
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(key)
        # Beside everybody whom the system trusts: to load them all is what a context costs.
        system = Path(ssl.get_default_verify_paths().cafile or os.devnull).read_bytes()
        trusted = Path(folder, "trusted.pem")
        trusted.write_bytes(system + b"\n" + authority.cert_pem.bytes())
        os.environ["SSL_CERT_FILE"] = str(trusted)
        command = [sys.executable, "-m", "benchmarks.pop_server", str(key)]
        with subprocess.Popen(
            command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            try:
                yield GameProcess(process)
            finally:
                process.terminate()
                del os.environ["SSL_CERT_FILE"]


async def _serve(key: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(key)
    async with GameServer(token=TOKEN) as plain, GameServer(token=TOKEN, ssl=context) as secure:
        servers = {"ws": plain, "wss": secure}
        print(json.dumps({scheme: server.url for scheme, server in servers.items()}), flush=True)
        while question := await asyncio.to_thread(sys.stdin.readline):
            print(json.dumps(_count(servers[question.strip()])), flush=True)


def _count(server: GameServer) -> dict[str, Any]:
    counters = server.counters
    server.reset()
    return {
        "connections": counters.connections,
        "served": len(counters.served),
        "smallest_gap_s": counters.smallest_gap_s,
        "most_in_flight": counters.most_in_flight,
        "outcomes": counters.outcomes,
    }


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
