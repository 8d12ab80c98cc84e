"""`make demo`: the whole of Metronome on this machine, on invented data, in front of your eyes.

A list of steps, each with a budget of wall time; the next process adds its own.
"""

import argparse
import asyncio
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import httpx
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from deployments.stack import StackError
from sandbox.service import SandboxError
from sandbox.stage import Run, Stage, StepFailed, completed, set_up
from sandbox.world import DEFAULT_HOME

ACCOUNTS = 80
COUNT = 100
WINDOW_S = 55
GAP_S = 0.5

console = Console()
# Into a file or a CI log: lines instead of a bar that moves.
PLAIN = not console.is_terminal


class Step(NamedTuple):
    """One thing the demo does; `act` returns what it came to, in a few words."""

    title: str
    budget_s: float
    act: Callable[[Stage], Awaitable[str]]


async def start_prefect(stage: Stage) -> str:
    await asyncio.to_thread(stage.stack.start)
    return stage.stack.ui_url


async def apply(stage: Stage) -> str:
    told = await stage.apply()
    # The demo alone says when pop sends; the guard respects an operator's pause.
    await stage.pause_schedules("pop/daily")
    await asyncio.to_thread(stage.stack.start_worker)
    return told


async def doctor(stage: Stage) -> str:
    await stage.run("doctor/on-demand")
    return "every connection works"


async def pop_dry_run(stage: Stage) -> str:
    await stage.run("pop/dry-run")
    return "planned, nothing sent: artifact pop-plan"


async def pop(stage: Stage) -> str:
    (await stage.api.post(f"{stage.world.admin_url}/game/reset")).raise_for_status()
    window_end = datetime.now(UTC) + timedelta(seconds=WINDOW_S)
    run = await stage.start("pop/daily", count=COUNT, limit=ACCOUNTS, window_end=window_end.isoformat())
    await _show(stage, run)
    return await _check_pop(stage)


async def _show(stage: Stage, run: Run) -> None:
    """Show what the game server sees, until the run has ended."""
    columns = (BarColumn(), TextColumn("{task.completed}/{task.total} served, {task.description}"))
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True, disable=PLAIN) as progress:
        bar, mark = progress.add_task("", total=ACCOUNTS), ACCOUNTS // 4
        async for seen in stage.watch(run):
            run = seen
            counters = await stage.counters()
            served = counters["accounts_served"]
            told = f"{counters['in_flight']} in flight, smallest gap {_gap(counters)}, run {run.state}"
            progress.update(bar, completed=served, description=told)
            if PLAIN and served >= mark:
                console.print(f"            {served}/{ACCOUNTS} served, {told}")
                mark += ACCOUNTS // 4
    completed(run)


async def _check_pop(stage: Stage) -> str:
    counters = await stage.counters()
    served, gap_s, most = (counters[key] for key in ("accounts_served", "smallest_gap_s", "most_in_flight"))
    told = f"{served} accounts served, smallest gap {_gap(counters)}, at most {most} in flight"
    if served != ACCOUNTS or gap_s < GAP_S or most > 1:
        raise StepFailed(f"the game server saw something else than was promised: {told}")
    return told


def _gap(counters: dict[str, float | None]) -> str:
    gap_s = counters["smallest_gap_s"]
    return "-" if gap_s is None else f"{gap_s:.3f} s"


async def failure_mail(stage: Stage) -> str:
    known = {mail["number"] for mail in await stage.mails()}
    window_end = datetime.now(UTC) + timedelta(seconds=WINDOW_S)
    run = await stage.start("pop/daily", limit=ACCOUNTS, window_end=window_end.isoformat())
    async for seen in stage.watch(run):
        if seen.state == "Running":
            stage.kill_flows()
    mails = await stage.next_mails(known)
    return f"{mails[0]['subject']!r}: {stage.world.admin_url}/mail/{mails[0]['number']}"


STEPS = (
    Step("start Prefect", 120, start_prefect),
    Step("apply pool, blocks, deployments, automations", 90, apply),
    Step("doctor: check every connection", 60, doctor),
    Step("pop: plan only", 60, pop_dry_run),
    Step(f"pop: serve {ACCOUNTS} accounts", WINDOW_S + 60, pop),
    Step("kill -9 a run of pop: who is told?", 60, failure_mail),
)


async def play(stage: Stage) -> bool:
    """Take the steps in order and tell of each; return whether all came to their ends."""
    for step in STEPS:
        console.print(f"[dim]        ..  {step.title}[/]")
        began_s = time.monotonic()
        problem, told = await _take(step, stage)
        _tell(step.title, told, time.monotonic() - began_s, problem)
        if problem:
            console.print(f"Logs: {stage.stack.home}/log", soft_wrap=True)
            return False
    return True


async def _take(step: Step, stage: Stage) -> tuple[bool, str]:
    try:
        async with asyncio.timeout(step.budget_s):
            return False, await step.act(stage)
    except TimeoutError:
        return True, f"took longer than its budget of {step.budget_s:.0f} s"
    except (StepFailed, StackError, httpx.HTTPError) as error:
        return True, str(error) or type(error).__name__


def _tell(title: str, told: str, took_s: float, problem: bool = False) -> None:
    mark = "[bold red]failed[/]" if problem else "[green]    ok[/]"
    console.print(f"{took_s:6.1f} s {mark}  {title}: {told}", soft_wrap=True, highlight=False)


async def summarise(stage: Stage) -> None:
    """Say what the outside saw and where to look."""
    counters, mails, ui = await stage.counters(), await stage.mails(), stage.stack.ui_url
    table = Table(show_header=False, box=None)
    table.add_row("the game server saw", f"{counters['connections']} connections, {counters['pops']} pops")
    table.add_row("the mail sink has", f"{len(mails)} mails: {stage.world.admin_url}/")
    for page in ("runs", "deployments", "blocks", "automations"):
        table.add_row(page, f"{ui}/{page}")
    for artifact in await stage.artifacts():
        table.add_row(f"artifact {artifact['key']}", f"{ui}/artifacts/key/{artifact['key']}")
    console.print(table)


async def main(home: Path, once: bool) -> int:
    """Return the exit code: 0 where every step did what it should."""
    _end_on_sigterm()
    began_s = time.monotonic()
    async with set_up(home) as stage:
        _tell("start the outside world", stage.world.admin_url, time.monotonic() - began_s)
        fine = await play(stage)
        await summarise(stage)
        if not once:
            console.print(f"\nThe UI stays up until Ctrl-C: [bold]{stage.stack.ui_url}[/]")
            await asyncio.Event().wait()
        console.print("Stopping everything ...")
    return 0 if fine else 1


def _end_on_sigterm() -> None:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m sandbox.demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="end after the last step and stop everything")
    parser.add_argument("--home", type=Path, default=DEFAULT_HOME, help="where data and logs are kept")
    options = parser.parse_args()
    try:
        sys.exit(asyncio.run(main(options.home, options.once)))
    except (KeyboardInterrupt, asyncio.CancelledError):
        console.print("Everything is stopped.")
    except (SandboxError, StackError) as error:
        sys.exit(f"demo: {error}")
