"""Columns of bytes go into a real database and come back as they were, whatever stands in them."""

from collections.abc import AsyncIterator
from datetime import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, DateTime, MetaData, String, Table, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from blocks import bulk
from blocks.bulk import Rows
from sandbox import World

TABLE = Table(
    "bulk_rows",
    MetaData(),
    Column("iin", String(60)),
    Column("theory_id", String(50)),
    Column("at", DateTime),
    Column("tab1", String(255)),
)
# What a text of a database may hold: anything but NUL and lone surrogates.
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=15)


@pytest.fixture
async def connection(world: World) -> AsyncIterator[AsyncConnection]:
    """A session with an empty table of its own."""
    env = world.env
    address = "{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format_map(
        {name.removeprefix("STATE_DB_"): value for name, value in env.items()}
    )
    engine = create_async_engine(f"postgresql+asyncpg://{address}")
    async with engine.connect() as connection:
        await connection.execute(
            text("create temporary table bulk_rows (iin text, theory_id text, at timestamp, tab1 text)")
        )
        yield connection
    await engine.dispose()


def column(values: list[str]) -> bulk.Column:
    return np.array([value.encode() for value in values])


@given(st.lists(texts, min_size=1, max_size=50))
def test_what_is_written_as_copy_text_is_read_as_it_was(values: list[str]) -> None:
    """Tabs, newlines and backslashes included."""
    wanted = column(values)
    assert bulk.parse_copy_text(bulk.copy_text(wanted, column(["\n"]))).tolist() == wanted.tolist()


def test_nothing_is_read_as_nothing() -> None:
    """No row is an empty column, not an error."""
    assert bulk.parse_copy_text(b"").tolist() == []


async def test_rows_come_back_as_they_went(connection: AsyncConnection) -> None:
    """Values with every odd character, constants with tabs, quotes and NULL."""
    odd = ["001", "a\tb", "c\\d", "е\nж", "\\N", "'", "x\r", "п" * 30]
    constants = {"theory_id": "SC\t1.'2\\", "at": None, "tab1": None}
    sent = await bulk.insert_rows(connection, TABLE, [Rows("iin", column(odd), constants)])
    assert sent == len(odd)
    rows = (await connection.execute(select(TABLE))).all()
    assert sorted(row.iin for row in rows) == sorted(odd)
    assert {(row.theory_id, row.at, row.tab1) for row in rows} == {("SC\t1.'2\\", None, None)}


async def test_a_column_is_read_with_its_nulls_as_blanks(connection: AsyncConnection) -> None:
    """A row without a value is a row still."""
    await connection.execute(text("insert into bulk_rows (iin) values (null), (''), (' 07'), ('12345')"))
    read = await bulk.read_column(connection, select(TABLE.c.iin))
    assert sorted(read.tolist()) == [b"", b"", b" 07", b"12345"]


async def test_parts_are_written_in_one_go_and_empty_ones_do_not_matter(connection: AsyncConnection) -> None:
    """More rows than one piece of COPY text holds."""
    many = np.arange(bulk.COPY_ROWS + 7).astype("S")
    none = np.array([], dtype="S1")
    parts = [
        Rows("iin", values, {"theory_id": name})
        for name, values in (("a", many), ("b", none), ("c", many[:3]))
    ]
    assert await bulk.insert_rows(connection, TABLE, parts) == len(many) + 3
    counts = await connection.execute(select(TABLE.c.theory_id, func.count()).group_by(TABLE.c.theory_id))
    assert dict(counts.tuples().all()) == {"a": len(many), "c": 3}
    assert await bulk.insert_rows(connection, TABLE, []) == 0


async def test_rows_go_in_the_order_of_what_varies(connection: AsyncConnection) -> None:
    """Whatever part they are of, and each with its own part's constants: an index on it grows at its end."""
    parts = [
        Rows("iin", column(list(values)), {"theory_id": name, "at": at, "tab1": None})
        for values, name, at in (("fcb", "a", datetime(2030, 1, 31)), ("eda", "b", datetime(2030, 1, 31, 9)))
    ]
    assert await bulk.insert_rows(connection, TABLE, parts) == 6
    rows = (await connection.execute(text("select iin, theory_id, at from bulk_rows order by ctid"))).all()
    assert "".join(row.iin for row in rows) == "abcdef"
    assert "".join(row.theory_id for row in rows) == "baabba"
    assert {row.theory_id: row.at.hour for row in rows} == {"a": 0, "b": 9}


async def test_what_is_written_belongs_to_the_transaction(connection: AsyncConnection) -> None:
    """A rollback takes it back, also where COPY is the first thing that is said."""
    await connection.commit()
    await bulk.insert_rows(connection, TABLE, [Rows("iin", column(["1"]), {})])
    await connection.rollback()
    assert await connection.scalar(select(func.count()).select_from(TABLE)) == 0
