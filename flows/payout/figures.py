"""What runs and reports read of the ledger beside the jobs themselves."""

from collections.abc import Mapping
from typing import Any

from flows.common.sql import statements
from flows.payout.findings import ClosedJob, Day, Figures, Heap, Orphans, Sums
from flows.payout.models import Slot
from flows.payout.session import Part

SQL = statements(__package__, "figures.sql")


class Books(Part):
    """Reads only."""

    async def figures(self, run_id: str) -> Figures:
        """Return what a run did, and how things stand."""
        made = await self._rows(SQL["run_jobs"], run_id=run_id)
        still_open = await self._rows(SQL["open_jobs"], **self._place)
        held = await self._rows(SQL["held"])
        course = await self._rows(SQL["course"])
        return Figures(
            [_heap(row, "booking") for row in made],
            [_heap(row, "state") for row in still_open],
            [_heap(row, "reason") for row in held],
            [_day(row) for row in course],
        )

    async def sums(self) -> Sums:
        (row,) = await self._rows(SQL["sums"], **self._place)
        return Sums(*(int(row[name]) for name in Sums._fields))

    async def orphans(self) -> Orphans:
        (row,) = await self._rows(SQL["orphans"], **self._place)
        return Orphans(**row)

    async def closed_jobs(self) -> list[ClosedJob]:
        """Return every job that is paid or free, oldest first."""
        rows = await self._rows(SQL["closed_jobs"], **self._place)
        return [ClosedJob(**{**row, "total": int(row["total"])}) for row in rows]

    async def first_payload(self, slot: Slot) -> bytes:
        """Return the recipients of the plan's first job, as the contract takes them."""
        (row,) = await self._rows(SQL["first_payload"], slot=slot)
        return bytes(next(iter(row.values())))


def _day(row: Mapping[str, Any]) -> Day:
    held = row["held"]
    return Day(row["day"], int(row["paid"]), int(row["in_flight"]), None if held is None else int(held))


def _heap(row: Mapping[str, Any], name: str) -> Heap:
    return Heap(row[name], row.get("jobs", 0), int(row["players"]), int(row["total"]), row.get("oldest_utc"))
