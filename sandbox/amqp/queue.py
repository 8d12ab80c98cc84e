"""A queue: messages in the order of their arrival, and the consumers that take turns at it."""

from bisect import insort
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from sandbox.amqp.message import Message
from sandbox.amqp.refusals import differs, unknown

DEAD_LETTER_EXCHANGE, DEAD_LETTER_KEY = "x-dead-letter-exchange", "x-dead-letter-routing-key"
MAX_LENGTH, OVERFLOW = "x-max-length", "x-overflow"
KNOWN = {DEAD_LETTER_EXCHANGE, DEAD_LETTER_KEY, MAX_LENGTH, OVERFLOW}


class Consumer(Protocol):
    """Who takes messages of one queue."""

    def ready(self) -> bool:
        """Tell whether its prefetch has room."""

    def deliver(self, message: Message) -> None: ...

    def cancel(self) -> None:
        """The queue is gone."""


@dataclass
class Queue:
    """`waiting` are those that no consumer has; `durable` survives a restart."""

    name: str
    durable: bool
    arguments: dict[str, object] = field(default_factory=dict)
    waiting: deque[Message] = field(default_factory=deque)
    consumers: deque[Consumer] = field(default_factory=deque)

    def __post_init__(self) -> None:
        if strange := self.arguments.keys() - KNOWN:
            raise unknown(f"queue arguments {', '.join(sorted(strange))}")
        if self.arguments.get(OVERFLOW, "reject-publish") != "reject-publish" or (
            (MAX_LENGTH in self.arguments) != (OVERFLOW in self.arguments)
        ):
            raise unknown(f"{MAX_LENGTH} without {OVERFLOW}=reject-publish")

    @property
    def full(self) -> bool:
        limit = self.arguments.get(MAX_LENGTH)
        return isinstance(limit, int) and len(self.waiting) >= limit

    def compare(self, *, durable: bool, arguments: dict[str, object]) -> None:
        """Refuse a second declaration that is another."""
        if durable != self.durable:
            raise differs("queue", self.name, "durable")
        for name in sorted(arguments.keys() | self.arguments.keys()):
            if arguments.get(name) != self.arguments.get(name):
                raise differs("queue", self.name, name)

    def put_back(self, message: Message) -> None:
        """Return it to its old place."""
        message.redelivered = True
        insort(self.waiting, message, key=lambda each: each.number)

    def pairs(self) -> Iterator[tuple[Consumer, Message]]:
        """Yield who takes what next, in turns, as long as somebody has room."""
        while self.waiting and (consumer := self._next()):
            yield consumer, self.waiting.popleft()

    def _next(self) -> Consumer | None:
        for _ in self.consumers:
            consumer = self.consumers[0]
            self.consumers.rotate(-1)
            if consumer.ready():
                return consumer
        return None
