"""The sandbox's switches and counters over HTTP, and pages for people."""

import asyncio
import contextlib
import socket
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import uvicorn
from pydantic import BaseModel, ConfigDict, Field
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.templating import Jinja2Templates

from sandbox import banks
from sandbox.forms import MistakeError, answer_mistake, read, read_body
from sandbox.game import Capacity, Fault, GameServer
from sandbox.mail import Mail, MailRefusal, MailSink
from sandbox.oracle import OracleServer
from sandbox.service import Place
from sandbox.state import LOOPBACK

PAGES = Jinja2Templates(Path(__file__).with_name("pages"))


class Slice(BaseModel):
    """Which arrivals."""

    model_config = ConfigDict(extra="forbid")

    after: int = Field(0, ge=0, description="how many arrivals you have already, 0 or more")


class Admin:
    """Serves on loopback; what it switches is handed in, `more` as routes of their own."""

    def __init__(
        self,
        game: GameServer,
        mail: MailSink,
        oracle: OracleServer,
        *,
        more: Iterable[Route] = (),
        port: int = 0,
    ) -> None:
        self.game, self.mail, self.oracle, self.port = game, mail, oracle, port
        self._more = tuple(more)
        self._server: _Uvicorn | None = None
        self._serving: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    async def start(self) -> None:
        listener = socket.create_server((LOOPBACK, self.port))
        # Else the second half of each answer waits 40 ms for the first one's receipt.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port = listener.getsockname()[1]
        config = uvicorn.Config(self.app(), log_config=None,
            lifespan="off", ws="none", log_level="warning", access_log=False,
                                timeout_graceful_shutdown=1)  # fmt: skip
        self._server = _Uvicorn(config)
        self._serving = asyncio.create_task(self._server.serve([listener]))

    async def stop(self) -> None:
        if self._server is not None and self._serving is not None:
            self._server.should_exit = True
            await self._serving

    def describe(self) -> Place:
        return Place("admin", f"{self.url}/", {"SANDBOX_ADMIN_URL": self.url})

    def app(self) -> Starlette:
        routes = [
            Route("/", self.index),
            Route("/game/counters", self.counters),
            Route("/game/arrivals", self.arrivals),
            Route("/game/fault", self.fault, methods=["POST"]),
            Route("/game/fault", self.clear_faults, methods=["DELETE"]),
            Route("/game/reset", self.reset, methods=["POST"]),
            Route("/game/capacity", self.capacity, methods=["POST"]),
            Route("/mail", self.mails),
            Route("/mail", self.clear_mails, methods=["DELETE"]),
            Route("/mail/refuse", self.refuse_mails, methods=["POST"]),
            Route("/mail/refuse", self.accept_mails, methods=["DELETE"]),
            Route("/mail/{number:int}", self.mail_page),
            *banks.routes(self.oracle),
            *self._more,
        ]
        only_local = Middleware(TrustedHostMiddleware, allowed_hosts=[LOOPBACK, "localhost"])
        return Starlette(
            routes=routes, middleware=[only_local], exception_handlers={MistakeError: answer_mistake}
        )

    async def index(self, request: Request) -> Response:
        places = [part.describe() for part in (self.game, self.mail, self.oracle, self)]
        facts = {"places": places, "counters": self._game(), "mails": self.mail.mails[::-1]}
        return PAGES.TemplateResponse(request, "index.html", facts)

    async def counters(self, _request: Request) -> Response:
        return JSONResponse(self._game())

    async def arrivals(self, request: Request) -> Response:
        after = read(dict(request.query_params), Slice).after
        return JSONResponse([arrival._asdict() for arrival in self.game.counters.arrivals(after)])

    async def fault(self, request: Request) -> Response:
        self.game.fault(await read_body(request, Fault))
        return JSONResponse(self._game())

    async def clear_faults(self, _request: Request) -> Response:
        self.game.clear_faults()
        return JSONResponse(self._game())

    async def reset(self, _request: Request) -> Response:
        self.game.reset()
        return JSONResponse(self._game())

    async def capacity(self, request: Request) -> Response:
        self.game.limit(await read_body(request, Capacity))
        return JSONResponse(self._game())

    async def mails(self, _request: Request) -> Response:
        return JSONResponse([_as_json(mail) for mail in self.mail.mails])

    async def mail_page(self, request: Request) -> Response:
        number = request.path_params["number"]
        for mail in self.mail.mails:
            if mail.number == number:
                return PAGES.TemplateResponse(request, "mail.html", {"mail": mail})
        raise HTTPException(404, f"There is no mail {number}: GET /mail lists those that are kept.")

    async def clear_mails(self, request: Request) -> Response:
        self.mail.clear()
        return await self.mails(request)

    async def refuse_mails(self, request: Request) -> Response:
        refusal = await read_body(request, MailRefusal)
        self.mail.refuse(refusal)
        return JSONResponse({"refusing": refusal.model_dump()})

    async def accept_mails(self, _request: Request) -> Response:
        self.mail.refuse(None)
        return JSONResponse({"refusing": None})

    def _game(self) -> dict[str, Any]:
        counters = self.game.counters
        return {
            "connections": counters.connections,
            "messages": counters.messages,
            "outcomes": counters.outcomes,
            "refused": dict(counters.refused),
            "accounts_served": len(counters.served),
            "pops": counters.pops,
            "in_flight": counters.in_flight,
            "most_in_flight": counters.most_in_flight,
            "smallest_gap_s": counters.smallest_gap_s,
            "largest_gap_s": counters.largest_gap_s,
            "capacity": self.game.capacity.model_dump(),
            "faults": [fault.model_dump(mode="json", exclude_defaults=True) for fault in self.game.faults()],
        }


def _as_json(mail: Mail) -> dict[str, Any]:
    return {
        "number": mail.number,
        "from": str(mail.message["From"] or mail.sender),
        "to": str(mail.message["To"] or ""),
        "recipients": mail.recipients,
        "subject": str(mail.message["Subject"] or ""),
        "date": str(mail.message["Date"] or ""),
        "text": mail.part("plain"),
        "html": mail.part("html"),
        "attachments": mail.attachments,
    }


class _Uvicorn(uvicorn.Server):
    """Leaves the signals to the process that it is a guest in."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
