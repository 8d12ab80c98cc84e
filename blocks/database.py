"""The databases: prefect-sqlalchemy's connectors, opened one session at a time.

Source  docs/runbook.md has a heading for each exception below
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from asyncpg import PostgresError  # SQLAlchemy does not wrap what is raised while connecting
from prefect_sqlalchemy import AsyncSqlAlchemyConnector
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.pool import NullPool

from blocks.problem import Problem
from blocks.store import load


class DatabaseProblem(Problem):
    """{block}: the database answered {reason}. Check its own log; PostgreSQL's appendix A explains the code."""


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
    """{block}: the user lacks a right on a table ({reason}). The grants are listed in docs/pop.md."""

    heals = False


class StatementRefused(DatabaseProblem):
    """{block}: the database does not understand our statement ({reason}). Its version or its tables differ
    from what docs/pop.md asks for.
    """

    heals = False


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
}


@asynccontextmanager
async def session(block: str) -> AsyncIterator[AsyncConnection]:
    """Yield one session of the database behind `block`; leaving it ends the session and frees its locks.

    Raises:
        DatabaseProblem: the database is away, refuses us, or is not as we need it.
        BlockMissing: there is no such Block.
    """
    connector = await load(AsyncSqlAlchemyConnector, block)
    # A pooled connection would live on, with its advisory locks; parameters may be identifiers.
    engine = connector.get_engine(poolclass=NullPool, hide_parameters=True)
    try:
        with explained(block):
            async with engine.connect() as connection:
                yield connection
    finally:
        await engine.dispose()


@contextmanager
def explained(block: str) -> Iterator[None]:
    """Turn a driver's exception into the one that tells the operator what to do."""
    try:
        yield
    except (DBAPIError, OSError, PostgresError) as error:
        raise explain(block, error) from error


def explain(block: str, error: Exception) -> DatabaseProblem:
    """Return the `DatabaseProblem` for a driver's exception, by its SQLSTATE."""
    cause = getattr(error, "orig", None) or error
    sqlstate = getattr(cause, "sqlstate", None)
    if sqlstate is None:
        return DatabaseUnreachable(block=block, reason=_reason(cause))
    kinds = (_BY_SQLSTATE.get(sqlstate[:length]) for length in (5, 2))
    kind = next((kind for kind in kinds if kind), DatabaseProblem)
    return kind(block=block, reason=f"{sqlstate}, {_reason(cause)}")


def _reason(cause: BaseException) -> str:
    """One line; the driver's second line (DETAIL) may hold a row's values."""
    root = cause.__cause__ or cause
    first = str(root).splitlines()[:1]
    return f"{type(root).__name__}: {first[0][:160]}" if first else type(root).__name__
