"""One message in one queue, and what is written on it when it dies."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pamqp.commands import Basic
from pamqp.header import ContentHeader

PERSISTENT = 2


@dataclass
class Message:
    """`number` is its place in the order of arrival; copies in other queues have their own."""

    number: int
    exchange: str
    routing_key: str
    properties: Basic.Properties
    body: bytes
    redelivered: bool = False

    @property
    def persistent(self) -> bool:
        return self.properties.delivery_mode == PERSISTENT

    @property
    def header(self) -> ContentHeader:
        return ContentHeader(body_size=len(self.body), properties=self.properties)


def obituary(message: Message, queue: str, reason: str) -> Basic.Properties:
    """Return the properties that a dead letter carries: the same, and where and why it died.

    Source  rabbitmq.com, "Dead Letter Exchanges", x-death
    """
    headers: dict[str, Any] = dict(message.properties.headers or {})
    deaths = [dict(death) for death in headers.get("x-death", [])]
    here = next((death for death in deaths if (death["queue"], death["reason"]) == (queue, reason)), None)
    if here is None:
        here = {
            "count": 0,
            "reason": reason,
            "queue": queue,
            "time": datetime.now(UTC),
            "exchange": message.exchange,
            "routing-keys": [message.routing_key],
        }
    here["count"] += 1
    headers["x-death"] = [here, *(death for death in deaths if death is not here)]
    headers.setdefault("x-first-death-reason", reason)
    headers.setdefault("x-first-death-queue", queue)
    headers.setdefault("x-first-death-exchange", message.exchange)
    copied = {name: getattr(message.properties, name) for name in Basic.Properties.attributes()}
    return Basic.Properties(**{**copied, "headers": headers})
