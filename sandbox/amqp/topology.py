"""What is there before anybody comes: an exchange, and queues bound to it, as somebody else has set them up."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Topology:
    """How the broker is furnished.

    Attributes:
        bindings: a durable queue's name for each routing key.
        variables: what points a Block at these names.
    """

    exchange: str
    bindings: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
