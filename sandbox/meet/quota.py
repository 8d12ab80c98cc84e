"""Google's quotas as its server keeps them: so many requests in any minute, for a user and for the project."""

from collections import deque
from typing import NamedTuple

WINDOW_S = 60.0


class Limits(NamedTuple):
    """Requests per minute."""

    per_user: int
    per_project: int


LIMITS = {"create": Limits(10, 100), "write": Limits(100, 1000), "read": Limits(600, 6000)}
KINDS = {"spaces.create": "create", "spaces.patch": "write", "spaces.endActiveConference": "write"}


class Quota:
    """A refused request costs nothing.

    >>> quota = Quota()
    >>> [quota.take("host-1", "spaces.create", now_s) for now_s in [*range(11), 61]].count(False)
    1
    """

    def __init__(self, factor: int = 1) -> None:
        self.factor = factor
        self._seen: dict[tuple[str, str], deque[float]] = {}

    def take(self, user: str, method: str, now_s: float) -> bool:
        """Tell whether a request is within the quota now, and count it if so."""
        kind = KINDS.get(method, "read")
        limits = LIMITS[kind]
        windows = [self._window(each, kind, now_s) for each in (user, "")]
        if any(len(window) >= limit * self.factor for window, limit in zip(windows, limits, strict=True)):
            return False
        for window in windows:
            window.append(now_s)
        return True

    def _window(self, user: str, kind: str, now_s: float) -> deque[float]:
        window = self._seen.setdefault((user, kind), deque())
        while window and window[0] <= now_s - WINDOW_S:
            window.popleft()
        return window
