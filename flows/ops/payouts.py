"""The doctor's look at what payout stands on: players' coins, ledger, Jobs contract, the money in it, the chain's clock.

Nothing is signed and nothing is sent.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

from sqlalchemy import column, table

from blocks import database
from blocks.jobs import Jobs
from blocks.jobs_contract import JobsContract
from blocks.payout_settings import PayoutSettings
from blocks.store import load
from flows.common.clock import Clock
from flows.common.duty import BLOCK as STATE_DB
from flows.common.sql import statements
from flows.ops.bank import reading
from flows.ops.unwell import Unwell

GAME_DB, CONTRACT, SETTINGS = "game-db", "jobs-contract", "payout-settings"
AHEAD_MAX_S = 15.0  # makers of blocks may be that far ahead of the time
JOB_GAS = 1_000_000  # a job of 500 recipients takes 0.6 million
SQL = statements(__package__)


async def players() -> str:
    """Users readable with their coins and wallets, and not writable."""
    settings = await load(PayoutSettings, SETTINGS)
    schema, _, name = settings.users.partition(".")
    columns = (settings.id_column, settings.coins_column, settings.wallet_column)
    async with database.session(GAME_DB) as session:
        await session.execute(reading(table(name, *map(column, columns), schema=schema)))
        if await session.scalar(SQL["may_write"], {"name": f'"{schema}"."{name}"'}):
            raise Unwell(f"connected, but this user may write to {settings.users}; ours must only read")
    return f"may read {settings.users}, may not write"


async def ledger() -> str:
    """Payout's tables in state-db, with every column and every right."""
    async with database.session(STATE_DB) as session:
        lacks = (await session.scalars(SQL["payout_lacks"])).all()
    if lacks:
        raise Unwell("; ".join(lacks))
    return "payout's tables are there and writable"


async def contract() -> str:
    """The right chain, our contract on it, its token as our settings have it, our key the operator's.

    Raises:
        JobsProblem, DecimalsDiffer: the first that does not hold.
    """
    settings = await load(PayoutSettings, SETTINGS)
    async with _jobs() as jobs:
        await jobs.check()
        settings.check_decimals(await jobs.decimals())
        return f"chain {jobs.chain_id}, contract {jobs.contract}; our key is the operator's"


async def treasury() -> str:
    """There is something to pay with: budget, room in the day's limit, gas; and the contract is not paused."""
    async with _jobs() as jobs:
        there, fees, decimals = await jobs.treasury(), await jobs.fees(), await jobs.decimals()
    left = min(there.budget, there.max_per_day - there.submitted_today)
    jobs_of_gas = there.gas_balance // (fees.max_fee_wei * JOB_GAS)
    wrong = {
        "the contract is paused": there.paused,
        "no tokens are left in the contract": not there.budget,
        "the contract's limit of the day is used up": there.submitted_today >= there.max_per_day,
        "the operator's gas is not enough for one job": not jobs_of_gas,
    }
    if any(wrong.values()):
        raise Unwell("; ".join(what for what, holds in wrong.items() if holds))
    return f"{Decimal(left).scaleb(-decimals):,.2f} tokens can be paid today; gas for {jobs_of_gas:,} jobs"


async def chain_clock() -> str:
    """The newest block is not of the future: a job's deadline is told by the chain's clock."""
    async with _jobs() as jobs:
        head = await jobs.head()
    ahead_s = head.timestamp - Clock().utc().timestamp()
    if ahead_s > AHEAD_MAX_S:
        raise Unwell(f"block {head.number} is {ahead_s:.0f} s ahead of our clock")
    return f"block {head.number} is {-ahead_s:.0f} s old, {head.final_number} is final"


@asynccontextmanager
async def _jobs() -> AsyncIterator[Jobs]:
    async with (await load(JobsContract, CONTRACT)).open() as jobs:
        yield jobs
