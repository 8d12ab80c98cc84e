"""What Meet was asked: the truth that tests compare our own books with."""

from collections import Counter
from typing import NamedTuple


class Request(NamedTuple):
    """One request and its HTTP status, 0 where the line was cut; `name` is the space's or the conference's."""

    at_s: float
    account: str
    method: str
    name: str
    status: int


class Journal:
    """In the order of the answers."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    @property
    def by_method(self) -> dict[str, int]:
        """How often each method was answered with 200."""
        return dict(Counter(each.method for each in self.requests if each.status == 200))  # noqa: PLR2004

    @property
    def by_status(self) -> dict[int, int]:
        return dict(Counter(each.status for each in self.requests))
