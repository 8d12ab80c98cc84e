"""The databases, PostgreSQL and Oracle: prefect-sqlalchemy's connectors, opened one session at a time.

Source  docs/runbook.md has a heading for each exception below
"""

import logging
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from asyncpg import PostgresError  # SQLAlchemy does not wrap what is raised while connecting
from prefect_sqlalchemy import AsyncSqlAlchemyConnector, ConnectionComponents
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from blocks.problem import Problem
from blocks.store import load


class DatabaseProblem(Problem):
    """{block}: the database answered {reason}. Check its own log; its manual's list of errors explains
    the code.
    """


class DatabaseUnreachable(DatabaseProblem):
    """{block}: nothing answers at its address ({reason}). Check that the server runs and that host and port
    in the Block are right.
    """


class DatabaseAccessDenied(DatabaseProblem):
    """{block}: the database refuses user, password or database name ({reason}). Correct them in .env and run
    `make apply`.
    """

    heals = False


class TableMissing(DatabaseProblem):
    """{block}: a table or column that we need is not there ({reason}). Ours are created by `make apply`;
    for the others ask the owner of the database.
    """

    heals = False


class PermissionMissing(DatabaseProblem):
    """{block}: the user lacks a right on a table ({reason}). {page} lists the grants."""

    heals = False


class StatementRefused(DatabaseProblem):
    """{block}: the database does not understand our statement ({reason}). Its version or its tables differ
    from what {page} asks for.
    """

    heals = False


class DuplicateKey(DatabaseProblem):
    """{block}: a row with the same key is already there ({reason}). Nothing of this transaction was written;
    find out who wrote that row.
    """

    heals = False


class RowLocked(DatabaseProblem):
    """{block}: somebody else holds the row or table that we need ({reason})."""


# The page of the process that the Block is for; what lies in state-db, and who may what there, is told by payout's.
_PAGES = {
    "pop-db": "docs/pop.md",
    "dssb-db": "docs/distribution.md",
    "spss-db": "docs/distribution.md",
    "game-db": "docs/payout.md",
    "state-db": "docs/payout.md",
}
_BY_SQLSTATE = {
    "28": DatabaseAccessDenied,  # invalid authorization
    "3D": DatabaseAccessDenied,  # no such database
    "42P01": TableMissing,
    "42703": TableMissing,  # no such column
    "3F": TableMissing,  # no such schema
    "42501": PermissionMissing,
    "42": StatementRefused,  # syntax, types, unknown functions
    "08": DatabaseUnreachable,
    "57": DatabaseUnreachable,  # shutting down, starting up
    "53": DatabaseUnreachable,  # too many connections, disk full
    "23505": DuplicateKey,
    "55P03": RowLocked,
}
_BY_ORACLE = {
    DatabaseAccessDenied: {
        "ORA-01017", "ORA-01045", "ORA-28000", "ORA-28001",  # user, password, no right to connect, locked, expired
        "ORA-12505", "ORA-12514", "DPY-6001", "DPY-6003",  # no such SID or service
    },
    DatabaseUnreachable: {
        "DPY-4011", "DPY-6000", "DPY-6005", "ORA-03113", "ORA-03114", "ORA-12170", "ORA-12541",  # the line
        "ORA-00020", "ORA-01033", "ORA-01034", "ORA-01089", "ORA-01536", "ORA-01653", "ORA-01654",  # full, or down
    },
    TableMissing: {"ORA-00904", "ORA-00942"},
    PermissionMissing: {"ORA-01031", "ORA-01950"},
    DuplicateKey: {"ORA-00001"},
    RowLocked: {"ORA-00054", "ORA-30006"},
}  # fmt: skip
FETCH_ROWS = 10_000  # in one round trip; Oracle's driver would take 100
_IDENTIFIER = re.compile(r"\d{12}")
# SQLAlchemy tells every row that it reads at DEBUG, whatever its parameters are told to hide.
LOGGER = "metronome"
logging.getLogger(f"sqlalchemy.engine.Engine.{LOGGER}").addFilter(lambda line: line.levelno > logging.DEBUG)


@asynccontextmanager
async def session(block: str) -> AsyncIterator[AsyncConnection]:
    """Yield one session of the database behind `block`; leaving it ends the session and frees its locks.

    Raises:
        DatabaseProblem: the database is away, refuses us, or is not as we need it.
        BlockMissing: there is no such Block.
    """
    connector = await load(AsyncSqlAlchemyConnector, block)
    engine = _engine(connector)
    try:
        with explained(block):
            async with engine.connect() as connection:
                yield connection
    finally:
        await engine.dispose()


def _engine(connector: AsyncSqlAlchemyConnector) -> AsyncEngine:
    """The connector's own `get_engine` would write a line into the run's log for every session."""
    info = connector.connection_info
    url = info.create_url() if isinstance(info, ConnectionComponents) else make_url(str(info))
    return create_async_engine(
        url,
        connect_args=connector.connect_args or {},
        **({"arraysize": FETCH_ROWS} if url.get_backend_name() == "oracle" else {}),
        # A pooled connection would live on, with its advisory locks; parameters may be identifiers.
        poolclass=NullPool,
        hide_parameters=True,
        logging_name=LOGGER,
    )


@contextmanager
def explained(block: str) -> Iterator[None]:
    """Turn a driver's exception into the one that tells the operator what to do."""
    try:
        yield
    except (DBAPIError, OSError, PostgresError) as error:
        # The driver's own text may quote a row's key, and whoever logs a chain logs all of it.
        raise explain(block, error) from None


def explain(block: str, error: Exception) -> DatabaseProblem:
    """Return the `DatabaseProblem` for a driver's exception, by its SQLSTATE or Oracle's code."""
    cause = getattr(error, "orig", None) or error
    page = _PAGES.get(block, "the process's page in docs/")
    code = getattr(cause, "sqlstate", None)
    if code is not None:
        return _by_sqlstate(code)(block=block, page=page, reason=f"{code}, {_reason(cause)}")
    return _by_oracle(cause)(block=block, page=page, reason=_reason(cause))


def _by_sqlstate(code: str) -> type[DatabaseProblem]:
    kinds = (_BY_SQLSTATE.get(code[:length]) for length in (5, 2))
    return next((kind for kind in kinds if kind), DatabaseProblem)


def _by_oracle(cause: BaseException) -> type[DatabaseProblem]:
    """An error without any code is the operating system's: nobody answers."""
    root = cause.__cause__ or cause  # "cannot connect" is all that the outer one says of a wrong SID
    code = getattr(root.args[0], "full_code", None) if root.args else None
    if code is None:
        return DatabaseUnreachable
    known = (kind for kind, codes in _BY_ORACLE.items() if code in codes)
    return next(known, StatementRefused if code.startswith("ORA-009") else DatabaseProblem)


def _reason(cause: BaseException) -> str:
    """One line; the driver's other lines may hold a row's values, and so may an identifier in the first."""
    root = cause.__cause__ or cause
    first = _IDENTIFIER.sub("***", next(iter(str(root).splitlines()), ""))[:160]
    return f"{type(root).__name__}: {first}" if first else type(root).__name__
