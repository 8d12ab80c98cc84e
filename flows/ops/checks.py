"""The doctor's checks: each says in a few words what it found, or raises.

Source  docs/runbook.md, one heading for each thing that can be wrong
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from prefect import __version__
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.objects import WorkerStatus
from prefect.settings import get_current_settings

from blocks import database, mail
from blocks.mail import MailSettings
from blocks.pop_game import PopGame
from blocks.store import load
from flows.common.clock import Clock
from flows.common.duty import BLOCK as STATE_DB
from flows.common.runbook import CLOCKS, GAME_DOWN, MAY_WRITE, SETTINGS, WORKER_DOWN
from flows.common.sql import statements
from flows.ops import bank, meetings, messaging, payouts
from flows.ops.parameters import Process
from flows.ops.unwell import Unwell

GAME_DB = "pop-db"
SKEW_MAX_S = 2.0
CONNECT_TIMEOUT_S = 10.0
SQL = statements(__package__)


@dataclass(frozen=True)
class Check:
    """`mend` says where to mend it, `heading` where to read on, when the exception has no heading."""

    name: str
    probe: Callable[[], Awaitable[str]]
    mend: str
    heading: str


async def read_only_users() -> str:
    async with database.session(GAME_DB) as session:
        await session.execute(SQL["read_users"])
        if await session.scalar(SQL["may_write"], {"name": "pop.user"}):
            raise Unwell("connected, but this user may write to pop.user; ours must only read")
    return "may read pop.user, may not write"


async def own_ledgers() -> str:
    async with database.session(STATE_DB) as session:
        missing = (await session.scalars(SQL["ledgers_missing"])).all()
        if missing:
            raise Unwell(f"not there: {', '.join(missing)}")
        closed = (await session.scalars(SQL["ledgers_not_ours"])).all()
        if closed:
            raise Unwell(f"may not write: {', '.join(closed)}")
    return "the ledgers are there and writable"


async def clocks() -> str:
    skews_s = {block: await _skew_s(block) for block in (GAME_DB, STATE_DB)}
    told = ", ".join(f"{block} {skew_s:+.2f} s" for block, skew_s in skews_s.items())
    if any(abs(skew_s) > SKEW_MAX_S for skew_s in skews_s.values()):
        raise Unwell(f"clocks differ: {told}")
    return told


async def _skew_s(block: str) -> float:
    """Return how far the database's clock is before ours; connecting does not count."""
    async with database.session(block) as session:
        await session.scalar(SQL["epoch"])
        before = Clock().utc().timestamp()
        theirs = float(await session.scalar(SQL["epoch"]) or 0)
        after = Clock().utc().timestamp()
    return theirs - (before + after) / 2


async def game_server() -> str:
    """Open TCP and TLS to the game server and say nothing: no handshake, no token."""
    game = await load(PopGame, "pop-game")
    url = urlsplit(game.url)
    tls = ssl.create_default_context() if url.scheme == "wss" else None
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            _, writer = await asyncio.open_connection(url.hostname, url.port or (443 if tls else 80), ssl=tls)
    except OSError as error:
        raise Unwell(f"no connection: {type(error).__name__}") from error
    writer.transport.abort()
    return "TCP and TLS" if tls else "TCP (no TLS: right on localhost only)"


async def mail_server() -> str:
    await mail.greet()
    settings = await load(MailSettings, "mail-settings")
    return f"logged in; {len(settings.recipients)} recipient(s)"


async def server_settings() -> str:
    theirs = await _admin("/admin/settings")
    wrong = []
    if ".memory" in theirs["server"]["concurrency"]["lease_storage"]:
        wrong.append("leases are kept in memory: a restart kills or blocks runs under a limit")
    if "flow_runs" not in (theirs["server"]["services"]["db_vacuum"]["enabled"] or ()):
        wrong.append("old flow runs are never removed")
    if get_current_settings().flows.heartbeat_frequency is None:
        wrong.append("runs send no heartbeat: PREFECT_FLOWS_HEARTBEAT_FREQUENCY=60")
    if wrong:
        raise Unwell("; ".join(wrong))
    return "leases on disk, heartbeats on, old runs are removed"


