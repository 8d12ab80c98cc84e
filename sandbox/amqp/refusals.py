"""What the broker says no with: codes and words are RabbitMQ's, since clients tell them apart by both.

Source  AMQP 0-9-1, "Reply codes"; RabbitMQ 3.10
"""


class Refusal(Exception):
    """Not done; `code` is AMQP's reply code."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code} {text}")
        self.code, self.text = code, text


class ChannelRefusal(Refusal):
    """The channel ends, the connection goes on."""


class ConnectionRefusal(Refusal):
    """The whole connection ends."""


class HungUp(Exception):
    """The client is gone."""


def not_found(kind: str, name: str) -> ChannelRefusal:
    return ChannelRefusal(404, f"NOT_FOUND - no {kind} '{name}' in this vhost")


def differs(kind: str, name: str, what: str) -> ChannelRefusal:
    return ChannelRefusal(406, f"PRECONDITION_FAILED - inequivalent arg '{what}' for {kind} '{name}'")


def unknown(what: str) -> ConnectionRefusal:
    """Return the loud answer to what this stand-in does not speak: better than a silent difference."""
    return ConnectionRefusal(540, f"NOT_IMPLEMENTED - the sandbox's broker does not know {what}")
