"""What the admin page serves of the broker: counters, depths, faults."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.amqp.faults import Fault
from sandbox.amqp.server import AmqpServer
from sandbox.forms import read_body


def routes(amqp: AmqpServer) -> list[Route]:
    """Return the broker's part of the admin pages."""

    async def counters(_request: Request) -> Response:
        return JSONResponse(_view(amqp))

    async def fault(request: Request) -> Response:
        amqp.fault(await read_body(request, Fault))
        return JSONResponse(_view(amqp))

    async def clear_faults(_request: Request) -> Response:
        amqp.clear_faults()
        return JSONResponse(_view(amqp))

    async def cut(_request: Request) -> Response:
        await amqp.cut_connections()
        return JSONResponse(_view(amqp))

    return [
        Route("/amqp/counters", counters),
        Route("/amqp/fault", fault, methods=["POST"]),
        Route("/amqp/fault", clear_faults, methods=["DELETE"]),
        Route("/amqp/cut", cut, methods=["POST"]),
    ]


def _view(amqp: AmqpServer) -> dict[str, Any]:
    faults = [fault.model_dump(mode="json", exclude_defaults=True) for fault in amqp.faults()]
    return {**amqp.counters.as_json(), "waiting": amqp.depths(), "faults": faults}
