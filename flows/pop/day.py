"""A day's work in memory: who is left, what came of whom, when the next may start. Pure."""

from collections import Counter, deque
from datetime import datetime

from flows.pop.models import Answer, Attempt, Outcome, Plan
from flows.pop.pacing import Pacer
from flows.pop.rules import check_refusals


class Day:
    """The queue, the pacer and the tally; told of every start and every answer.

    Attributes:
        attempts: connections so far, by outcome.
        unrecorded: attempts that the ledger does not have yet.
        smallest_gap_s: between two starts of this run.
        lateness_s: how far the last start was behind its due time.
    """

    def __init__(self, plan: Plan, pacer: Pacer) -> None:
        self.plan = plan
        self.attempts: Counter[Outcome] = Counter()
        self.unrecorded: list[Attempt] = []
        self.smallest_gap_s: float | None = None
        self.lateness_s = 0.0
        self._pacer = pacer
        self._queue = deque(plan.queue)
        self._deferred: set[str] = set()
        self._refusals = 0
        self._last_start_s: float | None = None

    @property
    def left(self) -> int:
        return len(self._queue)

    @property
    def served(self) -> int:
        return sum(number for outcome, number in self.attempts.items() if outcome.is_served)

    def ends_at(self, end_s: float) -> None:
        """Say anew when the window closes: the wall clock may have moved against the monotonic one."""
        self._pacer.end_s = end_s

    def next_start_s(self) -> float | None:
        """Return when the next start is due; None when nobody is left or the window closes before."""
        if not self._queue:
            return None
        due_s = self._pacer.next_start_s(self.left)
        return due_s if due_s < self._pacer.end_s else None

    def start(self, now_s: float) -> str:
        """Take the next account; its attempt starts now."""
        self.lateness_s = now_s - self._pacer.next_start_s(self.left)
        self._pacer.started(now_s, self.left)
        if self._last_start_s is not None:
            gap_s = now_s - self._last_start_s
            self.smallest_gap_s = min(gap_s, self.smallest_gap_s or gap_s)
        self._last_start_s = now_s
        return self._queue.popleft()

    def seen(self, now_s: float) -> None:
        """The server has certainly seen the last start."""
        self._pacer.seen(now_s)

    def put_back(self, account: str) -> None:
        """The attempt was cut off before its answer: the account is first again."""
        self._queue.appendleft(account)

    def answered(self, account: str, started_utc: datetime, answer: Answer, now_s: float) -> None:
        """Note what came of an attempt.

        Raises:
            GameRefusesUs: too many refusals in a row.
        """
        self.attempts[answer.outcome] += 1
        self.unrecorded.append(Attempt(account, started_utc, answer.outcome, answer.reason))
        if answer.outcome is Outcome.OVERWHELMED:
            self._pacer.overloaded(now_s, answer.retry_after_s, answer.restarting)
            self._defer(account)
        elif answer.outcome.is_served:
            self._pacer.succeeded(now_s)
        if account not in self.plan.refused:
            self._refusals = self._refusals + 1 if answer.outcome is Outcome.REFUSED else 0
        check_refusals(self._refusals, answer.reason)

    def _defer(self, account: str) -> None:
        """One more try, after everybody else."""
        if account not in self._deferred:
            self._deferred.add(account)
            self._queue.append(account)
