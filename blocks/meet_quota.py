"""How often Google Meet may be asked: tokens for each host account and for the project. Pure, on a clock handed in.

Source  developers.google.com/workspace/meet/api/guides/limits
"""

from collections import deque
from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

WINDOW_S = 60.0


class Use(StrEnum):
    """What a request counts as."""

    CREATE = "create"
    WRITE = "write"
    READ = "read"


class Limits(NamedTuple):
    """Requests per minute."""

    per_host: int
    per_project: int


LIMITS = {Use.CREATE: Limits(10, 100), Use.WRITE: Limits(100, 1000), Use.READ: Limits(600, 6000)}


class Bucket:
    """Tokens that come back a minute after their request was answered.

    The server counted it before that, so what fits here fits there, however slow the way is. A bucket that refills
    evenly would let twice the limit pass in the first minute.

    >>> bucket = Bucket(1)
    >>> bucket.take()
    >>> bucket.give_back(now_s=10.0)
    >>> bucket.wait_s(now_s=30.0), bucket.wait_s(now_s=70.0)
    (40.0, 0.0)
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._in_use = 0
        self._back_at_s: deque[float] = deque()
        self._rests_until_s = float("-inf")

    def left(self, now_s: float) -> int:
        while self._back_at_s and self._back_at_s[0] <= now_s:
            self._back_at_s.popleft()
        return self.limit - self._in_use - len(self._back_at_s)

    def wait_s(self, now_s: float) -> float:
        """Return 0 when there is a token, else the least time until there can be one."""
        if self.left(now_s) > 0:
            free_at_s = now_s
        else:
            free_at_s = self._back_at_s[0] if self._back_at_s else now_s + WINDOW_S
        return max(free_at_s, self._rests_until_s) - now_s

    def take(self) -> None:
        self._in_use += 1

    def give_back(self, now_s: float) -> None:
        self._in_use -= 1
        self._back_at_s.append(now_s + WINDOW_S)

    def rest(self, until_s: float) -> None:
        """Give no token before `until_s`: the server says that somebody else took them."""
        self._rests_until_s = max(self._rests_until_s, until_s)


class Quota:
    """The buckets of a project and of its hosts.

    Args:
        hosts: names of the host accounts.
        factor: Google's limits times this.
    """

    def __init__(self, hosts: Iterable[str], factor: int = 1) -> None:
        self._project = {use: Bucket(limits.per_project * factor) for use, limits in LIMITS.items()}
        self._hosts = {
            host: {use: Bucket(limits.per_host * factor) for use, limits in LIMITS.items()} for host in hosts
        }

    def wait_s(self, host: str, use: Use, now_s: float) -> float:
        """Return 0 when a request may be sent now, else the least time until one may."""
        return max(bucket.wait_s(now_s) for bucket in self._buckets(host, use))

    def take(self, host: str, use: Use) -> None:
        for bucket in self._buckets(host, use):
            bucket.take()

    def give_back(self, host: str, use: Use, now_s: float) -> None:
        """Say that the request was answered, or given up."""
        for bucket in self._buckets(host, use):
            bucket.give_back(now_s)

    def rest(self, host: str, use: Use, until_s: float) -> None:
        self._hosts[host][use].rest(until_s)

    def next_host(self, use: Use, now_s: float) -> str:
        """Return the host that may go first; among equals the one with most tokens left."""
        return min(
            self._hosts,
            key=lambda host: (self._hosts[host][use].wait_s(now_s), -self._hosts[host][use].left(now_s)),
        )

    def _buckets(self, host: str, use: Use) -> tuple[Bucket, Bucket]:
        return self._hosts[host][use], self._project[use]
