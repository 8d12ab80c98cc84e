"""What the broker saw, by routing key: the truth that tests compare our own books with."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class Counters:
    """Each by the routing key that the message was published with.

    Attributes:
        published: taken and put into at least one queue.
        returned: nobody's queue was bound to the key.
        refused: a full queue would not have it.
        delivered: handed to a consumer; a second time counts again.
        acked: done with.
        requeued: came back, by word of the consumer or by its end.
        dead_lettered: passed on to a dead-letter exchange.
        dropped: rejected where no dead-letter exchange takes it.
        connections: that were let in, ever.
    """

    published: Counter[str] = field(default_factory=Counter)
    returned: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    delivered: Counter[str] = field(default_factory=Counter)
    acked: Counter[str] = field(default_factory=Counter)
    requeued: Counter[str] = field(default_factory=Counter)
    dead_lettered: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    connections: int = 0

    def as_json(self) -> dict[str, Any]:
        return asdict(self)
