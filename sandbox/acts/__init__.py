"""What the demo plays, in order; each step has a budget of wall time, and the next process adds its own."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from sandbox.acts import distribution, house, payout, pop
from sandbox.stage import Stage


class Step(NamedTuple):
    """One thing the demo does; `act` returns what it came to, in a few words."""

    title: str
    budget_s: float
    act: Callable[[Stage], Awaitable[str]]


STEPS = (
    Step("start Prefect", 120, house.start_prefect),
    Step("apply pool, blocks, deployments, automations", 90, house.apply),
    Step("doctor: check every connection", 60, house.doctor),
    Step("pop: plan only", 60, pop.dry_run),
    Step(f"pop: serve {pop.ACCOUNTS} accounts", pop.WINDOW_S + 60, pop.serve),
    Step("kill -9 a run of pop: who is told?", 60, pop.failure_mail),
    Step("distribution: preview only", 60, distribution.preview),
    Step("distribution: two Oracle databases, one result", 60, distribution.day),
    Step("payout: dry run", 60, payout.dry_run),
    Step("payout: pay, and reconcile with the chain", 120, payout.pay),
)
