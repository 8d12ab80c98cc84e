"""Our own tables in `state-db`: each process's schema.sql, which may be executed again at any time."""

from importlib import resources

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from blocks import database
from deployments.change import Change, Changed

BLOCK = "state-db"

# package with a schema.sql → the schema of the database that it fills
SCHEMAS = {"flows.common": "metronome", "flows.pop": "pop", "flows.payout": "payout"}

_CATALOG = text("""
    select 'column', table_name, column_name, data_type || is_nullable || coalesce(column_default, '')
    from information_schema.columns where table_schema = :schema
    union all
    select 'index', tablename, indexname, indexdef from pg_indexes where schemaname = :schema
    order by 1, 2, 3
""")


async def apply(changed: Changed) -> None:
    """Create what is missing.

    Raises:
        DatabaseProblem: the database is away or refuses us.
    """
    async with database.session(BLOCK) as session:
        for package, schema in SCHEMAS.items():
            before = await _catalog(session, schema)
            await _execute(session, (resources.files(package) / "schema.sql").read_text("utf-8"))
            after = await _catalog(session, schema)
            change = Change.UNCHANGED if before == after else Change.UPDATED if before else Change.CREATED
            changed.note("schema", f"{BLOCK}: {schema}", change)
        await session.commit()


async def _catalog(session: AsyncConnection, schema: str) -> list[tuple[str, ...]]:
    rows = await session.execute(_CATALOG, {"schema": schema})
    return [tuple(row) for row in rows]


async def _execute(session: AsyncConnection, script: str) -> None:
    # Only the driver's own `execute` takes several statements at once.
    raw = await session.get_raw_connection()
    assert raw.driver_connection is not None
    await raw.driver_connection.execute(script)
