"""Payout's ground: the ledger, the game's database and the chain's node behind taps."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import sandbox
from deployments.stack import Stack
from tests.chaos import naive_payer
from tests.chaos.attempt import Attempt, End, compare, pay
from tests.chaos.ground import Ground, tapped
from tests.chaos.json_rpc import JsonRpc
from tests.chaos.scales import Scales
from tests.chaos.speech import Postgres
from tests.chaos.weather import DEADLINE_S
from tests.chaos.wire import LOOPBACK, Speech

SPEECHES: dict[str, type[Speech]] = {
    "STATE_DB_PORT": Postgres,
    "GAME_DB_PORT": Postgres,
    "JOBS_RPC_URL": JsonRpc,
}
SMALL = {
    "JOBS_BATCH_SIZE": "10", "JOBS_CONFIRMATIONS": "2",
    "PAYOUT_DEADLINE_S": str(DEADLINE_S), "PAYOUT_PATIENCE_S": "60",
}  # fmt: skip


@dataclass(frozen=True)
class PayoutGround(Ground):
    """What coins are paid on."""

    world: sandbox.World
    scales: Scales
    prefect: tuple[Any, ...]

    def strike(self, running: Attempt) -> bool:
        """As always; and no block comes until somebody has looked."""
        running.kill()
        self.scales.hold_still()
        return False

    def reconcile(self) -> End:
        """Let the daily comparison of chain and ledger look at everything."""
        return replace(self, work=partial(compare, *self.prefect)).attempt()

    def naive(self) -> "PayoutGround":
        """Return the same with a script at work that knows no job in flight."""
        naive_payer.prepare(self.world)
        state, game = (self._where(prefix) for prefix in ("STATE_DB", "GAME_DB"))
        work = partial(naive_payer.pay, state, game, self.env["JOBS_RPC_URL"])
        return replace(self, work=work, scales=Scales(self.world, naive_payer.BOOKED))

    def _where(self, prefix: str) -> dict[str, Any]:
        """Return a database's address as asyncpg wants it."""
        names = {"user": "USER", "password": "PASSWORD", "port": "PORT", "database": "NAME"}
        return {"host": LOOPBACK, **{name: self.env[f"{prefix}_{ours}"] for name, ours in names.items()}}


@contextmanager
def ground(world: sandbox.World, prefect: Stack) -> Iterator[PayoutGround]:
    """Put taps between both; leave the Blocks as they were.

    Args:
        world: whose databases and chain are tapped.
        prefect: with everything applied; needs no worker.
    """
    where = (prefect.api_url, prefect.home / "prefect")
    log = prefect.home / "log" / "payers.log"
    scales = Scales(world)
    with tapped(prefect, world.env, SMALL, SPEECHES) as (trap, taps, env):
        try:
            yield PayoutGround(
                trap, taps, env, log, partial(pay, *where), scales.is_let_go, world, scales, where
            )
        finally:
            scales.go_on()
