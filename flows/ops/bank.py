"""The doctor's look at DSSB and SPSS: tables, columns and rights, on Oracle as on PostgreSQL.

Every statement touches no row, but needs the table, its columns and the right, as the real one does.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Insert, Select, TableClause, column, false, insert, select, table, update

from blocks import database
from blocks.database import PermissionMissing
from blocks.distribution_settings import DistributionSettings
from blocks.store import load
from flows.ops.unwell import Unwell

THEORY = ("theory_id", "theory_name", "theory_start_date", "theory_end_date")
ASSIGNMENT = (
    "iin", "theory_id", "date_start", "date_end", "insert_datetime", "tab1", "tab2", "tab3", "tab4", "tab5",
)  # fmt: skip
RUN = (
    "business_date", "kind", "run_id", "status", "count_day", "remainder", "campaign_ids", "seed", "cohort_digest", "rows_read", "rows_blank",
    "rows_duplicate", "users_excluded", "users_malformed", "users", "users_a", "users_b", "users_c", "users_d",
    "users_e", "insert_datetime", "checks", "requested_by", "approved_by", "planned_at", "applied_at",
    "completed_at", "mailed_at",
)  # fmt: skip
USER = ("iin", "count_day")


async def dssb() -> str:
    """Registry readable, assignments writable, our ledger there and its fence lockable."""
    schema = (await load(DistributionSettings, "distribution-settings")).dssb_schema
    run = a_table(f"{schema}.sc_distribution_run", RUN)
    fence = a_table(f"{schema}.sc_distribution_fence", ["kind"])
    async with database.session("dssb-db") as session:
        await session.execute(reading(a_table(f"{schema}.softcollection_theories", THEORY)))
        for name in ("sc_local_control", "sc_local_target"):
            await session.execute(appending(a_table(f"{schema}.{name}", ASSIGNMENT)))
        await session.execute(appending(run))
        await session.execute(update(run).values(kind="").where(false()))
        await session.execute(reading(fence).with_for_update(nowait=True))
    return "may read the registry, write the assignments and the ledger"


async def spss() -> str:
    """Users readable and not writable, mirror writable."""
    settings = await load(DistributionSettings, "distribution-settings")
    source = a_table(settings.source, USER)
    async with database.session("spss-db") as session:
        await session.execute(reading(source))
        await session.execute(appending(a_table(settings.mirror, ASSIGNMENT)))
    if await _may_append(source):
        raise Unwell(f"connected, but this user may write to {settings.source}; ours must only read")
    return "may read the users, not write them; may write the mirror"


async def _may_append(source: TableClause) -> bool:
    try:
        async with database.session("spss-db") as session:
            await session.execute(appending(source))
    except PermissionMissing:
        return False
    return True


def a_table(name: str, columns: Iterable[str]) -> TableClause:
    schema, _, plain = name.lower().partition(".")
    return table(plain, *map(column, columns), schema=schema)


def reading(table: TableClause) -> Select[Any]:
    return select(*table.c).where(false())


def appending(table: TableClause) -> Insert:
    return insert(table).from_select(list(table.c), reading(table))
