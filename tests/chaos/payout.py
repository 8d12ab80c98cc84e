"""Payout under kill -9: runs that are crashed at each of their statements, in any weather, and where the coins are then."""

import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import NamedTuple

from tests.chaos.attempt import End
from tests.chaos.ground import Duel
from tests.chaos.paying import PayoutGround
from tests.chaos.weather import Weather
from tests.chaos.wire import Point, Side

# What a driver says to open a session, to begin a transaction, and to end one that only read.
FRAME = (
    "BEGIN", "ROLLBACK", "select pg_catalog.version()", "select current_schema()", "show ", "SELECT", "WITH RECURSIVE",
    "COMMIT of select", "COMMIT of SELECT", "COMMIT of COMMIT",
)  # fmt: skip
STORED = "insert into payout.tx"
SENT = "eth_sendRawTransaction"
JOBS = 4  # of a run in which everybody is paid
MOST_RUNS = 5  # until everybody has got everything, after bad weather
PATIENCE_S = 7.0  # in bad weather, with a run that does not come to its point
ANYWHERE_S = (0.5, 4.0)
Crash = Point | float  # or after so many seconds, wherever the run is then


@dataclass(frozen=True)
class Case:
    """Some crashed runs, then as many undisturbed ones as it takes.

    Attributes:
        struck: where runs were killed; None at a random time.
        windows: where the crashes left open jobs.
        runs: undisturbed ones.
        seen: how often which kind of bad weather struck meanwhile; nothing in good weather.
    """

    struck: list[Point | None]
    windows: list[list[str]]
    runs: int
    seen: dict[str, int]
    took_s: float
    violations: list[str]


def record(ground: PayoutGround) -> list[Point]:
    """Let everybody earn and be paid, undisturbed; return the points of the run."""
    ground.scales.earn(Random(1))
    ground.attempt()
    return ground.trap.points


def telling(points: Sequence[Point]) -> list[Point]:
    """Return the points without those of the frame: each statement's first time, and what is said of each job."""
    spoken = [point for point in points if not point.statement.startswith(FRAME)]
    most = Counter((point.place, point.statement, point.side) for point in spoken)
    of_jobs = {key for key, count in most.items() if count == JOBS}
    later = {point for point in spoken if (point.place, point.statement, point.side) in of_jobs}
    return [point for point in spoken if point.nth == 1 or (point in later and point.nth in {2, JOBS})]


def at(points: Sequence[Point], *words: str, side: Side = Side.BEFORE) -> Point:
    """Return the first point with these words."""
    return next(
        point for point in points if point.side is side and all(word in point.statement for word in words)
    )


def play(ground: PayoutGround, crashes: Sequence[Crash], dice: Random, *, is_bad: bool = False) -> Case:
    """Let everybody earn; kill one run after the other, each at its point; then let runs go to their end.

    Args:
        ground: where.
        crashes: one for each run; a run that does not come to its point is over by itself.
        dice: what earnings and weather depend on.
        is_bad: whether the weather is.
    """
    begun_s = time.monotonic()
    ground.scales.earn(dice)
    weather = Weather(ground.scales, dice)
    with weather if is_bad else nullcontext():
        crashed = [_crash(ground, crash, PATIENCE_S if is_bad else None) for crash in crashes]
    runs, wrong = _finish(ground, MOST_RUNS if is_bad else 1)
    hit = [each for each in crashed if each.windows]
    return Case(
        [each.point for each in hit],
        [each.windows for each in hit],
        runs,
        dict(weather.seen),
        time.monotonic() - begun_s,
        [*(each for crash in crashed for each in crash.violations), *wrong],
    )


class _Crashed(NamedTuple):
    point: Point | None
    windows: list[str]
    violations: list[str]


def _crash(ground: PayoutGround, crash: Crash, within_s: float | None) -> _Crashed:
    """Let a run be killed, and look; no windows where it was over before."""
    point, within_s = (None, crash) if isinstance(crash, float) else (crash, within_s)
    is_killed = ground.attempt(point, within_s) is End.KILLED
    windows = sorted(ground.scales.windows()) if is_killed else []
    torn = list(ground.scales.weigh().torn())
    ground.scales.go_on()
    return _Crashed(ground.trap.where, windows, torn)


def _finish(ground: PayoutGround, most: int) -> tuple[int, list[str]]:
    """Run undisturbed until everybody has got everything, or as often as is allowed."""
    torn: list[str] = []
    runs = 0
    while True:
        runs += 1
        end, weight = ground.attempt(), ground.scales.weigh()
        torn += weight.torn()
        wrong = [*weight.wrong(), *([] if end is End.COMPLETED else [f"the last run ended {end.name}"])]
        if not wrong or runs == most:
            return runs, [*torn, *wrong]


def campaign(ground: PayoutGround, rounds: int, tell: Callable[[Case], None], seed: int = 7) -> list[Case]:
    """Crash at each telling point, three runs in a row; in every other case the weather is bad, and one is struck anywhere.

    The ledger grows older from case to case, unless one has gone wrong.
    """
    dice = Random(seed)
    ground.scales.begin()
    record(ground)
    points = record(ground)  # of one that finds a ledger
    cases: list[Case] = []
    for _ in range(rounds):
        left = deque(dice.sample(told := telling(points), len(told)))
        while left:
            cases.append(_next(ground, left, dice, is_bad=len(cases) % 2 == 1))
            tell(cases[-1])
            if cases[-1].violations:
                ground.scales.begin()
    return cases


def _next(ground: PayoutGround, left: deque[Point], dice: Random, *, is_bad: bool) -> Case:
    """Play the next points; those that no run came to stay, save one that was the first to be tried in good weather."""
    wanted = [left.popleft() for _ in range(min(2 if is_bad else 3, len(left)))]
    case = play(ground, [*wanted, *([dice.uniform(*ANYWHERE_S)] if is_bad else [])], dice, is_bad=is_bad)
    missed = [point for point in wanted if point not in case.struck]
    left.extendleft(point for point in reversed(missed) if is_bad or point is not wanted[0])
    return case


def duels(ground: PayoutGround) -> dict[str, Duel]:
    """Play all of them; one of two that come face to face stands before it stores, or before it sends."""
    points = record(ground)
    store, send = at(points, STORED), at(points, SENT)
    fights: dict[str, Callable[[], list[End]]] = {
        "started together": ground.together,
        "one before it stores a transaction": partial(ground.face_to_face, store),
        "one before it sends": partial(ground.face_to_face, send),
        "one before it sends, its lock lost": partial(ground.face_to_face, send, ground.scales.end_sessions),
    }
    return {name: duel(ground, fight) for name, fight in fights.items()}


def duel(ground: PayoutGround, fight: Callable[[], list[End]]) -> Duel:
    """Let everybody earn, and see what two runs make of it."""
    ground.scales.earn(Random(1))
    ends = fight()
    wrong = list(ground.scales.weigh().wrong())
    wrong += [] if set(ends) <= {End.COMPLETED, End.CANCELLED} else ["one failed"]
    return Duel([end.name for end in ends], wrong)


def control(ground: PayoutGround, *, is_bad: bool = False) -> list[Case]:
    """Play the same with a script that tries again: killed when it has sent, and before it writes down what it has paid."""
    cases = []
    for words, side in ((SENT, Side.LOST), ("insert into naive.payment", Side.BEFORE)):
        naive = ground.naive()
        naive.scales.begin()
        cases.append(play(naive, [at(record(naive), words, side=side)], Random(1), is_bad=is_bad))
    return cases
