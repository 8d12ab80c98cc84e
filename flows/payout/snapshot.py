"""The players as the game has them in one moment, streamed from its database into ours.

The bytes go through as they come: a million players are never objects of Python.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

from sqlalchemy import BigInteger, Numeric, Text, cast, column, func, quoted_name, select, table, text
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from blocks import database
from flows.payout.models import Source
from flows.payout.refusals import PlayersNotUnique
from flows.payout.session import PLANNING

GAME_DB = "game-db"
Look = Callable[[bytes], Awaitable[None]]
PIECES = 16  # of COPY text, in memory at once
WALLET_CHARACTERS = 64  # a longer one is malformed all the same


async def take(game: AsyncConnection, ours: AsyncConnection, source: Source, look: Look) -> None:
    """Fill the temporary table `payout_snapshot` of our transaction, which it lives as long as.

    Args:
        game: where the players are.
        ours: where they go.
        source: how the game calls them.
        look: is shown the COPY text in pieces as they come by: id, coins, wallet.

    Raises:
        PlayersNotUnique: an id is missing, or there twice.
    """
    await ours.execute(PLANNING["make_snapshot"])
    try:
        with database.explained(GAME_DB):
            await game.execute(text("set transaction isolation level repeatable read, read only"))
        await _copy(game, ours, query(source, game.dialect), look)
    finally:
        with suppress(Exception):  # a session that is dead has nothing to roll back
            await game.rollback()
    await _key(ours, source)


def query(source: Source, dialect: Dialect) -> str:
    """Return what the game's database is asked.

    >>> from sqlalchemy.dialects import postgresql
    >>> query(Source(table="users"), postgresql.dialect())
    'SELECT CAST(id AS BIGINT) AS id, CAST(coins AS NUMERIC) AS coins, left(CAST(wallet AS TEXT), 64) AS left_1 FROM users'
    """
    schema, _, name = source.table.rpartition(".")
    users = table(quoted_name(name, quote=None), schema=schema or None)
    columns = (
        cast(column(source.id), BigInteger).label(source.id),
        cast(column(source.coins), Numeric).label(source.coins),
        func.left(cast(column(source.wallet), Text), WALLET_CHARACTERS),
    )
    compiled = select(*columns).select_from(users).compile(
        dialect=dialect, compile_kwargs={"literal_binds": True}
    )  # fmt: skip
    return " ".join(str(compiled).split())


async def _copy(game: AsyncConnection, ours: AsyncConnection, statement: str, look: Look) -> None:
    reader = (await game.get_raw_connection()).driver_connection
    writer = (await ours.get_raw_connection()).driver_connection
    assert reader is not None
    assert writer is not None
    pieces: asyncio.Queue[bytes | None] = asyncio.Queue(PIECES)

    async def take_in(piece: bytes) -> None:
        await look(piece)
        await pieces.put(piece)

    async def read() -> None:
        try:
            with database.explained(GAME_DB):
                await reader.copy_from_query(statement, output=take_in, format="text")
        finally:
            await pieces.put(None)

    reading = asyncio.create_task(read())
    try:
        await writer.copy_to_table("payout_snapshot", source=_until_end(pieces, reading))
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def _until_end(
    pieces: "asyncio.Queue[bytes | None]", reading: asyncio.Task[None]
) -> AsyncIterator[bytes]:
    while (piece := await pieces.get()) is not None:
        yield piece
    await reading  # an error of the game's database ends our COPY with it


async def _key(ours: AsyncConnection, source: Source) -> None:
    try:
        await ours.execute(PLANNING["key_snapshot"])
    except IntegrityError:
        raise PlayersNotUnique(table=source.table) from None
    await ours.execute(PLANNING["analyse_snapshot"])