async def versions() -> str:
    server = await _admin("/admin/version")
    if server != __version__:
        raise Unwell(f"the server runs Prefect {server}, we run {__version__}")
    return f"Prefect {server} on both sides"


async def _admin(path: Literal["/admin/settings", "/admin/version"]) -> Any:
    async with get_client() as client:
        response = await client.request("GET", path)
    return response.json()


async def workers() -> str:
    async with get_client() as client:
        deployments = await client.read_deployments()
        pools = sorted({each.work_pool_name for each in deployments if each.work_pool_name})
        idle = [pool for pool in pools if not await _is_served(client, pool)]
    if idle or not pools:
        raise Unwell(f"no worker is online for work pool {', '.join(idle)}" if pools else "no deployment")
    return f"online for {', '.join(pools)}"


async def _is_served(client: PrefectClient, pool: str) -> bool:
    found = await client.read_workers_for_work_pool(pool)
    return any(worker.status is WorkerStatus.ONLINE for worker in found)


APPLY = "in .env, then `make apply`"
CHECKS = {
    check.name: check
    for check in (
        Check("pop-db", read_only_users, f"DB_* {APPLY}", MAY_WRITE),
        Check("state-db", own_ledgers, f"STATE_DB_* {APPLY}, which also creates the tables", "TableMissing"),
        Check("pop-game", game_server, f"POP_GAME_URL {APPLY}", GAME_DOWN),
        Check(
            "dssb-db", bank.dssb, f"ORACLE_*, DISTRIBUTION_* {APPLY}; docs/distribution.md, Grants", MAY_WRITE
        ),
        Check(
            "spss-db",
            bank.spss,
            f"SPSS_ORACLE_*, DISTRIBUTION_* {APPLY}; docs/distribution.md, Grants",
            MAY_WRITE,
        ),
        Check(
            "game-db", payouts.players, f"GAME_DB_*, PAYOUT_USERS {APPLY}; docs/payout.md, Grants", MAY_WRITE
        ),
        Check(
            "payout ledger",
            payouts.ledger,
            f"`make apply` creates the tables; STATE_DB_* {APPLY}; docs/payout.md, Grants",
            "TableMissing",
        ),
        Check("jobs-contract", payouts.contract, f"JOBS_*, PAYOUT_TOKEN_DECIMALS {APPLY}", "WrongToken"),
        Check(
            "treasury",
            payouts.treasury,
            "the contract's owner, or who fills the operator's account",
            "TreasuryShort",
        ),
        Check("chain clock", payouts.chain_clock, "time synchronisation (NTP) of this machine", CLOCKS),
        Check("broker", messaging.broker, f"BROKER_* {APPLY}", "BrokerUnreachable"),
        Check("meet", meetings.meet, f"MEET_* {APPLY}", "MeetRefusesUs"),
        Check("mail", mail_server, f"SMTP_*, EMAIL_SENDER, ALERT_RECIPIENTS {APPLY}", "MailNotSent"),
        Check("server settings", server_settings, "[tool.prefect] in pyproject.toml, then restart", SETTINGS),
        Check("versions", versions, "install requirements.lock on both machines, then restart", SETTINGS),
        Check("workers", workers, "`make up` on the worker's machine", WORKER_DOWN),
        Check("clocks", clocks, "time synchronisation (NTP) of the machine that is off", CLOCKS),
    )
}
# What only one process needs, and may be left out with it.
PROCESSES: dict[Process, tuple[str, ...]] = {
    "distribution": ("dssb-db", "spss-db"),
    "payout": ("game-db", "payout ledger", "jobs-contract", "treasury", "chain clock"),
    "dating": ("broker", "meet"),
}
