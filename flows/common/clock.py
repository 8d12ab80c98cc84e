"""The clock: the only place that reads the time and the only one that sleeps."""

import asyncio
from datetime import UTC, datetime

TICK_S = 1e-5


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
        # The event loop may wake up a clock tick early; it must not spin on what is left then.
        while (left_s := monotonic_s - self.monotonic_s()) > 0:
            await asyncio.sleep(max(left_s, TICK_S))

    async def sleep(self, seconds: float) -> None:
        await self.sleep_until(self.monotonic_s() + seconds)

    async def reach(self, moment_utc: datetime | None) -> datetime:
        """Return the time, not before `moment_utc`."""
        if moment_utc is not None:
            await self.sleep((moment_utc - self.utc()).total_seconds())
        return self.utc()
