"""The game's players and our ledger on the sandbox's PostgreSQL, and the environment that points Blocks at them."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psycopg

import sandbox
from benchmarks import payout_chain
from benchmarks.payout_chain import Node
from deployments.surroundings import free_port
from flows.payout.checksum import keccak256
from sandbox.players import usual
from sandbox.postgres import SUPERUSER, Postgres
from sandbox.state import LOOPBACK, State
from sandbox.wheel import postgres_folder
from sandbox.world import services

SEED = 4
DIGITS = 40
CASE = 0x20  # the bit by which a letter is lower
# The journal and the items refuse to be emptied, as they should.
_EMPTY = """
    set session_replication_role = replica;
    do $$ begin
        execute (
            select 'truncate ' || string_agg(format('payout.%I', relname), ', ') from pg_class
            where relnamespace = 'payout'::regnamespace and relkind in ('r', 'p')
        );
    end $$
"""
_WRONG = """
    select (select count(*) from payout.account where paid > 0 and in_flight = 0),
           (select coalesce(sum(paid), 0) from payout.account),
           (select coalesce(sum(total), 0) from payout.event where status = 2)
"""


class NotPaid(Exception):
    """The ledger does not say that everybody was paid, or not what the chain says, so no figure counts."""


class Ground:
    """What is measured on.

    Attributes:
        home: a folder for whoever measures.
        env: what fills the Blocks; the chain in it is that of `chain()`, whichever runs.
    """

    def __init__(self, home: Path, world: sandbox.World, postgres: Postgres) -> None:
        self.home, self._postgres = home, postgres
        self._port = free_port()
        url = f"{LOOPBACK}:{self._port}"
        self.env = {**world.env, "JOBS_RPC_URL": f"http://{url}", "JOBS_WS_URL": f"ws://{url}"}

    @contextmanager
    def chain(self, interval_s: float) -> Iterator[Node]:
        """Run a fresh chain where the Blocks look for it."""
        with payout_chain.fresh(self._port, interval_s) as node:
            yield node

    @contextmanager
    def database(self, name: str) -> Iterator[psycopg.Connection[Any]]:
        """Connect as the superuser: only he may let the server read files."""
        login = {"user": SUPERUSER, "password": self._postgres.password, "dbname": name}
        with psycopg.connect(host=LOOPBACK, port=self._postgres.port, **login) as connection:
            yield connection

    def fill(self, users: int) -> None:
        """Let these be the players: everybody has earned, and has a wallet that nobody else has, as wallets show it."""
        rows = zip(range(1, users + 1), map(usual, range(users)), wallets(users), strict=True)
        with self.database("players") as players:
            players.execute("truncate public.users")
            with players.cursor().copy("copy public.users (id, coins, wallet) from stdin") as copy:
                copy.write("".join(f"{user}\t{coins}\t{wallet}\n" for user, coins, wallet in rows))
        self._settle("players", "public.users")

    def earn(self) -> None:
        """Let everybody earn as much once more."""
        with self.database("players") as players:
            players.execute("update public.users set coins = 2 * coins")
        self._settle("players", "public.users")

    def empty(self) -> None:
        """Forget all that was ever paid."""
        with self.database("state") as ledger:
            ledger.execute(_EMPTY)
        self.checkpoint()

    def checkpoint(self) -> None:
        """Let none of the past fall into the next measurement."""
        self._postgres.query("checkpoint")

    def check(self, users: int) -> None:
        """Look whether everybody is paid what the chain has paid.

        Raises:
            NotPaid: somebody is not.
        """
        with self.database("state") as ledger:
            (row,) = ledger.execute(_WRONG).fetchall()
        paid, booked, on_chain = row
        if paid != users or not booked == on_chain > 0:
            raise NotPaid(
                f"{paid} of {users} are paid; {booked} units are booked, {on_chain} are on the chain"
            )

    def file(self, name: str) -> Path:
        """Return where the server may write a file that it reads later."""
        return self._postgres.folder / "data" / name

    def _settle(self, database: str, table: str) -> None:
        self._postgres.query(f"vacuum analyze {table}", database)
        self.checkpoint()


def wallets(number: int) -> list[str]:
    """Make up addresses in the mixed case of EIP-55: the dearest kind to check."""
    lower = np.frombuffer(np.random.default_rng(SEED).bytes(number * DIGITS // 2).hex().encode(), np.uint8)
    lower = lower.reshape(number, DIGITS)
    cases = np.unpackbits(keccak256(lower)[:, : DIGITS // 2], axis=1)[:, ::4].astype(bool)
    mixed = np.where(cases & (lower >= ord("a")), lower ^ CASE, lower).astype(np.uint8).tobytes().decode()
    return [f"0x{mixed[at : at + DIGITS]}" for at in range(0, number * DIGITS, DIGITS)]


@contextmanager
def open_ground() -> Iterator[Ground]:
    """Start everything, in folders that are gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="mn-bench-"))
    home.chmod(0o755)  # PostgreSQL refuses root and runs as somebody else then, who must get in
    try:
        world = sandbox.up(home / "world")
        if world.left_out:
            raise SystemExit(" ".join(world.left_out))
        idle = Node(int(world.env["JOBS_RPC_URL"].rpartition(":")[2]))
        idle.ask("sandbox_setInterval", None)
        idle.close()
        postgres, *_ = services(State.load(home / "world"))
        assert isinstance(postgres, Postgres)
        yield Ground(home, world, postgres)
    finally:
        sandbox.down(home / "world")
        for folder in (postgres_folder(home / "world"), home):
            shutil.rmtree(folder, ignore_errors=True)
