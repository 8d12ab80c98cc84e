"""`make demo`: the whole of Metronome on this machine, on invented data, in front of your eyes.

What is played stands in sandbox/acts.
"""

import argparse
import asyncio
import signal
import sys
import time
from pathlib import Path

import httpx
from rich.table import Table

from deployments.stack import StackError
from sandbox.acts import STEPS, Step
from sandbox.console import console
from sandbox.service import SandboxError
from sandbox.stage import Stage, StepFailed, set_up
from sandbox.world import DEFAULT_HOME


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
