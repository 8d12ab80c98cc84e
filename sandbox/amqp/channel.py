"""One channel of a connection: what each method of the client's means, method by method.

What is not listed here is not spoken: the client is told so loudly.
"""

from collections.abc import Callable
from typing import Any

from pamqp.base import Frame
from pamqp.body import ContentBody
from pamqp.commands import Basic, Confirm, Exchange
from pamqp.commands import Queue as QueueMethods
from pamqp.frame import FrameTypes
from pamqp.header import ContentHeader

from sandbox.amqp.broker import Broker
from sandbox.amqp.consumer import Delivered, Taker, delivery
from sandbox.amqp.faults import Faults
from sandbox.amqp.line import Line
from sandbox.amqp.message import Message
from sandbox.amqp.publishing import Publishing
from sandbox.amqp.refusals import ChannelRefusal, ConnectionRefusal, unknown

# A flag that is set and not known here would be a promise that is not kept.
UNKNOWN_FLAGS = ("nowait", "exclusive", "auto_delete", "internal", "no_local", "global_", "multiple",
                 "if_unused", "if_empty")  # fmt: skip


class Channel:
    """Takes frames, answers on the line."""

    def __init__(self, number: int, line: Line, broker: Broker, faults: Faults) -> None:
        self._number, self._line, self._broker = number, line, broker
        self._publishing = Publishing(number, line, broker, faults)
        self._prefetch = 0
        self._tag = 0
        self._takers: dict[str, Taker] = {}
        self._unsettled: dict[int, Delivered] = {}
        self._methods: dict[type[Any], Callable[[Any], Frame | None]] = {
            Exchange.Declare: self._declare_exchange,
            QueueMethods.Declare: self._declare_queue,
            QueueMethods.Bind: self._bind,
            QueueMethods.Purge: self._purge,
            QueueMethods.Delete: self._delete,
            Confirm.Select: self._select_confirms,
            Basic.Qos: self._qos,
            Basic.Consume: self._consume,
            Basic.Cancel: self._cancel,
            Basic.Get: self._get,
            Basic.Publish: self._publishing.begin,
            Basic.Ack: self._ack,
            Basic.Nack: self._reject,
            Basic.Reject: self._reject,
        }

    def handle(self, frame: FrameTypes) -> None:
        """Do what a frame says.

        Raises:
            ChannelRefusal, ConnectionRefusal: not done; the channel or all of it must end.
            HungUp: the line was cut by a fault.
        """
        if isinstance(frame, ContentHeader | ContentBody):
            self._publishing.add(frame)
            return
        if self._publishing.expects_content:
            raise ConnectionRefusal(505, "UNEXPECTED_FRAME - expected content")
        method = self._methods.get(type(frame))
        set_flags = [name for name in UNKNOWN_FLAGS if getattr(frame, name, False)]
        if method is None or set_flags:
            raise unknown(" ".join([frame.name, *set_flags]))
        answer = method(frame)
        if answer is not None:
            self._line.send(self._number, answer)

    def end(self) -> None:
        """Put back what the client has and did not settle."""
        for taker in self._takers.values():
            taker.leave()
        touched = {id(each.queue): each.queue for each in self._unsettled.values()}
        for each in self._unsettled.values():
            self._broker.requeue(each.queue, each.message)
        self._unsettled.clear()
        for queue in touched.values():
            self._broker.serve(queue)

    def _declare_exchange(self, method: Exchange.Declare) -> Frame:
        if method.arguments:
            raise unknown("arguments of an exchange")
        self._broker.declare_exchange(
            method.exchange, method.exchange_type, durable=method.durable, passive=method.passive
        )
        return Exchange.DeclareOk()

    def _declare_queue(self, method: QueueMethods.Declare) -> Frame:
        if not method.queue:
            raise unknown("queues without a name")
        queue = self._broker.declare_queue(
            method.queue,
            durable=method.durable,
            passive=method.passive,
            arguments=dict(method.arguments or {}),
        )
        return QueueMethods.DeclareOk(queue.name, len(queue.waiting), len(queue.consumers))

    def _bind(self, method: QueueMethods.Bind) -> Frame:
        self._broker.bind(method.queue, method.exchange, method.routing_key)
        return QueueMethods.BindOk()

    def _purge(self, method: QueueMethods.Purge) -> Frame:
        return QueueMethods.PurgeOk(self._broker.purge(method.queue))

    def _delete(self, method: QueueMethods.Delete) -> Frame:
        return QueueMethods.DeleteOk(self._broker.delete_queue(method.queue))

    def _select_confirms(self, _method: Confirm.Select) -> Frame:
        self._publishing.confirms = True
        return Confirm.SelectOk()

    def _qos(self, method: Basic.Qos) -> Frame:
        if method.prefetch_size:
            raise unknown("a prefetch in bytes")
        self._prefetch = method.prefetch_count
        return Basic.QosOk()

    def _consume(self, method: Basic.Consume) -> None:
        if method.no_ack or method.arguments:
            raise unknown("consumers without acks, or with arguments")
        queue, tag = self._broker.queue(method.queue), method.consumer_tag
        self._takers[tag] = Taker(tag, queue, self._prefetch, self._deliver, self._dismiss)
        # The client must know its consumer before the first message comes.
        self._line.send(self._number, Basic.ConsumeOk(tag))
        self._broker.consume(queue, self._takers[tag])

    def _cancel(self, method: Basic.Cancel) -> Frame:
        taker = self._takers.pop(method.consumer_tag or "", None)
        if taker:
            taker.leave()
        return Basic.CancelOk(method.consumer_tag)

    def _get(self, method: Basic.Get) -> Frame | None:
        if method.no_ack:
            raise unknown("getting without an ack")
        queue = self._broker.queue(method.queue)
        message = self._broker.take(queue)
        if message is None:
            return Basic.GetEmpty()
        tag = self._note(Delivered(queue, message, None))
        left = len(queue.waiting)
        opening = Basic.GetOk(tag, message.redelivered, message.exchange, message.routing_key, left)
        self._line.send_message(self._number, opening, message)
        return None

    def _ack(self, method: Basic.Ack) -> None:
        delivered = self._settle(method.delivery_tag)
        self._broker.acknowledge(delivered.queue, delivered.message)

    def _reject(self, method: Basic.Nack | Basic.Reject) -> None:
        delivered = self._settle(method.delivery_tag)
        if method.requeue:
            self._broker.requeue(delivered.queue, delivered.message)
            self._broker.serve(delivered.queue)
        else:
            self._broker.reject(delivered.queue, delivered.message)

    def _deliver(self, taker: Taker, message: Message) -> None:
        tag = self._note(Delivered(taker.queue, message, taker))
        self._line.send_message(self._number, delivery(taker, tag, message), message)

    def _dismiss(self, taker: Taker) -> None:
        self._takers.pop(taker.tag, None)
        self._line.send(self._number, Basic.Cancel(taker.tag, nowait=True))

    def _note(self, delivered: Delivered) -> int:
        self._tag += 1
        self._unsettled[self._tag] = delivered
        return self._tag

    def _settle(self, tag: int | None) -> Delivered:
        delivered = self._unsettled.pop(tag or 0, None)
        if delivered is None:
            raise ChannelRefusal(406, f"PRECONDITION_FAILED - unknown delivery tag {tag}")
        if delivered.taker:
            delivered.taker.unsettled -= 1
        return delivered
