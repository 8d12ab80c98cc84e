"""Distribution's ground: both banks' databases and the mail sink behind taps."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import sandbox
from deployments.stack import Stack
from tests.chaos import naive
from tests.chaos.attempt import distribute
from tests.chaos.bank import Bank, restored
from tests.chaos.ground import Ground, tapped
from tests.chaos.speech import Mail, Oracle, Postgres
from tests.chaos.wire import LOOPBACK, Speech

BACKENDS: dict[str, type[Speech]] = {"postgresql": Postgres, "oracle": Oracle}


@dataclass(frozen=True)
class BankGround(Ground):
    """What a day is played on."""

    bank: Bank

    def naive(self) -> "BankGround":
        """Return the same with the old service's way at work."""
        dssb, spss = (_where(self.env, prefix) for prefix in ("ORACLE", "SPSS_ORACLE"))
        return replace(self, work=partial(naive.distribute, dssb, spss))


@contextmanager
def ground(world: sandbox.World, prefect: Stack, backend: str = "postgresql") -> Iterator[BankGround]:
    """Put taps between both; leave them as they were.

    Args:
        world: whose databases and mail sink are tapped.
        prefect: with everything applied; needs no worker.
        backend: how the flow reaches DSSB and SPSS, one of `BACKENDS`.
    """
    direct = _directly(world.env) if backend == "postgresql" else {}
    # Both banks' databases are on one port.
    speeches: dict[str, type[Speech]] = {"STATE_DB_PORT": Postgres, "SMTP_PORT": Mail}
    speeches |= dict.fromkeys(("ORACLE_PORT", "SPSS_ORACLE_PORT"), BACKENDS[backend])
    with restored(world) as bank, tapped(prefect, world.env, direct, speeches) as (trap, taps, env):
        today = datetime.now(ZoneInfo("Asia/Almaty")).date()
        work = partial(distribute, prefect.api_url, prefect.home / "prefect", today)
        log = prefect.home / "log" / "attempts.log"
        yield BankGround(trap, taps, env, log, work, bank.is_let_go, bank)


def _directly(env: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that point both Blocks at PostgreSQL itself."""
    names = {"USER": "USER", "PASSWORD": "PASSWORD", "HOST": "HOST", "PORT": "PORT", "SID": "NAME"}
    found: dict[str, str] = {}
    for ours, theirs in (("ORACLE", "DSSB_POSTGRES"), ("SPSS_ORACLE", "SPSS_POSTGRES")):
        found |= {f"{ours}_{name}": env[f"{theirs}_{other}"] for name, other in names.items()}
        found[f"{ours}_DIALECT"] = "postgresql"
    return found


def _where(env: Mapping[str, str], prefix: str) -> dict[str, Any]:
    """Return a database's address as asyncpg wants it."""
    names = {"user": "USER", "password": "PASSWORD", "port": "PORT", "database": "SID"}
    return {"host": LOOPBACK, **{name: env[f"{prefix}_{ours}"] for name, ours in names.items()}}
