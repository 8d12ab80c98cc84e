"""What one run works with: the chain, the ledger in one session, and the game's database."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from enum import Enum, auto

from sqlalchemy.ext.asyncio import AsyncConnection

from blocks import database
from blocks.jobs import Jobs
from blocks.jobs_contract import JobsContract
from blocks.payout_settings import PayoutSettings
from blocks.store import load
from flows.common.clock import Clock
from flows.common.duty import BLOCK as STATE_DB
from flows.payout.audit import Audit
from flows.payout.figures import Books
from flows.payout.inbox import Inbox
from flows.payout.ledger import Ledger
from flows.payout.models import PlanHead, Policy, Slot, Source, Target
from flows.payout.planning import Planning
from flows.payout.refusals import SignerLocked
from flows.payout.snapshot import GAME_DB
from flows.payout.transactions import Transactions

CONTRACT, SETTINGS = "jobs-contract", "payout-settings"
LOCK_POLL_S = 5.0


class Access(Enum):
    """What a run wants of the signer's lock."""

    NONE = auto()
    NOW = auto()
    PATIENT = auto()  # waits as long as a payout may take


class Work:
    """A plain object, so that the engine neither walks through it nor keeps it.

    Attributes:
        run_id: of the flow run, as the ledger keeps it.
        troubles: what a person must hear of once everything that could be done is done.
        aside: open jobs that cannot be booked; the others go on.
    """

    def __init__(self, run_id: str, jobs: Jobs, settings: PayoutSettings, access: Access) -> None:
        self.run_id, self.jobs, self.settings = run_id, jobs, settings
        self.target = Target(jobs.chain_id, jobs.contract, jobs.token)
        self.troubles: list[Exception] = []
        self.aside: set[bytes] = set()
        self._access = access
        self._open = AsyncExitStack()
        self._session: AsyncConnection | None = None

    async def ensure(self) -> None:
        """Hold a session of the ledger's database that lives, with the signer's lock if this run wants it.

        Raises:
            SignerLocked: another run pays.
            DatabaseProblem: the database is away.
        """
        if self._session is not None and not await self._is_well():
            with suppress(Exception):  # on a dead line a farewell would take a minute
                await self._session.invalidate()
            await self.close()
        if self._session is None:
            await self._begin()

    async def _is_well(self) -> bool:
        try:
            return await self.transactions.holds() or self._access is Access.NONE
        except database.DatabaseProblem:
            return False

    async def _begin(self) -> None:
        self._session = session = await self._open.enter_async_context(database.session(STATE_DB))
        self.ledger = Ledger(session, self.target)
        self.planning = Planning(session, self.target)
        self.inbox = Inbox(session, self.target)
        self.audit = Audit(session, self.target)
        self.books = Books(session, self.target)
        self.transactions = Transactions(session, self.target, self.jobs.account)
        try:
            if self._access is not Access.NONE:
                await self._lock()
        except BaseException:
            await self.close()
            raise

    async def _lock(self) -> None:
        clock, patience_s = Clock(), self.longest_s if self._access is Access.PATIENT else 0
        until_s = clock.monotonic_s() + patience_s
        while True:
            try:
                return await self.transactions.lock()
            except SignerLocked:
                if clock.monotonic_s() >= until_s:
                    raise
            await clock.sleep(LOCK_POLL_S)

    async def close(self) -> None:
        self._session = None
        with suppress(database.DatabaseProblem):  # it was dead already
            await self._open.aclose()

    @property
    def longest_s(self) -> int:
        """How long a run may wait for its jobs, even on a chain that stands still."""
        return self.settings.deadline_s + self.settings.patience_s

    def tell(self, trouble: Exception) -> None:
        """Keep what a person must hear of; a step that is tried again tells it once."""
        if str(trouble) not in map(str, self.troubles):
            self.troubles.append(trouble)

    def check_troubles(self) -> None:
        """Raise the first of what is to be told, if there is any."""
        for trouble in self.troubles:
            raise trouble

    async def plan(self, slot: Slot) -> PlanHead:
        """Read the players and store who would be paid what.

        Raises:
            JobsProblem, DatabaseProblem, PlayersNotUnique: as they say.
        """
        treasury = await self.jobs.treasury()
        policy = Policy(
            units_per_coin=self.settings.units_per_coin,
            minimum=self.settings.least_units,
            max_per_job=treasury.max_per_job,
            batch_size=self.jobs.batch_size,
        )
        names = self.settings
        source = Source(names.users, names.id_column, names.coins_column, names.wallet_column)
        async with database.session(GAME_DB) as game:
            return await self.planning.make(game, source, policy, slot)

    async def check(self) -> None:
        """Look before anything is signed whether this is the chain, contract, token and key that we mean.

        Raises:
            JobsProblem: it is not.
            DecimalsDiffer: the token counts otherwise than the settings say.
        """
        await self.jobs.check()
        self.settings.check_decimals(await self.jobs.decimals())


@asynccontextmanager
async def open_work(run_id: str, access: Access) -> AsyncIterator[Work]:
    """Yield the work of a run, which begins with `ensure`; asks neither chain nor database.

    Raises:
        BlockMissing, KeyLocked: a Block is not there, or not as it should be.
    """
    contract = await load(JobsContract, CONTRACT)
    settings = await load(PayoutSettings, SETTINGS)
    async with contract.open() as jobs:
        work = Work(run_id, jobs, settings, access)
        try:
            yield work
        finally:
            await work.close()
