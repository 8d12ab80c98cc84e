"""Serving: the loop that starts attempts when they are due, and writes down what came of them.

It knows no socket and no database: `send` and `record` are handed in, so that a whole day can be played
on a virtual clock.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from flows.common.clock import Clock
from flows.pop.day import Day
from flows.pop.models import Answer, Attempt, Outcome

RECORD_EVERY_S = 2.0

Send = Callable[[str, Callable[[], None]], Awaitable[Answer]]
Record = Callable[[Sequence[Attempt]], Awaitable[None]]


@dataclass(frozen=True)
class Serving:
    """One day's loop.

    Attributes:
        send: exchange with the game server for one account; calls back when the server has seen us.
        record: write attempts to the ledger; raises when this run no longer holds the lock.
        max_in_flight: open connections at once.
    """

    day: Day
    clock: Clock
    send: Send
    record: Record
    max_in_flight: int = 1

    async def until(self, end_s: float) -> None:
        """Serve until `end_s` (monotonic) or until nobody is left, and leave nothing in flight.

        Raises:
            GameRefusesUs: the server refuses us.
            DatabaseProblem: the ledger is away: without it nobody may send.
        """
        # This coroutine is the one that records: nothing ever cuts it off in the middle of a statement.
        sending = asyncio.create_task(self._start_all(end_s))
        try:
            while not sending.done():
                await asyncio.wait({sending}, timeout=RECORD_EVERY_S)
                await self._record()
            await sending
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        finally:
            sending.cancel()
            await asyncio.wait({sending})

    async def _start_all(self, end_s: float) -> None:
        free = asyncio.Semaphore(self.max_in_flight)
        async with asyncio.TaskGroup() as group:
            while await self._is_due(free, end_s):
                account = self.day.start(self.clock.monotonic_s())
                exchange = group.create_task(self._exchange(account))
                exchange.add_done_callback(lambda _: free.release())

    async def _is_due(self, free: asyncio.Semaphore, end_s: float) -> bool:
        """Wait until the next start is due and a connection is free; False at `end_s`, or when nobody is left."""
        await free.acquire()
        while (due_s := self.day.next_start_s()) is not None and self.clock.monotonic_s() < end_s:
            if due_s <= self.clock.monotonic_s():
                return True
            # An answer that arrives meanwhile may slow the pace down: ask again after the sleep.
            await self.clock.sleep_until(min(due_s, end_s))
        return False

    async def _exchange(self, account: str) -> None:
        started_utc = self.clock.utc()
        try:
            answer = await self.send(account, self._seen)
        except asyncio.CancelledError:
            self.day.put_back(account)
            raise
        except Exception as error:  # noqa: BLE001
            # Our own mistake, met by one account: the day goes on; met by five in a row, the run ends.
            answer = Answer(Outcome.REFUSED, f"unexpected {type(error).__name__}")
        self.day.answered(account, started_utc, answer, self.clock.monotonic_s())

    def _seen(self) -> None:
        self.day.seen(self.clock.monotonic_s())

    async def _record(self) -> None:
        """Hand over what is not recorded yet; an empty hand is the heartbeat."""
        attempts = list(self.day.unrecorded)
        await self.record(attempts)
        del self.day.unrecorded[: len(attempts)]
