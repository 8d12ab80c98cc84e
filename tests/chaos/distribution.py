"""Distribution under kill -9: a day that is crashed at each of its statements, and what both databases hold then."""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from tests.chaos.attempt import End
from tests.chaos.banking import BankGround
from tests.chaos.ground import Duel
from tests.chaos.wire import Point

# What a driver says to open a session, to begin a transaction, and to end one that wrote nothing.
FRAME = (
    "BEGIN", "ROLLBACK", "select pg_catalog.version()", "select current_schema()", "show ",
    "ALTER SESSION", "select sys_context", "begin :trans_id", "SELECT ?.? FROM DUAL",
)  # fmt: skip
# Whether the source is another after each crash, and whether a second crash follows somewhere.
VARIANTS = ((False, False), (True, True), (False, True), (True, False))


@dataclass(frozen=True)
class Case:
    """One day.

    Attributes:
        struck: where it was killed.
        is_changed: whether the source was another after each crash.
        mails: how often the day was told.
    """

    struck: Sequence[Point]
    is_changed: bool
    mails: int
    took_s: float
    violations: list[str]


def record(ground: BankGround) -> list[Point]:
    """Run a day undisturbed and return its points."""
    ground.bank.new_day()
    ground.attempt()
    return ground.trap.points


def telling(points: Sequence[Point]) -> list[Point]:
    """Return the points without those of the frame: a crash there leaves what one beside it leaves."""
    return [point for point in points if not point.statement.startswith(FRAME)]


def commits(points: Sequence[Point]) -> list[Point]:
    """Return both sides of the commits of the day's rows: DSSB's, then SPSS's."""
    spss = [point for point in points if _is_commit(point, "spss")]
    earlier = points[: points.index(spss[0])]
    return [*[point for point in earlier if _is_commit(point, "dssb")][-2:], *spss]


def _is_commit(point: Point, place: str) -> bool:
    return point.place == place and point.statement.startswith("COMMIT")


def play(ground: BankGround, crashes: Sequence[Point | int], *, is_changed: bool = False) -> Case:
    """Play a day: kill one run after the other, each at its point, then let one run undisturbed.

    A number means the n-th point of its run, whichever that is; a run that has not so many ends the day.
    """
    begun_s = time.monotonic()
    bank = ground.bank
    bank.new_day()
    struck: list[Point] = []
    wrong: list[str] = []
    users: frozenset[str] = frozenset()
    for wanted in (*crashes, None):
        readable = bank.users()
        end = ground.attempt(wanted)
        held = bank.held()
        if held.written and not users:
            users = readable
        if end is not End.KILLED or ground.trap.where is None:
            break
        struck.append(ground.trap.where)
        wrong += held.torn(users)
        if is_changed:
            bank.change_source()
    wrong += [] if end is End.COMPLETED else [f"the last run ended {end.name}"]
    wrong += [] if struck or not crashes else [f"never came to {crashes[0]}"]
    wrong += held.wrong(users)
    return Case(struck, is_changed, len(held.mails), time.monotonic() - begun_s, wrong)


def campaign(ground: BankGround, rounds: int, tell: Callable[[Case], None], seed: int = 7) -> list[Case]:
    """Crash at each telling point, `rounds` times; two in a row leave the source once and change it once."""
    dice = random.Random(seed)
    points = record(ground)
    cases = []
    for turn in range(rounds):
        for number, point in enumerate(telling(points)):
            is_changed, has_second = VARIANTS[(number + turn) % len(VARIANTS)]
            second = [dice.randrange(len(points))] if has_second else []
            cases.append(play(ground, [point, *second], is_changed=is_changed))
            tell(cases[-1])
    return cases


def duels(ground: BankGround, points: Sequence[Point]) -> dict[str, Duel]:
    """Play all of them; one of two that come face to face stands before its commit in DSSB."""
    face_to_face = partial(ground.face_to_face, commits(points)[0])
    # The lock in state-db is taken from it; the fence in DSSB is left.
    unlocked = partial(face_to_face, partial(ground.bank.end_sessions, "metronome"))
    fights: dict[str, Callable[[], list[End]]] = {
        "started together": ground.together,
        "one before its commit": face_to_face,
        "one before its commit, its lock lost": unlocked,
    }
    return {name: _duel(ground, fight) for name, fight in fights.items()}


def _duel(ground: BankGround, fight: Callable[[], list[End]]) -> Duel:
    ground.bank.new_day()
    ends = fight()
    held = ground.bank.held()
    wrong = list(held.wrong(ground.bank.users()))
    wrong += [] if len(held.mails) == 1 else [f"{len(held.mails)} mails"]
    # One that comes to its lock only when the other has finished finds the day done, and completes.
    wrong += [] if set(ends) <= {End.COMPLETED, End.CANCELLED} else ["one failed"]
    return Duel([end.name for end in ends], wrong)
