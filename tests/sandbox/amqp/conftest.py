"""Both brokers, and the client library on them."""

from tests.broker_fixtures import line, prefix, rabbitmq, running, sandboxed

__all__ = ["line", "prefix", "rabbitmq", "running", "sandboxed"]
