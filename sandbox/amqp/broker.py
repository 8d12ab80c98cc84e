"""The broker's core: exchanges, queues, and where a message goes. Knows no socket and no frame.

What it refuses is a `Refusal`; the words are RabbitMQ's.
"""

from itertools import count
from pathlib import Path

from pamqp.commands import Basic

from sandbox.amqp.counters import Counters
from sandbox.amqp.journal import Journal
from sandbox.amqp.message import Message, obituary
from sandbox.amqp.queue import DEAD_LETTER_EXCHANGE, DEAD_LETTER_KEY, Consumer, Queue
from sandbox.amqp.refusals import ChannelRefusal, differs, not_found, unknown

DEFAULT = ""
Bindings = dict[str, list[str]]


class Broker:
    """`folder` keeps what is durable; without one nothing is."""

    def __init__(self, folder: Path | None = None) -> None:
        self.counters = Counters()
        self.queues: dict[str, Queue] = {}
        self._exchanges: dict[str, Bindings] = {}
        self._journal = Journal(folder)
        newest = self._recall()
        self._numbers = count(newest + 1)

    def close(self) -> None:
        self._journal.close()

    def declare_exchange(self, name: str, kind: str, *, durable: bool, passive: bool) -> None:
        if name == DEFAULT:
            raise ChannelRefusal(403, "ACCESS_REFUSED - operation not permitted on the default exchange")
        if passive:
            self._bindings(name)
        elif kind != "direct":
            raise (
                differs("exchange", name, "type") if name in self._exchanges else unknown(f"{kind} exchanges")
            )
        elif not durable:
            raise (
                differs("exchange", name, "durable")
                if name in self._exchanges
                else unknown("fleeting exchanges")
            )
        else:
            self._exchanges.setdefault(name, {})
            self._journal.add_exchange(name)

    def declare_queue(
        self, name: str, *, durable: bool, passive: bool, arguments: dict[str, object]
    ) -> Queue:
        if passive:
            return self.queue(name)
        if name in self.queues:
            self.queues[name].compare(durable=durable, arguments=arguments)
        else:
            self.queues[name] = Queue(name, durable, arguments)
            if durable:
                self._journal.add_queue(name, arguments)
        return self.queues[name]

    def bind(self, queue: str, exchange: str, routing_key: str) -> None:
        self.queue(queue)
        bound = self._bindings(exchange).setdefault(routing_key, [])
        if queue not in bound:
            bound.append(queue)
        if self.queues[queue].durable:
            self._journal.add_binding(exchange, routing_key, queue)

    def queue(self, name: str) -> Queue:
        if name not in self.queues:
            raise not_found("queue", name)
        return self.queues[name]

    def delete_queue(self, name: str) -> int:
        """Return how many messages went with it."""
        queue = self.queues.pop(name, None)
        if queue is None:
            return 0
        self._journal.remove_queue(name)
        for bindings in self._exchanges.values():
            for bound in bindings.values():
                if name in bound:
                    bound.remove(name)
        for consumer in list(queue.consumers):
            consumer.cancel()
        return len(queue.waiting)

    def purge(self, name: str) -> int:
        queue = self.queue(name)
        for message in queue.waiting:
            self._journal.remove(message)
        purged = len(queue.waiting)
        queue.waiting.clear()
        return purged

    def find(self, exchange: str, routing_key: str) -> list[Queue]:
        """Return the queues that such a message goes to."""
        if exchange == DEFAULT:
            return [self.queues[routing_key]] if routing_key in self.queues else []
        return [self.queues[name] for name in self._bindings(exchange).get(routing_key, [])]

    def publish(self, exchange: str, routing_key: str, properties: Basic.Properties, body: bytes) -> bool:
        """Put it into every queue that it goes to; tell whether all of them have it.

        A message for no queue at all is the caller's to return: see `find`.
        """
        queues = self.find(exchange, routing_key)
        if any(queue.full for queue in queues):
            self.counters.refused[routing_key] += 1
            return False
        self.counters.published[routing_key] += bool(queues)
        for queue in queues:
            self._put(queue, Message(next(self._numbers), exchange, routing_key, properties, body))
        return True

    def consume(self, queue: Queue, consumer: Consumer) -> None:
        queue.consumers.append(consumer)
        self.serve(queue)

    def serve(self, queue: Queue) -> None:
        """Hand out what waits to who has room."""
        for consumer, message in queue.pairs():
            self._journal.deliver(message)
            self.counters.delivered[message.routing_key] += 1
            consumer.deliver(message)

    def take(self, queue: Queue) -> Message | None:
        """Return the next one for who asks instead of consuming."""
        if not queue.waiting:
            return None
        message = queue.waiting.popleft()
        self._journal.deliver(message)
        self.counters.delivered[message.routing_key] += 1
        return message

    def acknowledge(self, queue: Queue, message: Message) -> None:
        self._journal.remove(message)
        self.counters.acked[message.routing_key] += 1
        self.serve(queue)

    def requeue(self, queue: Queue, message: Message) -> None:
        """Put it back to its old place, unless its queue is gone by now."""
        if self.queues.get(queue.name) is not queue:
            return
        self.counters.requeued[message.routing_key] += 1
        queue.put_back(message)

    def reject(self, queue: Queue, message: Message) -> None:
        """Pass it on to the queue's dead-letter exchange; without one it is dropped."""
        exchange = str(queue.arguments.get(DEAD_LETTER_EXCHANGE, ""))
        routing_key = str(queue.arguments.get(DEAD_LETTER_KEY, message.routing_key))
        if DEAD_LETTER_EXCHANGE in queue.arguments and self._is_known(exchange):
            self.counters.dead_lettered[message.routing_key] += 1
            written = obituary(message, queue.name, "rejected")
            for grave in self.find(exchange, routing_key):
                self._put(grave, Message(next(self._numbers), exchange, routing_key, written, message.body))
        else:
            self.counters.dropped[message.routing_key] += 1
        self._journal.remove(message)
        self.serve(queue)

    def _put(self, queue: Queue, message: Message) -> None:
        if queue.durable and message.persistent:
            self._journal.put(queue.name, message)
        queue.waiting.append(message)
        self.serve(queue)

    def _is_known(self, exchange: str) -> bool:
        return exchange == DEFAULT or exchange in self._exchanges

    def _bindings(self, exchange: str) -> Bindings:
        if exchange not in self._exchanges:
            raise not_found("exchange", exchange)
        return self._exchanges[exchange]

    def _recall(self) -> int:
        """Read what the journal kept; return the newest message's number."""
        newest = 0
        self._exchanges = {name: {} for name in self._journal.exchanges()}
        for name, arguments in self._journal.queues():
            self.queues[name] = Queue(name, durable=True, arguments=arguments)
        for exchange, routing_key, queue in self._journal.bindings():
            self._exchanges[exchange].setdefault(routing_key, []).append(queue)
        for queue, message in self._journal.messages():
            self.queues[queue].waiting.append(message)
            newest = message.number
        return newest
