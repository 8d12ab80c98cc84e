"""The publishing half of a channel: a message in pieces, its way into the queues, its confirm."""

import asyncio
from dataclasses import dataclass, field

from pamqp.body import ContentBody
from pamqp.commands import Basic
from pamqp.header import ContentHeader

from sandbox.amqp.broker import Broker
from sandbox.amqp.faults import Fault, Faults
from sandbox.amqp.line import Line
from sandbox.amqp.message import Message
from sandbox.amqp.refusals import ConnectionRefusal, HungUp, unknown

NO_ROUTE = 312


@dataclass
class Publishing:
    """`confirms` once the client has asked for them; they count from 1."""

    channel: int
    line: Line
    broker: Broker
    faults: Faults
    confirms: bool = False
    _confirmed: int = 0
    _method: Basic.Publish | None = None
    _header: ContentHeader | None = None
    _body: bytearray = field(default_factory=bytearray)

    @property
    def expects_content(self) -> bool:
        return self._method is not None

    def begin(self, method: Basic.Publish) -> None:
        if method.immediate:
            raise unknown("immediate publications")
        self._method, self._header, self._body = method, None, bytearray()

    def add(self, frame: ContentHeader | ContentBody) -> None:
        """Take the next piece; the last one publishes."""
        if self._method is None or (self._header is None) != isinstance(frame, ContentHeader):
            raise ConnectionRefusal(505, "UNEXPECTED_FRAME - content out of place")
        if isinstance(frame, ContentHeader):
            self._header = frame
        else:
            self._body += frame.value
        assert self._header is not None
        if len(self._body) >= self._header.body_size:
            method, self._method = self._method, None
            self._publish(method, self._header.properties, bytes(self._body))

    def _publish(self, method: Basic.Publish, properties: Basic.Properties, body: bytes) -> None:
        self._confirmed += self.confirms
        exchange, key = method.exchange or "", method.routing_key or ""
        fault = self.faults.strike_publication(key)
        if fault and fault.kind == "cut_before":
            self._cut()
        if self.broker.find(exchange, key):
            taken = self.broker.publish(exchange, key, properties, body)
        else:
            taken = True
            self.broker.counters.returned[key] += 1
            if method.mandatory:
                self._return(Message(0, exchange, key, properties, body))
        if fault and fault.kind == "cut_after":
            self._cut()
        if self.confirms:
            self._confirm(fault, self._confirmed, taken=taken)

    def _return(self, message: Message) -> None:
        why = Basic.Return(NO_ROUTE, "NO_ROUTE", message.exchange, message.routing_key)
        self.line.send_message(self.channel, why, message)

    def _confirm(self, fault: Fault | None, tag: int, *, taken: bool) -> None:
        answer = Basic.Ack(tag) if taken else Basic.Nack(tag, multiple=False, requeue=False)
        if fault and fault.kind == "delay_confirm":
            asyncio.get_running_loop().call_later(fault.delay_s, self.line.send, self.channel, answer)
        elif not (fault and fault.kind == "lose_confirm"):
            self.line.send(self.channel, answer)

    def _cut(self) -> None:
        self.line.cut()
        raise HungUp
