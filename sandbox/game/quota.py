"""How many pops an account has left today."""

from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True)
class Tally:
    """One account after a markPop."""

    counted_pops: int
    todays_pops: int
    account_pops: int
    all_pops: int
    quota_pops: int

    @property
    def remaining_pops(self) -> int:
        return self.quota_pops - self.todays_pops


class Quota:
    """Every account may pop `daily_pops` times a day; what is above that is not counted.

    >>> quota = Quota(100)
    >>> [quota.take("0xab", 60, day=1).counted_pops for _ in range(3)]
    [60, 40, 0]
    >>> quota.take("0xab", 60, day=2).remaining_pops
    40
    """

    def __init__(self, daily_pops: int) -> None:
        self.daily_pops = daily_pops
        self._day = -1
        self._today: Counter[str] = Counter()
        self._ever: Counter[str] = Counter()
        self._all_pops = 0

    def take(self, account: str, pops: int, day: int) -> Tally:
        if day != self._day:
            self._day, self._today = day, Counter()
        counted = min(pops, self.daily_pops - self._today[account])
        self._today[account] += counted
        self._ever[account] += counted
        self._all_pops += counted
        return Tally(counted, self._today[account], self._ever[account], self._all_pops, self.daily_pops)
