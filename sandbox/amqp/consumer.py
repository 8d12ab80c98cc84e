"""A consumer on a channel: what was delivered to it and is not settled yet."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from pamqp.commands import Basic

from sandbox.amqp.message import Message
from sandbox.amqp.queue import Queue


class Delivered(NamedTuple):
    """A message that a client has and has not settled."""

    queue: Queue
    message: Message
    taker: "Taker | None"


@dataclass(eq=False)
class Taker:
    """Puts what a queue gives it on the wire.

    Attributes:
        prefetch: most messages that it has at a time; 0 has no limit.
    """

    tag: str
    queue: Queue
    prefetch: int
    hand_over: Callable[["Taker", Message], None]
    dismiss: Callable[["Taker"], None]
    unsettled: int = field(default=0)

    def ready(self) -> bool:
        return not self.prefetch or self.unsettled < self.prefetch

    def deliver(self, message: Message) -> None:
        self.unsettled += 1
        self.hand_over(self, message)

    def cancel(self) -> None:
        self.dismiss(self)

    def leave(self) -> None:
        if self in self.queue.consumers:
            self.queue.consumers.remove(self)


def delivery(taker: Taker, tag: int, message: Message) -> Basic.Deliver:
    return Basic.Deliver(
        consumer_tag=taker.tag,
        delivery_tag=tag,
        redelivered=message.redelivered,
        exchange=message.exchange,
        routing_key=message.routing_key,
    )
