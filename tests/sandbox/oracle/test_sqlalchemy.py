"""Through SQLAlchemy's Oracle dialects, sync and async, and prefect-sqlalchemy's connector."""

from collections.abc import AsyncIterator, Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from prefect_sqlalchemy import AsyncDriver, AsyncSqlAlchemyConnector, ConnectionComponents
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from sandbox.oracle import OracleServer
from tests.sandbox.oracle.bank import PASSWORD

tables = sa.MetaData()
target = sa.Table(
    "sc_local_target", tables,
    sa.Column("iin", sa.String(12), primary_key=True), sa.Column("theory_id", sa.String(50), primary_key=True),
    sa.Column("date_start", sa.DateTime), sa.Column("date_end", sa.Date), sa.Column("tab1", sa.String(255)),
)  # fmt: skip
runs = sa.Table(
    "sc_runs", tables,
    sa.Column("business_date", sa.Date, primary_key=True), sa.Column("kind", sa.String(20), primary_key=True),
    sa.Column("status", sa.String(20)), sa.Column("total", sa.Numeric(10)),
)  # fmt: skip
source = sa.Table("sc_1_120", tables, sa.Column("iin", sa.String(12)), sa.Column("count_day", sa.Numeric))
DAY, NOW = date(2024, 2, 29), datetime(2024, 2, 29, 9, 0, 5)


def rows(count: int, theory: str = "SC1.2") -> list[dict[str, Any]]:
    common = {"theory_id": theory, "date_start": NOW, "date_end": DAY, "tab1": None}
    return [{"iin": f"{n:012}", **common} for n in range(count)]


@pytest.fixture
def engine(oracle: OracleServer) -> Iterator[sa.Engine]:
    """By SID, which is the URL's path."""
    engine = sa.create_engine(url(oracle, "oracle+oracledb", database="DSSB"))
    yield engine
    engine.dispose()


@pytest.fixture
async def session(oracle: OracleServer) -> AsyncIterator[AsyncConnection]:
    """By service name, as asyncio needs it."""
    engine = create_async_engine(url(oracle, "oracle+oracledb_async", query={"service_name": "dssb.local"}))
    async with engine.connect() as connection:
        yield connection
    await engine.dispose()


def url(oracle: OracleServer, driver: str, **where: Any) -> sa.URL:
    return sa.URL.create(driver, "dssb_app", PASSWORD, "127.0.0.1", oracle.port, **where)


def test_the_dialect_finds_what_it_asks_for(engine: sa.Engine) -> None:
    """Its questions at the first connection are answered."""
    with engine.connect():
        assert engine.dialect.server_version_info[:1] == (19,)
        assert engine.dialect.default_schema_name == "dssb_app"
        assert engine.dialect.default_isolation_level == "READ COMMITTED"
        assert engine.dialect.max_identifier_length == 128


def test_rows_come_back_with_their_types(engine: sa.Engine) -> None:
    """Insert and select through Core: dates, decimals, NULL."""
    with engine.begin() as connection:
        connection.execute(sa.insert(target), rows(2))
        connection.execute(sa.insert(runs).values(business_date=DAY, kind="daily", status="", total=5))
        found = connection.execute(sa.select(target).order_by(target.c.iin)).first()
        assert found == ("000000000000", "SC1.2", NOW, DAY, None)
        assert connection.execute(sa.select(runs)).one() == (DAY, "daily", None, Decimal(5))
        count, latest = connection.execute(sa.select(sa.func.count(), sa.func.max(target.c.date_start))).one()
        assert (count, type(count), latest) == (2, int, NOW)


