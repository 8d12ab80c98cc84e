"""Who was in a room together, and for how long. Pure.

Meet tells how many came and when, not who they are to us: enough to say whether a date happened.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Stay:
    """One person in a room without a break, in Unix time; `person` tells people of one room apart."""

    person: str
    since_s: float
    until_s: float


@dataclass(frozen=True)
class Attendance:
    """How many different people came, and for how long at least two of them were there at once."""

    people: int
    together_s: float


def attendance(stays: Iterable[Stay]) -> Attendance:
    """Count people and their time together; somebody with two devices is one person.

    >>> attendance([Stay("a", 0, 60), Stay("b", 20, 300), Stay("a", 200, 290)])
    Attendance(people=2, together_s=130.0)
    """
    there: Counter[str] = Counter()
    steps = [(moment, stay.person, way) for stay in stays for moment, way in _ends(stay)]
    together_s, before_s = 0.0, 0.0
    for moment_s, person, way in sorted(steps):
        if sum(count > 0 for count in there.values()) > 1:
            together_s += moment_s - before_s
        there[person] += way
        before_s = moment_s
    return Attendance(len(there), together_s)


def _ends(stay: Stay) -> tuple[tuple[float, int], tuple[float, int]]:
    return (stay.since_s, 1), (max(stay.since_s, stay.until_s), -1)
