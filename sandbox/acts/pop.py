"""Pop: the plan, a few accounts served under the game server's eyes, and a run that is killed."""

from datetime import UTC, datetime, timedelta

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from sandbox.console import PLAIN, console
from sandbox.stage import Run, Stage, StepFailed, completed

ACCOUNTS = 80
COUNT = 100
WINDOW_S = 55
GAP_S = 0.5


async def dry_run(stage: Stage) -> str:
    await stage.run("pop/dry-run")
    return "planned, nothing sent: artifact pop-plan"


async def serve(stage: Stage) -> str:
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
