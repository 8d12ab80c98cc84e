"""Google Meet on loopback: a thin shell around rooms, login, quota and faults."""

import asyncio
import contextlib
import json
import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from time import monotonic
from typing import Self

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from sandbox.chain.faults import Fault
from sandbox.forms import MistakeError, answer_mistake
from sandbox.meet.diary import Diary
from sandbox.meet.journal import Journal
from sandbox.meet.login import Login
from sandbox.meet.quota import Quota
from sandbox.meet.rooms import Rooms
from sandbox.meet.switches import Switches
from sandbox.meet.wire import Http, Wire
from sandbox.service import Place
from sandbox.state import LOOPBACK

IDLE_S = 120  # a client's idle connection must not die under its next request


class MeetServer:
    """`async with MeetServer(accounts={"host-1": "t"}) as meet:` serves at `meet.url` until the block ends.

    Args:
        accounts: host accounts and their secrets.
        port: 0 takes any free one.
        folder: keeps the rooms until the next start; without one they are gone.
        quota_factor: Google's quotas times this.
        now_s: the clock of the quotas and the faults.
    """

    def __init__(
        self, *, accounts: Mapping[str, str], port: int = 0, folder: Path | None = None,
        quota_factor: int = 1, now_s: Callable[[], float] = monotonic,
    ) -> None:  # fmt: skip
        self.accounts, self.port = dict(accounts), port
        self.rooms = Rooms()
        self._diary = Diary(self.rooms, folder)
        self._wire = Wire(Login(accounts), self.rooms, self._diary, Quota(quota_factor), now_s)
        self._server: _Uvicorn | None = None
        self._serving: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def journal(self) -> Journal:
        """What was asked since the start."""
        return self._wire.journal

    @property
    def login(self) -> Login:
        return self._wire.login

    def fault(self, fault: Fault) -> None:
        """Let requests that arrive from now on go wrong."""
        self._wire.faults.add(fault, self._wire.now_s())

    def clear_faults(self) -> None:
        self._wire.faults.clear()

    async def start(self) -> None:
        self._diary.repeat()
        listener = socket.create_server((LOOPBACK, self.port))
        # Headers and body go out in two writes: without this the second waits 40 ms for the client's ACK.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port = listener.getsockname()[1]
        config = uvicorn.Config(
            self._app(), http=Http, ws="none", lifespan="off", log_config=None, log_level="warning",
            access_log=False, timeout_graceful_shutdown=1, timeout_keep_alive=IDLE_S,
        )  # fmt: skip
        self._server = _Uvicorn(config)
        self._serving = asyncio.create_task(self._server.serve([listener]))

    async def stop(self) -> None:
        if self._server is not None and self._serving is not None:
            self._server.should_exit = True
            await self._serving

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def describe(self) -> Place:
        hosts = {account: {"type": "token", "token": secret} for account, secret in self.accounts.items()}
        env = {
            "MEET_ENDPOINT": self.url,
            "MEET_HOSTS": json.dumps(hosts),
            "MEET_QUOTA_FACTOR": str(self._wire.quota.factor),
        }
        return Place("meet", self.url, env)

    def _app(self) -> Starlette:
        return Starlette(
            routes=[*Switches(self._wire, self.rooms, self._diary).routes(), *self._wire.routes()],
            middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=[LOOPBACK, "localhost"])],
            exception_handlers={MistakeError: answer_mistake},
        )


class _Uvicorn(uvicorn.Server):
    """Leaves the signals to the process that it is a guest in."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
