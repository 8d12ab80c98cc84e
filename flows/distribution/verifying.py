"""What both databases hold of a day, counted by the auditor's own statements (queries.sql). Reads only."""

from datetime import date, timedelta
from typing import Any

import numpy as np
from prefect import task
from sqlalchemy import Select, String, TextClause, select, text

from blocks import bulk, database
from flows.common.sealed import sealed
from flows.common.sql import statements
from flows.distribution.cohort import Iins
from flows.distribution.frames import NOTHING
from flows.distribution.ledger import BLOCK as DSSB
from flows.distribution.statements import midnight
from flows.distribution.tasks import LONG
from flows.distribution.verdict import Held
from flows.distribution.work import SPSS, Work

SQL = statements(__package__)
WRITTEN = ("dssb_app.sc_local_control", "dssb_app.sc_local_target", "spss.sc_theory_users")


def asked(name: str, names: tuple[str, str, str], day: date) -> TextClause:
    """Return a statement about one calendar day, with `names` for control, target and mirror."""
    told = SQL[name].text
    for written, ours in zip(WRITTEN, names, strict=True):
        told = told.replace(written, ours)
    return text(told).bindparams(since=midnight(day), before=midnight(day + timedelta(days=1)))


@task(**LONG)
@sealed
async def count_dssb(work: Work, day: date) -> tuple[dict[str, int], dict[str, int], int]:
    """Count rows by theory id in control and target, and the users who have them."""
    counts, [(_, users)] = await _rows(DSSB, work, day, "verify_counts", "verify_distinct")
    control, target = (
        {theory_id or NOTHING: int(rows) for table, theory_id, rows in counts if table.strip() == name}
        for name in ("sc_local_control", "sc_local_target")
    )
    return control, target, int(users)


@task(**LONG)
@sealed
async def count_spss(work: Work, day: date) -> tuple[dict[str, int], int]:
    """Count rows by theory id in the mirror, and the users who have them."""
    counts, [(_, users)] = await _rows(SPSS, work, day, "verify_mirror_counts", "verify_mirror_distinct")
    return {theory_id or NOTHING: int(rows) for _, theory_id, rows in counts}, int(users)


@task(**LONG)
@sealed
async def count_control_in_spss(work: Work, day: date) -> int:
    """Count the users of A who are in the mirror, under whatever group's name."""
    control = await _users(DSSB, work, day, "verify_control_users")
    mirror = await _users(SPSS, work, day, "verify_mirror_users")
    return len(np.intersect1d(control, mirror))


async def fetch_held(work: Work, day: date) -> Held:
    """Ask all of it about one calendar day."""
    control, target, users = await count_dssb(work, day)
    mirror, mirror_users = await count_spss(work, day)
    return Held(control, target, mirror, users, mirror_users, await count_control_in_spss(work, day))


async def _rows(block: str, work: Work, day: date, *names: str) -> list[list[Any]]:
    async with database.session(block) as session:
        return [list(await session.execute(asked(name, work.names, day))) for name in names]


async def _users(block: str, work: Work, day: date, name: str) -> Iins:
    told = asked(name, work.names, day).columns(iin=String()).subquery("written")
    statement: Select[tuple[str]] = select(told.c.iin)
    async with database.session(block) as session:
        return await bulk.read_column(session, statement)
