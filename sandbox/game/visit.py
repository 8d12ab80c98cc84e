"""A connection that knows when it came, and tells the counters what becomes of it."""

import asyncio

from websockets.asyncio.server import ServerConnection

from sandbox.game.counters import Counters
from sandbox.game.faults import Fault

HTTP_BELOW = 1000


class Visit(ServerConnection):
    """One TCP connection. It counts from its request on: a port probe is no visit.

    Books are kept before anything is sent, so a client that has its answer finds itself counted.
    """

    account = ""
    fault: Fault | None = None
    _number: int | None = None
    _settled = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._made_s = self.loop.time()
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._number is None:
            return
        if not self._settled:
            self._settle("left")
        self.counters.leave()

    def arrive(self, counters: Counters, account: str, opened_s: float) -> None:
        self.counters, self.account = counters, account
        self._number = counters.arrive(self._made_s - opened_s, account)

    def refuse(self, code: int) -> None:
        """Settle with an HTTP status or a close code."""
        self.counters.refused[code] += 1
        self._settle(f"http_{code}" if code < HTTP_BELOW else f"close_{code}")

    def fail(self, fault: Fault) -> None:
        if fault.refusal is None:
            self._settle(fault.kind)
        else:
            self.refuse(fault.refusal)

    def serve(self, outcome: str) -> None:
        self.counters.served.add(self.account)
        self._settle(outcome)

    def _settle(self, outcome: str) -> None:
        assert self._number is not None
        self._settled = True
        self.counters.settle(self._number, outcome)
