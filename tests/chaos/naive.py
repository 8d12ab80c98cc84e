"""The negative control: the day as the old service did it, row by row, every row a transaction, and no ledger."""

import asyncio
import random
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import asyncpg

GROUPS = 5
CAMPAIGNS = """
select distinct split_part(theory_id, '.', 1) as id, theory_start_date as start, theory_end_date as finish
from dssb_app.softcollection_theories where now() between theory_start_date and theory_end_date order by 1
"""
USERS = "select distinct trim(iin) from spss_user_dracrm.sc_1_120 where count_day = 5 and trim(iin) <> ''"
INSERT = (
    "insert into {} (iin, theory_id, date_start, date_end, insert_datetime) values ($1, $2, $3, $4, now())"
)


def distribute(dssb: Mapping[str, Any], spss: Mapping[str, Any]) -> None:
    """Run the day; both arguments say where a database is, as asyncpg wants it."""
    asyncio.run(_distribute(dssb, spss))


async def _distribute(dssb: Mapping[str, Any], spss: Mapping[str, Any]) -> None:
    ours, theirs = await asyncpg.connect(**dssb), await asyncpg.connect(**spss)
    campaigns = await ours.fetch(CAMPAIGNS)
    users = [row[0] for row in await theirs.fetch(USERS)]
    random.shuffle(users)
    for place, user in enumerate(users):
        campaign = campaigns[place % len(campaigns)]
        group = place // len(campaigns) % GROUPS + 1
        row = (user, f"{campaign['id']}.{group}", campaign["start"], campaign["finish"])
        table = "sc_local_control" if group == 1 else "sc_local_target"
        with suppress(asyncpg.UniqueViolationError):
            await ours.execute(INSERT.format(f"dssb_app.{table}"), *row)
        if group > 1:
            await theirs.execute(INSERT.format("spss.sc_theory_users"), *row)
    await ours.close()
    await theirs.close()
