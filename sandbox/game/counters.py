"""What the game saw: the truth that tests compare our own books with."""

from array import array
from collections import Counter
from collections.abc import Iterator
from itertools import islice, pairwise
from typing import NamedTuple

OPEN = "open"


class Arrival(NamedTuple):
    """One handshake; `at_s` counts from the server's start, on its event loop's clock."""

    at_s: float
    account: str
    outcome: str


class Counters:
    """Cheap for hundreds of thousands of arrivals: 16 bytes each, plus each distinct account once.

    Attributes:
        messages: that arrived whole, right or wrong.
        refused: how often by HTTP status (below 1000) or close code.
        served: accounts that got a valid answer, also "nothing left today".
        pops: that the game counted.
    """

    def __init__(self) -> None:
        self.messages = 0
        self.refused: Counter[int] = Counter()
        self.served: set[str] = set()
        self.pops = 0
        self.in_flight = 0
        self.most_in_flight = 0
        self._at_s = array("d")
        self._accounts, self._account = _Names(), array("L")
        self._outcomes, self._outcome = _Names(), array("H")

    def arrive(self, at_s: float, account: str) -> int:
        """A handshake; returns its number for `settle`."""
        self._at_s.append(at_s)
        self._account.append(self._accounts.number(account))
        self._outcome.append(self._outcomes.number(OPEN))
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        return len(self._at_s) - 1

    def settle(self, number: int, outcome: str) -> None:
        self._outcome[number] = self._outcomes.number(outcome)

    def leave(self) -> None:
        """The TCP connection of an arrival is gone."""
        self.in_flight -= 1

    @property
    def connections(self) -> int:
        return len(self._at_s)

    @property
    def outcomes(self) -> dict[str, int]:
        return {self._outcomes[index]: count for index, count in Counter(self._outcome).items()}

    @property
    def smallest_gap_s(self) -> float | None:
        return min(self._gaps_s(), default=None)

    @property
    def largest_gap_s(self) -> float | None:
        return max(self._gaps_s(), default=None)

    def arrivals(self, after: int = 0) -> Iterator[Arrival]:
        """In the order of their requests, without the first `after`."""
        rows = zip(self._at_s, self._account, self._outcome, strict=True)
        for at_s, account, outcome in islice(rows, after, None):
            yield Arrival(at_s, self._accounts[account], self._outcomes[outcome])

    def _gaps_s(self) -> Iterator[float]:
        return (later - earlier for earlier, later in pairwise(sorted(self._at_s)))


class _Names(list[str]):
    """Every distinct text once, known by its place."""

    def __init__(self) -> None:
        super().__init__()
        self._numbers: dict[str, int] = {}

    def number(self, name: str) -> int:
        if name not in self._numbers:
            self._numbers[name] = len(self)
            self.append(name)
        return self._numbers[name]
