"""The bank's two Oracle databases: one listener, PostgreSQL behind it, switches and its log over HTTP."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.forms import read_body
from sandbox.oracle import Database, Fault, Login, OracleServer
from sandbox.state import LOOPBACK, State


def listener(state: State) -> OracleServer:
    """Return the listener for DSSB and SPSS; the roles' rights are those of the seeds."""
    databases = {sid: _database(state, sid, variables) for sid, variables in VARIABLES.items()}
    return OracleServer(databases, port=state.port("oracle"))


VARIABLES = {"DSSB": "ORACLE", "SPSS": "SPSS_ORACLE"}


def _database(state: State, sid: str, variables: str) -> Database:
    role = f"{sid.lower()}_app"
    login = Login(state.secret(f"oracle {role}"), role, state.secret(role))
    conninfo = f"host={LOOPBACK} port={state.port('postgres')} dbname={sid.lower()}"
    return Database(conninfo, f"{sid.lower()}.sandbox", {role.upper(): login}, variables)


def routes(oracle: OracleServer) -> list[Route]:
    """Return what the admin page serves of it."""

    async def log(_request: Request) -> Response:
        return JSONResponse([vars(entry) for entry in list(oracle.log)])

    async def clear_log(_request: Request) -> Response:
        oracle.log.clear()
        return JSONResponse([])

    async def fault(request: Request) -> Response:
        wanted = await read_body(request, Fault)
        oracle.fault(wanted)
        return JSONResponse(wanted.model_dump())

    async def clear_faults(_request: Request) -> Response:
        oracle.clear_faults()
        return JSONResponse([])

    return [
        Route("/oracle/log", log),
        Route("/oracle/log", clear_log, methods=["DELETE"]),
        Route("/oracle/fault", fault, methods=["POST"]),
        Route("/oracle/fault", clear_faults, methods=["DELETE"]),
    ]
