"""What every part of the ledger does with its session: all of a step or nothing, and errors that say what to do."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from sqlalchemy import CursorResult, TextClause
from sqlalchemy.ext.asyncio import AsyncConnection

from blocks import database
from flows.common.duty import BLOCK
from flows.common.sql import statements
from flows.payout.models import Target


class Part:
    """A part of the ledger: one session of state-db, one contract.

    Args:
        connection: between transactions; nothing else uses it meanwhile.
    """

    def __init__(self, connection: AsyncConnection, target: Target) -> None:
        self._connection = connection
        self._target = target
        self._place = {"chain_id": target.chain_id, "contract": target.contract}

    @asynccontextmanager
    async def _step(self) -> AsyncIterator[None]:
        """Commit what the body does, or nothing of it.

        Raises:
            DatabaseProblem: the database is away or refuses.
        """
        try:
            with database.explained(BLOCK):
                yield
                await self._connection.commit()
        except BaseException:
            with suppress(Exception):  # a session that is dead has nothing to roll back
                await self._connection.rollback()
            raise

    async def _do(self, statement: TextClause, /, **parameters: Any) -> CursorResult[Any]:
        return await self._connection.execute(statement, parameters)

    async def _rows(self, statement: TextClause, /, **parameters: Any) -> list[Mapping[str, Any]]:
        """Return all rows of a statement that only reads."""
        async with self._step():
            return [dict(row) for row in (await self._do(statement, **parameters)).mappings()]


PLANNING = statements(__package__, "planning.sql")
QUERIES = statements(__package__)
AUDIT = statements(__package__, "audit.sql")
