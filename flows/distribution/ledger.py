"""The ledger in DSSB: how far each day has come, and the fence that lets one run at a time near it.

The fence is a locked row on a connection of its own: the other connections commit, and a commit would free it.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Executable, RowMapping, insert, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from blocks import database
from flows.common.duty import DutyHeld
from flows.distribution import rows, statements
from flows.distribution.cohort import Plan
from flows.distribution.days import LedgerDay, PastDay, Skipped
from flows.distribution.models import Status
from flows.distribution.statements import KIND
from flows.distribution.tables import Dssb

BLOCK = "dssb-db"
LOOK_BACK = timedelta(days=366)


class DayTaken(database.DatabaseProblem):
    """{block}: the ledger's row of {business_date} is not this run's any more, so nothing was written."""

    heals = False


class Ledger:
    """The days, as one run sees and writes them; times are Asia/Almaty without a zone."""

    def __init__(self, dssb: Dssb, run_id: UUID, fence: AsyncConnection | None = None) -> None:
        self._dssb, self._run_id, self._fence = dssb, run_id, fence

    async def ensure(self) -> None:
        """Look whether the fence still holds.

        Raises:
            DatabaseProblem: its connection is gone, and the lock with it.
        """
        assert self._fence is not None, "a reader holds no fence and writes nothing"
        with database.explained(BLOCK):
            await self._fence.execute(select(literal(1)))

    async def day(self, business_date: date) -> LedgerDay | None:
        found = await self._read(statements.day(self._dssb, business_date))
        return found[0] if found else None

    async def days(self, since: date, until: date) -> list[LedgerDay]:
        """Return the days in between, both included, latest first."""
        return await self._read(statements.days(self._dssb, since, until))

    async def past(self, business_date: date) -> list[PastDay]:
        """Return the distributed days of the year before, latest first."""
        since, until = business_date - LOOK_BACK, business_date - timedelta(days=1)
        return [rows.past_day(row) for row in await self._rows(statements.past(self._dssb, since, until))]

    async def open_days(self, besides: date) -> list[date]:
        """Return what earlier runs left: written and not finished, or not told; a skip of `besides` is tried anew.

        Their dates only: a row that cannot be read is the trouble of its own day.
        """
        return [row["business_date"] for row in await self._rows(statements.open_days(self._dssb, besides))]

    async def plan(
        self, plan: Plan, insert_datetime: datetime, now: datetime, names: tuple[str, str]
    ) -> None:
        """Write down what will be written, with the names of who asked and who approved."""
        await self._begin(plan.wish.business_date, rows.planned(plan, insert_datetime, now, names))

    async def skip(self, found: Skipped, now: datetime, names: tuple[str, str]) -> None:
        """Write down that the day has nothing to distribute (so far)."""
        await self._begin(found.business_date, rows.skipped(found, now, names))

    async def apply(self, session: AsyncConnection, business_date: date, now: datetime) -> None:
        """Call the day applied within the transaction that writes its rows.

        Raises:
            DayTaken: another run has taken the day up meanwhile.
        """
        mine = statements.apply(self._dssb, business_date, str(self._run_id), now)
        if (await session.execute(mine)).rowcount != 1:
            raise DayTaken(block=BLOCK, business_date=business_date)

    async def complete(self, business_date: date, now: datetime) -> None:
        """Both databases agree."""
        values = {"status": Status.COMPLETED.value, "completed_at": now}
        await self._write(statements.advance(self._dssb, business_date, [Status.APPLIED], values))

    async def mailed(self, business_date: date, now: datetime) -> None:
        """The day is told."""
        told = [Status.COMPLETED, Status.SKIPPED]
        await self._write(statements.advance(self._dssb, business_date, told, {"mailed_at": now}))

    async def _begin(self, day: date, values: dict[str, Any]) -> None:
        """Take the day up: a new row, or the row of a run that wrote nothing.

        Raises:
            DayTaken: the day is written already.
        """
        await self.ensure()
        fields = {"run_id": str(self._run_id), **values}
        free = [Status.PLANNED, Status.SKIPPED]
        if await self.day(day) is None:
            await self._write(statements.begin(self._dssb, {"business_date": day, **fields}))
        elif await self._write(statements.advance(self._dssb, day, free, fields)) != 1:
            raise DayTaken(block=BLOCK, business_date=day)

    async def _read(self, statement: Executable) -> list[LedgerDay]:
        return [rows.day(row) for row in await self._rows(statement)]

    async def _rows(self, statement: Executable) -> Sequence[RowMapping]:
        async with database.session(BLOCK) as session:
            return (await session.execute(statement)).mappings().all()

    async def _write(self, statement: Executable) -> int:
        async with database.session(BLOCK) as session:
            changed = (await session.execute(statement)).rowcount
            await session.commit()
            return changed


@asynccontextmanager
async def fenced(dssb: Dssb, run_id: UUID) -> AsyncIterator[Ledger]:
    """Hold the fence for the body's time.

    Raises:
        DutyHeld: another run holds it.
    """
    async with database.session(BLOCK) as session:
        try:
            with database.explained(BLOCK):
                await _lock(session, dssb)
        except database.RowLocked:
            raise DutyHeld("distribution") from None
        yield Ledger(dssb, run_id, session)


async def _lock(session: AsyncConnection, dssb: Dssb) -> None:
    if (await session.execute(statements.fence(dssb))).first() is None:
        await session.execute(insert(dssb.fence).values(kind=KIND))
        await session.commit()
        await session.execute(statements.fence(dssb))
