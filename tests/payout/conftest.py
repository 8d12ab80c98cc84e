"""Payout's ledger on a real PostgreSQL: a scratch database with the ledger, and a game's table that tests fill.

And the whole outside of the flow: players, chain and ledger of the session's world.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from prefect import Task
from prefect.client.orchestration import PrefectClient
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from blocks import evm_node
from blocks.jobs import Draft, Fees, JobEvent, JobStatus, Signed
from flows.common import artifacts
from flows.common.sql import script
from flows.payout import tasks, waiting, work
from flows.payout.audit import Audit
from flows.payout.inbox import Cursor, Inbox
from flows.payout.ledger import Ledger
from flows.payout.models import OpenJob, PlanHead, Player, Policy, Proof, Reserved, Slot, Source, Target
from flows.payout.planning import Planning
from flows.payout.transactions import Transactions
from sandbox import World
from tests.payout.outside import Outside

DATABASE = "payout_scratch"
TABLES = "job, account, item, tx, event, cursor, hold, held_day, poison, journal, plan, plan_batch, plan_item, plan_hold"
TARGET = Target(
    31_337, "0xe7f1725e7734ce288f8367e1bb143e90bb3f0512", "0x5fbdb2315678afecb367f032d93f642f64180aa3"
)
POLICY = Policy(Decimal(10), minimum=1, max_per_job=10_000, batch_size=3)
SOURCE = Source(table="game.users", coins="Coins")
SIGNER = "0x70997970c51812dc3a010c7d01b50e0d17dc79c8"
RUN = "a run"


def wallet(user_id: int) -> str:
    return f"0x{user_id + (1 << 150):040x}"


@dataclass
class Book:
    """The ledger's parts over one session, the game's session, and the little a test needs of a chain.

    Attributes:
        block: the newest block of that chain; its hash is its number.
    """

    ours: AsyncConnection
    game: AsyncConnection
    block: int = 0

    def __post_init__(self) -> None:
        self.planning = Planning(self.ours, TARGET)
        self.ledger = Ledger(self.ours, TARGET)
        self.transactions = Transactions(self.ours, TARGET, SIGNER)
        self.inbox = Inbox(self.ours, TARGET)
        self.audit = Audit(self.ours, TARGET)

    async def players(self, *players: Player | tuple[Any, ...]) -> None:
        """Put players into the game's table, or change them."""
        rows = [dict(zip(("id", "coins", "wallet"), player[:3], strict=True)) for player in players]
        statement = text(
            'insert into game.users (id, "Coins", wallet) values (:id, :coins, :wallet)'
            ' on conflict (id) do update set "Coins" = excluded."Coins", wallet = excluded.wallet'
        )
        await self.game.execute(statement, rows)
        await self.game.commit()

    async def earn(self, coins: Iterable[int]) -> None:
        """Players 1, 2, … have earned so many coins in all their time."""
        await self.players(*((number, coin, wallet(number)) for number, coin in enumerate(coins, 1)))

    async def plan(
        self, policy: Policy = POLICY, slot: Slot = Slot.LIVE, source: Source = SOURCE
    ) -> PlanHead:
        return await self.planning.make(self.game, source, policy, slot)

    async def reserve(self, policy: Policy = POLICY) -> Reserved:
        return await self.ledger.reserve((await self.plan(policy)).hash, uuid4().hex)

    async def open_job(self) -> OpenJob:
        """Return the only open job."""
        (job,) = await self.ledger.open_jobs()
        return job

    async def draft(self, job: OpenJob, nonce: int = 0, deadline: int = 100, fee_wei: int = 10) -> Draft:
        payload = await self.ledger.payload(job.job_id)
        return Draft(job.job_id, payload, deadline, nonce, 21_000, Fees(fee_wei, 1))

    async def sign(self, job: OpenJob, nonce: int = 0, deadline: int = 100, fee_wei: int = 10) -> str:
        """Store a transaction for the job; return its hash."""
        draft = await self.draft(job, nonce, deadline, fee_wei)
        signed = Signed(f"0x{job.job_id.hex()}-{nonce}-{fee_wei}-{deadline}", b"raw")
        await self.transactions.store(draft, signed)
        return signed.tx_hash

    async def happens(self, job: OpenJob, status: JobStatus, **odd: Any) -> Proof:
        """Mine the job's event, read it, and return its proof as of two blocks later."""
        self.block += 1
        terms = {"n": job.n, "total": job.total, "reason": None}
        if status in {JobStatus.FAILED, JobStatus.CANCELLED}:
            terms = {"n": None, "total": None, "reason": "no"}
        place = {"block": self.block, "block_hash": f"0x{self.block:x}", "tx_hash": f"0xt{self.block}"}
        event = {"job_id": job.job_id, "log_index": 0, **place, **terms, **odd}
        await self.inbox.take_in([JobEvent(status=status, **event)], Cursor(self.block, f"0x{self.block:x}"))
        return Proof(self.block, f"0x{self.block:x}", self.block + 2)

    async def account(self, user_id: int) -> tuple[int, int]:
        """Return what is paid and what is in flight."""
        story = await self.audit.why(user_id)
        return story.paid, story.in_flight

    async def by_hand(self, statement: str) -> None:
        """Change the ledger behind its own back, as its owner can."""
        await self.ours.execute(text(statement))
        await self.ours.commit()


