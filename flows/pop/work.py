"""The work of one run: a day in memory, tied to the real game, the real ledger and the real clock."""

import asyncio
from collections.abc import Callable, Sequence
from random import SystemRandom
from uuid import UUID

from blocks.pop_game import PopGame
from blocks.pop_protocol import BadReply, GameError, Overwhelmed, Refused
from flows.common.clock import Clock
from flows.common.duty import Duty, DutyLost
from flows.common.sql import statements
from flows.pop.day import Day
from flows.pop.models import Answer, Attempt, Outcome, Plan, Slot, Wish
from flows.pop.pacing import Pacer
from flows.pop.serving import Send, Serving

SQL = statements(__package__)
RECORD_TIMEOUT_S = 5.0  # nobody may send for longer than this without a ledger

_OUTCOMES: dict[type[GameError], Outcome] = {
    Overwhelmed: Outcome.OVERWHELMED,
    BadReply: Outcome.BAD_REPLY,
    Refused: Outcome.REFUSED,
}


class Work:
    """What the slots of one run share; a plain object, so that the engine does not walk through it.

    Attributes:
        progress_id: the artifact that shows how far the run is, once there is one.
    """

    def __init__(self, plan: Plan, wish: Wish, game: PopGame, duty: Duty) -> None:
        self.plan = plan
        self.progress_id: UUID | None = None
        self._duty = duty
        self._clock = clock = Clock()
        pacer = Pacer(clock.monotonic_at(plan.end_utc), wish.min_gap_s, clock.monotonic_s(), SystemRandom())
        self.day = Day(plan, pacer)
        self._serving = Serving(self.day, clock, sender(game, plan.count), self._record, wish.max_in_flight)

    @property
    def percent(self) -> float:
        return 100 * (1 - self.day.left / max(1, len(self.plan.queue)))

    async def serve(self, slot: Slot) -> None:
        """Serve until the slot ends.

        Raises:
            DutyHeld: another run is at work.
            DatabaseProblem: the ledger is away.
            GameRefusesUs: the game server refuses us.
        """
        await self._duty.ensure()
        self.day.ends_at(self._clock.monotonic_at(self.plan.end_utc))
        await self._serving.until(self._clock.monotonic_at(slot.end_utc))

    async def _record(self, attempts: Sequence[Attempt]) -> None:
        # A machine that slept, or a clock that was set: the day ends by the wall clock.
        self.day.ends_at(self._clock.monotonic_at(self.plan.end_utc))
        try:
            async with asyncio.timeout(RECORD_TIMEOUT_S):
                await self._write(attempts)
        except TimeoutError as error:
            raise DutyLost(process="pop") from error

    async def _write(self, attempts: Sequence[Attempt]) -> None:
        if not attempts:
            return await self._duty.beat()
        accounts, started_utc, outcomes, reasons = map(list, zip(*attempts, strict=True))
        columns = {"accounts": accounts, "started_utc": started_utc, "outcomes": outcomes, "reasons": reasons}
        return await self._duty.record(SQL["record"], {"business_date": self.plan.day, **columns})


def sender(game: PopGame, count: int) -> Send:
    """Return the exchange of one pop with the game server, as the loop wants it."""

    async def send(account: str, seen: Callable[[], None]) -> Answer:
        try:
            reply = await game.pop(account, count, seen)
        except GameError as error:
            outcome = _OUTCOMES[type(error)]
            return Answer(outcome, error.reason, error.retry_after_s, error.restarting)
        return Answer(Outcome.SERVED if reply.remaining_pops else Outcome.EXHAUSTED)

    return send
