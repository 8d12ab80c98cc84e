"""What can be wrong with the message broker, and which of it a failure of the driver's means.

Source  docs/runbook.md has a heading for each exception below
"""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from aio_pika import exceptions as driver
from pamqp.exceptions import PAMQPException

from blocks.problem import Problem

# RuntimeError is what the driver says of a closed connection.
FAILURES = (driver.AMQPError, OSError, RuntimeError, PAMQPException, StopAsyncIteration)


class BrokerProblem(Problem):
    """{block}: the broker answered {reason}. Look at the broker's own log, or ask who runs it."""


class BrokerUnreachable(BrokerProblem):
    """{block}: the broker does not answer ({reason}). Check that it is up and that BROKER_HOST, BROKER_PORT and
    BROKER_TLS are right.
    """


class BrokerLost(BrokerProblem):
    """{block}: the line to the broker broke ({reason}). What it did not confirm is sent again, what we did not
    acknowledge comes again; when it happens often, look at the broker's own log.
    """


class BrokerRefusesUs(BrokerProblem):
    """{block}: the broker turns us away ({reason}). Correct BROKER_USER, BROKER_PASSWORD or BROKER_VHOST, or have
    the rights given to us, and run `make apply`.
    """

    heals = False


class ExchangeMissing(BrokerProblem):
    """{block}: there is no exchange {name}. Correct BROKER_EXCHANGE, or set BROKER_DECLARE=true if it is ours to
    create, and run `make apply`.
    """

    heals = False


class QueueMissing(BrokerProblem):
    """{block}: there is no queue {name}. Correct the BROKER_ variable with its name, or set BROKER_DECLARE=true if
    it is ours to create, and run `make apply`.
    """

    heals = False


class TopologyDiffers(BrokerProblem):
    """{block}: an exchange or a queue is there, but declared otherwise ({reason}). Set BROKER_DECLARE=false to take
    it as it is, and run `make apply`.
    """

    heals = False


class Unroutable(BrokerProblem):
    """{block}: no queue is bound to routing key {routing_key} of exchange {exchange}, so the message came back.
    The bot binds its own (BROKER_KEY_TO_BOT); the dead letters' is created by BROKER_DECLARE=true.
    """


class NotConfirmed(BrokerProblem):
    """{block}: the broker did not confirm a message ({reason}); whether it has it is not known. Look whether it is
    short of memory or disk, or a queue is full.
    """


@contextmanager
def speaking(block: str, name: str = "") -> Iterator[None]:
    """Turn the driver's exceptions into ours; `name` is what a 404 would be about.

    Theirs are not chained: their texts may hold the address, and a message with its reader.
    """
    try:
        yield
    except FAILURES as error:
        raise classify(error, block, name) from None


def classify(error: BaseException, block: str, name: str = "") -> BrokerProblem:
    """Return what a failure on an open connection means."""
    if isinstance(error, driver.PublishError):
        frame = error.frame
        return Unroutable(block=block, routing_key=frame["routing_key"], exchange=frame["exchange"])
    if isinstance(error, driver.DeliveryError):
        return NotConfirmed(block=block, reason="it refused it")
    if isinstance(error, driver.ChannelClosed):
        return _classify_refusal(error, block, name)
    if isinstance(error, driver.AMQPConnectionError | RuntimeError | OSError):
        return BrokerLost(block=block, reason=type(error).__name__)
    return BrokerProblem(block=block, reason=type(error).__name__)


def _classify_refusal(error: driver.ChannelClosed, block: str, name: str) -> BrokerProblem:
    text = str(error)
    if isinstance(error, driver.ChannelNotFoundEntity):
        return (ExchangeMissing if "no exchange" in text else QueueMissing)(block=block, name=name)
    if isinstance(error, driver.ChannelPreconditionFailed):
        return TopologyDiffers(block=block, reason=text)
    if "ACCESS_REFUSED" in text:
        return BrokerRefusesUs(block=block, reason="this user lacks a right")
    return BrokerLost(block=block, reason=type(error).__name__)


def classify_connecting(error: BaseException, block: str) -> BrokerProblem:
    """Return what a failure to connect means."""
    if isinstance(error, driver.ProbableAuthenticationError | driver.AuthenticationError):
        return BrokerRefusesUs(block=block, reason="user or password")
    # The driver does not tell why the broker closed instead of opening; after the login it can only be the vhost.
    if isinstance(error, driver.InvalidFrameError) and "OpenOk" in str(error):
        return BrokerRefusesUs(block=block, reason="vhost")
    cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return BrokerRefusesUs(block=block, reason="its certificate is not trusted: see BROKER_CA_FILE")
    if isinstance(error, TimeoutError):
        return BrokerUnreachable(block=block, reason="no answer in time")
    return BrokerUnreachable(block=block, reason=type(cause).__name__)
