"""The clock: the only place that reads the time and the only one that sleeps."""

import asyncio
from datetime import UTC, datetime


class Clock:
    """Wall time for dates, monotonic time for distances."""

    def utc(self) -> datetime:
        return datetime.now(UTC)

    def monotonic_s(self) -> float:
        return asyncio.get_running_loop().time()

    def monotonic_at(self, moment_utc: datetime) -> float:
        """Return `moment_utc` on the monotonic scale, as the wall clock sees it now."""
        return self.monotonic_s() + (moment_utc - self.utc()).total_seconds()

    async def sleep_until(self, monotonic_s: float) -> None:
        """Return at `monotonic_s`, never before; at once when it is past."""
        # The event loop may wake up a clock tick early.
        while (left_s := monotonic_s - self.monotonic_s()) > 0:
            await asyncio.sleep(left_s)

    async def sleep(self, seconds: float) -> None:
        await self.sleep_until(self.monotonic_s() + seconds)
