"""A message broker for who has no RabbitMQ: AMQP 0-9-1 on loopback, with a switch for what can go wrong."""

from sandbox.amqp.counters import Counters
from sandbox.amqp.faults import Fault, Faults
from sandbox.amqp.server import AmqpServer
from sandbox.amqp.topology import Topology

__all__ = ["AmqpServer", "Counters", "Fault", "Faults", "Topology"]
