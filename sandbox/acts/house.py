"""Prefect itself: started, filled with what is declared, checked."""

import asyncio

from sandbox.stage import Stage


async def start_prefect(stage: Stage) -> str:
    await asyncio.to_thread(stage.stack.start)
    return stage.stack.ui_url


async def apply(stage: Stage) -> str:
    told = await stage.apply()
    # The demo alone says when they run; the guard respects an operator's pause.
    for deployment in ("pop/daily", "distribution/daily"):
        await stage.pause_schedules(deployment)
    await asyncio.to_thread(stage.stack.start_worker)
    return told


async def doctor(stage: Stage) -> str:
    left_out = stage.world.left_out
    await stage.run("doctor/on-demand", without=["payout"] if left_out else [])
    return " ".join(["every connection works", *(f"({sentence})" for sentence in left_out)])