@pytest.fixture(scope="session")
def scratch(world: World) -> str:
    """A database of its own beside state-db, with the same owner; return its address."""
    env = {name.removeprefix("STATE_DB_"): value for name, value in world.env.items()}
    if not world.query(f"select 1 from pg_database where datname = '{DATABASE}'", "postgres").strip():
        world.query(f"create database {DATABASE} owner {env['USER']}", "postgres")
    world.query(
        f"""
        create schema if not exists game authorization {env["USER"]};
        create table if not exists game.users (id bigint primary key, "Coins" numeric, wallet text);
        alter table game.users owner to {env["USER"]};
        """,
        DATABASE,
    )
    return f"postgresql+asyncpg://{env['USER']}:{env['PASSWORD']}@{env['HOST']}:{env['PORT']}/{DATABASE}"


@pytest.fixture
async def sessions(scratch: str) -> AsyncIterator["Sessions"]:
    """Opens sessions of the scratch database; they end with the test. Nobody has earned or got anything."""
    async with AsyncExitStack() as stack:
        sessions = Sessions(scratch, stack)
        await empty(await sessions.open())
        yield sessions


@dataclass
class Sessions:
    """Sessions to one database, as many as a test needs."""

    address: str
    stack: AsyncExitStack

    async def open(self) -> AsyncConnection:
        engine = create_async_engine(self.address, poolclass=NullPool)
        self.stack.push_async_callback(engine.dispose)
        return await self.stack.enter_async_context(engine.connect())

    async def book(self) -> Book:
        return Book(await self.open(), await self.open())


async def empty(connection: AsyncConnection) -> None:
    """Make the ledger where it is missing, and leave nothing in it or in the game."""
    raw = (await connection.get_raw_connection()).driver_connection
    await raw.execute(script("flows.payout"))
    await raw.execute("truncate " + ", ".join(f"payout.{name.strip()}" for name in TABLES.split(",")))
    await raw.execute("truncate game.users")


@pytest.fixture
async def book(sessions: Sessions) -> Book:
    """An empty ledger; its session holds the signer's lock."""
    book = await sessions.book()
    await book.transactions.lock()
    return book


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tried again is tried again at once, as often as ever: minutes of patience take a second."""
    for each in (*vars(tasks).values(), *vars(artifacts).values()):
        if isinstance(each, Task) and each.retry_delay_seconds:
            monkeypatch.setattr(each, "retry_delay_seconds", 0.02)
            monkeypatch.setattr(each, "retry_jitter_factor", None)
    monkeypatch.setattr(evm_node._RETRIED, "backoff_factor", 0.01)
    monkeypatch.setattr(waiting, "POLL_S", 0.2)
    monkeypatch.setattr(work, "LOCK_POLL_S", 0.2)


@pytest.fixture
async def outside(
    prefect: PrefectClient, world: World, paying_world: World, hurried: None
) -> AsyncIterator[Outside]:
    """A ledger in which nobody has anything, and a chain with a block each fifth of a second, final one later."""
    outside = Outside(paying_world)
    outside.reset()
    await outside.fill()
    yield outside
    outside.mend()
    outside.give_back()
    await Outside(world).fill(JOBS_CONFIRMATIONS="")  # as `make apply` left them
