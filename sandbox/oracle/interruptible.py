"""A PostgreSQL connection that listens to the client while it works for it."""

import select
from typing import Any

import psycopg
from psycopg.abc import RV, PQGen
from psycopg.waiting import Ready, Wait

from sandbox.oracle.packets import Line

_EVENTS = {Wait.R: select.POLLIN, Wait.W: select.POLLOUT, Wait.RW: select.POLLIN | select.POLLOUT}


class Interruptible(psycopg.Connection[tuple[Any, ...]]):
    """Cancels the statement when the client says something: it interrupts, or hangs up.

    Attributes:
        client: whom to listen to; forgotten once it said something, so that the clean-up can be done in peace.
    """

    client: Line | None = None

    def wait(self, gen: PQGen[RV], interval: float = 0, timeout: float | None = None) -> RV:
        """Wait for PostgreSQL and the client at once, as long as it takes."""
        del interval, timeout
        try:
            wanted = next(gen)
            while True:
                wanted = gen.send(self._ready(wanted))
        except StopIteration as done:
            value: RV = done.value
            return value

    def _ready(self, wanted: Wait) -> Ready:
        while True:
            poll = select.poll()
            poll.register(self.fileno(), _EVENTS[wanted])
            if self.client is not None:
                poll.register(self.client, select.POLLIN)
            happened = dict(poll.poll())
            events = happened.pop(self.fileno(), 0)
            if happened:
                self.client = None
                self.cancel_safe()
            if events:
                return Ready.R if events & (select.POLLIN | select.POLLHUP | select.POLLERR) else Ready.W