def test_core_statements_run_unchanged(engine: sa.Engine) -> None:
    """Joins, IN, CASE, window functions, unions, LIMIT and OFFSET, INSERT from SELECT, correlated deletes."""
    with engine.begin() as connection:
        connection.execute(sa.insert(target), rows(10) + rows(5, "SC1.3"))
        other = target.alias()
        joined = (
            sa.select(target.c.iin)
            .join(other, target.c.iin == other.c.iin)
            .where(other.c.theory_id == "SC1.3")
        )
        assert len(connection.execute(joined.distinct()).all()) == 5
        some = (
            sa.select(target.c.iin)
            .where(target.c.iin.in_(["000000000001", "none"]))
            .order_by(target.c.theory_id)
        )
        assert connection.scalars(some).all() == ["000000000001"] * 2
        assert connection.scalars(sa.select(target.c.iin).where(target.c.iin.in_([]))).all() == []
        place = (
            sa.func.row_number()
            .over(partition_by=target.c.theory_id, order_by=target.c.iin.desc())
            .label("place")
        )
        ranked = sa.select(target.c.iin, target.c.theory_id, place).subquery()
        first = sa.select(ranked.c.iin).where(ranked.c.place == 1).order_by(ranked.c.iin)
        assert connection.scalars(first).all() == ["000000000004", "000000000009"]
        label = sa.case((target.c.theory_id.like("%.3"), "three"), else_="two").label("label")
        grouped = (
            sa.select(label, sa.func.count()).group_by(label).having(sa.func.count() > 1).order_by(label)
        )
        assert connection.execute(grouped).all() == [("three", 5), ("two", 10)]
        both = sa.union_all(sa.select(sa.literal("x").label("x")), sa.select(target.c.theory_id)).subquery()
        assert connection.scalar(sa.select(sa.func.count()).select_from(both)) == 16
        page = (
            sa.select(target.c.iin)
            .where(target.c.theory_id == "SC1.2")
            .order_by(target.c.iin)
            .limit(2)
            .offset(3)
        )
        assert connection.scalars(page).all() == ["000000000003", "000000000004"]
        missing = ~sa.exists().where(other.c.iin == target.c.iin, other.c.theory_id == "SC1.3")
        assert connection.execute(sa.delete(target).where(missing)).rowcount == 5
        copied = sa.select(target.c.iin, sa.literal("SC2"), sa.literal(NOW)).where(
            target.c.theory_id == "SC1.2"
        )
        connection.execute(sa.insert(target).from_select(["iin", "theory_id", "date_start"], copied))
        assert connection.scalar(sa.select(sa.func.count()).where(target.c.theory_id == "SC2")) == 5


def test_the_fence_is_one_row(engine: sa.Engine) -> None:
    """FOR UPDATE NOWAIT through Core: the second one is refused."""
    fence = sa.select(runs.c.status).where(runs.c.kind == "daily").with_for_update(nowait=True)
    with engine.begin() as connection:
        connection.execute(sa.insert(runs).values(business_date=DAY, kind="daily"))
    with engine.connect() as one, engine.connect() as other:
        assert len(one.execute(fence).all()) == 1
        with pytest.raises(DBAPIError, match="ORA-00054"):
            other.execute(fence)


def test_savepoints_and_updates(engine: sa.Engine) -> None:
    """A nested transaction that fails, and executemany of an update."""
    with engine.begin() as connection:
        connection.execute(sa.insert(target), rows(3))
        nested = connection.begin_nested()
        connection.execute(sa.delete(target).where(target.c.iin == "000000000000"))
        with pytest.raises(IntegrityError, match="ORA-00001"):
            connection.execute(sa.insert(target), rows(3)[1:])
        nested.rollback()
        changed = (
            sa.update(target).where(target.c.iin == sa.bindparam("who")).values(tab1=sa.bindparam("what"))
        )
        values = [{"who": f"{n:012}", "what": str(n)} for n in range(3)]
        assert connection.execute(changed, values).rowcount == 3
        assert connection.scalars(sa.select(target.c.tab1).order_by(target.c.iin)).all() == ["0", "1", "2"]


def test_tables_can_be_created(engine: sa.Engine, truth: Any) -> None:
    """DDL of the dialect, for seeds."""
    made = sa.Table("made", sa.MetaData(), *[column._copy() for column in runs.columns])
    made.create(engine, checkfirst=False)
    assert truth("select count(*) from dssb_app.made") == [(0,)]
    made.drop(engine, checkfirst=False)


async def test_the_async_dialect_does_the_same(
    session: AsyncConnection, oracle: OracleServer, truth: Any
) -> None:
    """Thousands of rows in one call, then read in batches."""
    await session.execute(sa.insert(target), rows(3000))
    await session.commit()
    assert truth("select count(*) from dssb_app.sc_local_target") == [(3000,)]
    found = (await session.scalars(sa.select(target.c.iin))).all()
    assert (len(found), min(found)) == (3000, "000000000000")
    assert [entry.bound for entry in oracle.log if entry.kind == "dml"] == [3000]


async def test_an_async_stream_ends_early(session: AsyncConnection) -> None:
    """A reader that stops in the middle leaves the connection usable."""
    await session.execute(sa.insert(target), rows(1000))
    result = await session.stream(sa.select(target.c.iin))
    assert len(await result.fetchmany(10)) == 10
    await result.close()
    assert await session.scalar(sa.select(sa.func.count()).select_from(target)) == 1000


async def test_prefects_connector_works(oracle: OracleServer) -> None:
    """AsyncSqlAlchemyConnector with the SID as the database."""
    components = ConnectionComponents(
        driver=AsyncDriver.ORACLE_ORACLEDB_ASYNC,
        database="DSSB", username="dssb_app", password=PASSWORD, host="127.0.0.1", port=oracle.port,
    )  # fmt: skip
    engine = AsyncSqlAlchemyConnector(connection_info=components).get_engine(poolclass=NullPool)
    async with engine.connect() as connection:
        assert await connection.scalar(sa.text("select 1 from dual")) == 1
    await engine.dispose()
