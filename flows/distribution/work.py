"""The work of one run on both databases: DSSB is committed first, SPSS after it and never without it.

The rows in SC_local_target are the outbox: whoever comes after a crash mirrors what is in there.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from uuid import UUID

import numpy as np
from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from blocks import bulk, database
from blocks.bulk import Rows
from blocks.distribution_settings import DistributionSettings
from blocks.store import load
from flows.distribution import ledger, rules, statements, tables
from flows.distribution.cohort import Block, Plan
from flows.distribution.ledger import BLOCK as DSSB
from flows.distribution.ledger import Ledger
from flows.distribution.models import NO_TABS, Stage, Status, Tabs
from flows.distribution.outcome import Counts
from flows.distribution.statements import TABS, midnight
from flows.distribution.tables import Dssb, Spss

SPSS = "spss-db"


class Course:
    """Which run it is and where it stands; a mail about an error names both.

    Attributes:
        other_day: the stage is not that of the day asked for, but of this one, which an earlier run left.
    """

    def __init__(self, run_id: UUID) -> None:
        self.run_id = run_id
        self.stage = Stage.INITIALIZATION
        self.other_day: date | None = None


class Work:
    """What the tasks of one run share; a plain object, so that the engine does not walk through it."""

    def __init__(self, course: Course, dssb: Dssb, spss: Spss, ledger: Ledger, salt: str) -> None:
        self.course, self.dssb, self.spss, self.ledger, self.salt = course, dssb, spss, ledger, salt

    @property
    def names(self) -> tuple[str, str, str]:
        """Control, target and mirror, as people know them."""
        return self.dssb.control.fullname, self.dssb.target.fullname, self.spss.mirror.fullname

    async def write(
        self, plan: Plan, tabs: Mapping[str, Tabs], insert_datetime: datetime, now: datetime
    ) -> None:
        """Write both tables of DSSB and the ledger's word for it, as one transaction; again does no harm.

        Raises:
            DayTaken: another run has taken the day up.
            DatabaseProblem: nothing was written.
        """
        async with database.session(DSSB) as session:
            try:
                await self.ledger.apply(session, plan.wish.business_date, now)
            except ledger.DayTaken:
                if await self._is_written(plan.wish.business_date, insert_datetime):
                    return
                raise
            for table, blocks in ((self.dssb.control, plan.control()), (self.dssb.target, plan.target())):
                await bulk.insert_rows(session, table, parts(blocks, tabs, insert_datetime))
            await self.ledger.ensure()
            await session.commit()

    async def _is_written(self, business_date: date, insert_datetime: datetime) -> bool:
        """Tell whether an earlier try was committed and only its answer was lost."""
        day = await self.ledger.day(business_date)
        mine = (Status.APPLIED, self.course.run_id, insert_datetime)
        return day is not None and (day.status, day.run_id, day.insert_datetime) == mine

    async def mirror(self, target: Sequence[Rows], insert_datetime: datetime, applied: asyncio.Event) -> int:
        """Write to SPSS what is not there yet; commit once DSSB is committed; return how many rows.

        Raises:
            NotReconciled: there would be too many, so nothing was written; the mirror has no key to refuse them.
            DatabaseProblem: nothing was written, or everything and the answer was lost.
        """
        async with database.session(SPSS) as session:
            missing = await self._missing(session, target, insert_datetime)
            written = await bulk.insert_rows(session, self.spss.mirror, missing)
            await applied.wait()
            await self.ledger.ensure()
            await session.commit()
            return written

    async def _missing(
        self, session: AsyncConnection, target: Sequence[Rows], insert_datetime: datetime
    ) -> list[Rows]:
        found = await session.execute(statements.counts(self.spss.mirror, insert_datetime))
        there = {theory_id: int(users) for theory_id, users in found}
        missing = [
            await self._without(session, rows, insert_datetime) if _theory(rows) in there else rows
            for rows in target
        ]
        rules.check_room(
            self.spss.mirror.fullname,
            there=sum(there.get(theory_id, 0) for theory_id in set(map(_theory, target))),
            missing=sum(len(rows.column) for rows in missing),
            wanted=sum(len(rows.column) for rows in target),
        )
        return missing

    async def _without(self, session: AsyncConnection, rows: Rows, insert_datetime: datetime) -> Rows:
        members = statements.members(self.spss.mirror, insert_datetime, {"theory_id": _theory(rows)})
        there = await bulk.read_column(session, members)
        return rows._replace(column=np.setdiff1d(rows.column, there))

    async def outbox(self, insert_datetime: datetime) -> list[Rows]:
        """Return the target rows of a day from DSSB."""
        target = self.dssb.target
        async with database.session(DSSB) as session:
            found = await session.execute(statements.outbox(target, insert_datetime))
            alike = [dict(row) for row in found.mappings()]
            members = [statements.members(target, insert_datetime, shared) for shared in alike]
            users = [await bulk.read_column(session, each) for each in members]
        return [
            Rows("iin", iins, {**shared, "insert_datetime": insert_datetime})
            for iins, shared in zip(users, alike, strict=True)
        ]

    async def free_moment(self, moment: datetime) -> datetime:
        """Return the first moment from this one on that no row has: by it the day's rows are found again."""
        async with database.session(DSSB) as session:
            while await self._is_somebodys(session, moment):
                moment += timedelta(seconds=1)
        return moment

    async def _is_somebodys(self, session: AsyncConnection, moment: datetime) -> bool:
        asked = [statements.any_row(table, moment) for table in self.dssb.assignments]
        return any([await session.scalar(each) for each in asked])

    async def counts(self, insert_datetime: datetime) -> Counts:
        """Return the rows of a day by theory id: control, target, mirror."""
        (control, target), (mirror,) = await asyncio.gather(
            _counts(DSSB, self.dssb.assignments, insert_datetime),
            _counts(SPSS, [self.spss.mirror], insert_datetime),
        )
        return control, target, mirror


@asynccontextmanager
async def open_work(course: Course, *, fenced: bool = False) -> AsyncIterator[Work]:
    """Open the tables' names and the ledger, and hold the fence where something is to be written.

    Raises:
        DutyHeld: another run holds the fence.
        BlockMissing, DatabaseProblem: see their docstrings.
    """
    settings = await load(DistributionSettings, "distribution-settings")
    dssb, spss = tables.dssb(settings.dssb_schema), tables.spss(settings.source, settings.mirror)
    salt = settings.salt.get_secret_value()
    if not fenced:
        yield Work(course, dssb, spss, Ledger(dssb, course.run_id), salt)
        return
    async with ledger.fenced(dssb, course.run_id) as held:
        yield Work(course, dssb, spss, held, salt)


def parts(blocks: Iterable[Block], tabs: Mapping[str, Tabs], insert_datetime: datetime) -> list[Rows]:
    """Return the rows of `blocks`, with what they inherit from their groups' rows in `tabs`."""
    return [
        Rows(
            "iin",
            block.iins,
            {
                "theory_id": block.theory_id,
                "date_start": midnight(block.campaign.start),
                "date_end": midnight(block.campaign.end),
                **dict(zip(TABS, tabs.get(block.theory_id, NO_TABS), strict=True)),
                "insert_datetime": insert_datetime,
            },
        )
        for block in blocks
    ]


def _theory(rows: Rows) -> str:
    return str(rows.constants["theory_id"])


async def _counts(block: str, written: Iterable[Table], insert_datetime: datetime) -> list[dict[str, int]]:
    async with database.session(block) as session:
        found = [await session.execute(statements.counts(table, insert_datetime)) for table in written]
    return [{theory_id: int(users) for theory_id, users in rows} for rows in found]
