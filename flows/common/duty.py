"""A duty: one process's work of one day, done by one run at a time, and missed when it stops.

The session advisory lock is the truth about "never two at once": PostgreSQL frees it the moment the
session ends, and everything the run records goes through that same session. So a run that lost its lock
cannot record, and a run that cannot record must not act.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause
from sqlalchemy.ext.asyncio import AsyncConnection

from blocks import database
from flows.common.clock import Clock
from flows.common.sql import statements

BLOCK = "state-db"
SQL = statements(__package__, "duty.sql")
BEAT_S = 30.0


class DutyHeld(Exception):
    """Another run is at work on this duty; it goes on and this one ends."""

    heals = False

    def __init__(self, process: str) -> None:
        super().__init__(f"Another run of {process} holds its lock and goes on; this one does nothing.")


class DutyLost(database.DatabaseProblem):
    """{process}: the session that held the lock is gone, so this run may not act until it holds it again."""


@dataclass(frozen=True)
class DutyState:
    """What the database knows of a duty; `flow_run_id` is None when no run took it up yet."""

    held: bool
    finished: bool = False
    flow_run_id: UUID | None = None
    taken_up: int = 0
    silent_s: float = 0.0


class Duty:
    """The lock, the heartbeat and the one session through which the holder records."""

    def __init__(self, process: str, business_date: date, flow_run_id: UUID | None) -> None:
        self._key = {"process": process, "business_date": business_date}
        self._flow_run_id = flow_run_id
        self._stack = AsyncExitStack()
        self._session: AsyncConnection | None = None

    async def ensure(self) -> None:
        """Hold the lock: keep it where the session lives, take it again where it died.

        Raises:
            DutyHeld: another session has it.
            DatabaseProblem: the database is away.
        """
        if self._session is not None:
            with suppress(database.DatabaseProblem):
                return await self.beat()
        await self._take_up()
        return None

    async def record(self, statement: TextClause, parameters: Mapping[str, Any]) -> None:
        """Execute `statement` and the heartbeat as one transaction of the session that holds the lock.

        Raises:
            DatabaseProblem: the session died, and the lock with it.
        """
        await self._write((statement, parameters), (SQL["beat"], self._key))

    async def beat(self) -> None:
        """Say that this run is alive and holds the lock.

        Raises:
            DatabaseProblem: the session died, and the lock with it.
        """
        await self._write((SQL["beat"], self._key))

    async def finish(self) -> None:
        """Write down that the day's work is done, so that nobody starts it again."""
        await self._write((SQL["finish"], self._key))

    async def release(self) -> None:
        self._session = None
        with suppress(database.DatabaseProblem):  # a session that is dead already
            await self._stack.aclose()

    async def _take_up(self) -> None:
        self._session = await self._stack.enter_async_context(database.session(BLOCK))
        try:
            with database.explained(BLOCK):
                taken = await self._session.scalar(SQL["try_lock"], {"process": self._key["process"]})
        except BaseException:
            await self._abandon()
            raise
        if not taken:
            await self.release()
            raise DutyHeld(str(self._key["process"]))
        await self._write((SQL["take_up"], {**self._key, "flow_run_id": self._flow_run_id}))

    async def _write(self, *work: tuple[TextClause, Mapping[str, Any]]) -> None:
        """Commit `work` as one transaction; a failure ends the session, and so frees the lock."""
        if self._session is None:
            raise DutyLost(process=self._key["process"])
        try:
            with database.explained(BLOCK):
                for statement, parameters in work:
                    await self._session.execute(statement, parameters)
                await self._session.commit()
        except BaseException:
            await self._abandon()
            raise

    async def _abandon(self) -> None:
        """Drop a session that failed without a farewell: on a dead line that would take a minute."""
        if self._session is not None:
            with suppress(Exception):
                await self._session.invalidate()
        await self.release()


@asynccontextmanager
async def hold(process: str, business_date: date, flow_run_id: UUID | None) -> AsyncIterator[Duty]:
    """Hold the duty for the body's time.

    Raises:
        DutyHeld: another run is at work on it.
    """
    duty = Duty(process, business_date, flow_run_id)
    await duty.ensure()
    try:
        yield duty
    finally:
        await duty.release()


@asynccontextmanager
async def beating(duty: Duty) -> AsyncIterator[None]:
    """Say again and again that this run is alive; for a process whose work records elsewhere.

    A state-db that is away for a while is not the work's problem: the duty is taken up again when it is back.
    """
    heart = asyncio.create_task(_beat_on(duty))
    try:
        yield
    finally:
        heart.cancel()
        with suppress(asyncio.CancelledError):
            await heart


async def _beat_on(duty: Duty) -> None:
    while True:
        await Clock().sleep(BEAT_S)
        with suppress(database.DatabaseProblem, DutyHeld):
            await duty.ensure()


async def read(process: str, business_date: date) -> DutyState:
    """Look at a duty without touching it."""
    async with database.session(BLOCK) as session:
        held = await session.scalar(SQL["is_held"], {"process": process})
        rows = await session.execute(SQL["read"], {"process": process, "business_date": business_date})
        row = rows.mappings().first()
    return DutyState(held=bool(held), **(row or {}))
