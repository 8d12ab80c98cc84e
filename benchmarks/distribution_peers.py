"""The peers of the write step: what people write who have a list of rows and a database driver.

Each opens its own connections and writes all three tables, a transaction for each database where nothing else is
said. The rows have the form that it likes best, and the order that the key likes best, before the clock starts.
"""

import asyncio
from collections.abc import Callable, Iterable
from itertools import count, repeat
from typing import Any

import asyncpg
import pandas as pd
import psycopg
from sqlalchemy import Engine, Table, create_engine, insert
from sqlalchemy.pool import NullPool

from benchmarks.distribution_banks import Banks
from benchmarks.distribution_load import COLUMNS, Filled, Load, records, timed
from blocks.bulk import Rows


def row_by_row(banks: Banks, load: Load, *, autocommit: bool = False) -> float:
    """Execute a statement for each row, one database after the other."""

    def execute(dsn: str, tables: Filled) -> None:
        with psycopg.connect(dsn, autocommit=autocommit) as connection:
            for table, records in tables:
                statement = _insert(table, repeat("%s"))
                for record in records:
                    connection.execute(statement, record)

    return timed(execute, banks, _formed(load, records))


def to_sql(banks: Banks, load: Load) -> float:
    """Let pandas write its frames, one database after the other."""

    def append(dsn: str, tables: Filled) -> None:
        with _engine(dsn).begin() as connection:
            for table, frame in tables:
                frame.to_sql(table.name, connection, schema=table.schema, if_exists="append", index=False)

    return timed(append, banks, _formed(load, lambda parts: pd.DataFrame(records(parts), columns=COLUMNS)))


def sqlalchemy_many(banks: Banks, load: Load) -> float:
    """Give SQLAlchemy Core lists of dictionaries, one database after the other."""

    def execute(dsn: str, tables: Filled) -> None:
        with _engine(dsn).begin() as connection:
            for table, records in tables:
                connection.execute(insert(table), records)

    return timed(execute, banks, _formed(load, _dictionaries))


def asyncpg_many(banks: Banks, load: Load) -> float:
    """Give asyncpg lists of tuples, both databases at once."""

    async def execute(dsn: str, tables: Filled) -> None:
        connection = await asyncpg.connect(dsn)
        async with connection.transaction():
            for table, records in tables:
                await connection.executemany(_insert(table, (f"${place}" for place in count(1))), records)
        await connection.close()

    def run(dsn: str, tables: Filled) -> None:
        asyncio.run(execute(dsn, tables))

    return timed(run, banks, _formed(load, records), at_once=2)


def _formed(load: Load, form: Callable[[list[Rows]], Any]) -> dict[str, Filled]:
    return {
        name: [(table, form(parts)) for table, parts in filled] for name, filled in load.databases.items()
    }


def _dictionaries(parts: list[Rows]) -> list[dict[str, Any]]:
    return [dict(zip(COLUMNS, record, strict=True)) for record in records(parts)]


def _insert(table: Table, places: Iterable[str]) -> str:
    marks = (mark for mark, _ in zip(places, COLUMNS, strict=False))
    return f"insert into {table.fullname} ({', '.join(COLUMNS)}) values ({', '.join(marks)})"


def _engine(dsn: str) -> Engine:
    return create_engine(dsn.replace("postgresql", "postgresql+psycopg", 1), poolclass=NullPool)
