"""The doctor's look at what dating stands on: the host accounts at Google Meet. Nothing is made or changed there."""

from blocks.meet import Meet
from blocks.store import load
from flows.common.clock import Clock


async def meet() -> str:
    """Every account is let in and may list its conferences, which takes the scope that everything else takes."""
    block = await load(Meet, "meet")
    async with block.open(Clock()) as rooms:
        hosts = await rooms.check()
    return f"{hosts} host account(s) let in: {10 * hosts * block.quota_factor} rooms a minute"
