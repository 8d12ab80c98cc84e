"""The inbox: what the chain said, up to where it was read. What is taken back stays, and counts no more."""

from collections.abc import Sequence
from typing import NamedTuple

from blocks.jobs import JobEvent, JobStatus
from flows.payout.session import QUERIES, Part


class Cursor(NamedTuple):
    """The last block that was read; where its hash is another one now, read again from before."""

    block: int
    block_hash: str


class Fate(NamedTuple):
    """The last that the chain said of an open job."""

    job_id: bytes
    status: JobStatus
    block: int
    block_hash: str
    tx_hash: str
    reason: str | None


class Inbox(Part):
    """The events of the contract."""

    async def cursor(self) -> Cursor | None:
        """Return how far the chain was read; None before the first time."""
        rows = await self._rows(QUERIES["read_cursor"], **self._place)
        return next((Cursor(**row) for row in rows), None)

    async def take_in(self, events: Sequence[JobEvent], cursor: Cursor) -> None:
        """Keep the events up to the cursor, and the cursor, as one; an event that came before is not news."""
        rows = [
            {
                **self._place, "block": event.block, "block_hash": event.block_hash, "tx_hash": event.tx_hash,
                "log_index": event.log_index, "job_id": event.job_id, "status": int(event.status),
                "n": event.n, "total": event.total, "reason": _storable(event.reason),
            }
            for event in events
        ]  # fmt: skip
        async with self._step():
            if rows:
                await self._connection.execute(QUERIES["take_in"], rows)
            await self._do(QUERIES["set_cursor"], **self._place, **cursor._asdict())

    async def rewind(self, cursor: Cursor) -> int:
        """Disown what was read beyond the cursor, as the chain took it back; return how many events."""
        async with self._step():
            disowned = await self._do(QUERIES["disown"], **self._place, block=cursor.block)
            await self._do(QUERIES["set_cursor"], **self._place, **cursor._asdict())
        return disowned.rowcount

    async def blocks(self, above: int) -> list[Cursor]:
        """Return the blocks above that number that hold events, oldest first, with the hashes they had."""
        return [
            Cursor(**row) for row in await self._rows(QUERIES["known_blocks"], **self._place, above=above)
        ]

    async def fates(self) -> list[Fate]:
        """Return the last event of every open job that has one."""
        rows = await self._rows(QUERIES["events_of_open_jobs"], **self._place)
        return [Fate(**{**row, "status": JobStatus(row["status"])}) for row in rows]


def _storable(reason: str | None) -> str | None:
    """A worker may write any bytes into its reason; the database takes neither NUL nor lone surrogates."""
    if reason is None:
        return None
    return reason.replace("\0", "�").encode(errors="replace").decode()
