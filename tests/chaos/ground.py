"""Where distribution is crashed: an outside world and a Prefect server, with taps in between."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL
from prefect.settings.context import temporary_settings

import sandbox
from deployments import blocks
from deployments.stack import Stack
from tests.chaos import naive
from tests.chaos.arena import wait_until
from tests.chaos.attempt import Attempt, End, distribute
from tests.chaos.bank import Bank, restored
from tests.chaos.speech import Mail, Oracle, Postgres
from tests.chaos.wire import LOOPBACK, Point, Speech, Tap, Trap

BACKENDS: dict[str, Callable[[], Speech]] = {"postgresql": Postgres, "oracle": Oracle}
LET_GO_S = 20.0


@dataclass(frozen=True)
class Ground:
    """What a day is played on.

    Attributes:
        env: variables that point at the taps.
        log: of all that the attempts say.
        work: what is crashed, and its arguments.
    """

    bank: Bank
    trap: Trap
    taps: list[Tap]
    env: Mapping[str, str]
    log: Path
    work: Callable[[], None]

    def start(self) -> Attempt:
        running = Attempt(self.log, self.work)
        running.start()
        return running

    def attempt(self, wanted: Point | int | None = None) -> End:
        """Run once, killed at `wanted`, and wait until nobody's session is left."""
        running = Attempt(self.log, self.work)
        self.trap.set(wanted, running.kill)
        running.start()
        end = running.end()
        self.settle()
        return end

    def settle(self) -> None:
        """Wait as the guard does: the dead must have let go of everything."""
        wait_until(lambda: all(tap.is_quiet() for tap in self.taps), LET_GO_S, "the end of all lines")
        wait_until(self.bank.is_let_go, LET_GO_S, "the end of all sessions")

    def naive(self) -> "Ground":
        """Return the same with the old service's way at work."""
        dssb, spss = (_where(self.env, prefix) for prefix in ("ORACLE", "SPSS_ORACLE"))
        return replace(self, work=partial(naive.distribute, dssb, spss))


@contextmanager
def ground(world: sandbox.World, prefect: Stack, backend: str = "postgresql") -> Iterator[Ground]:
    """Put taps between both; leave them as they were.

    Args:
        world: whose databases and mail sink are tapped.
        prefect: with everything applied; needs no worker.
        backend: how the flow reaches DSSB and SPSS, one of `BACKENDS`.
    """
    with ExitStack() as stack:
        trap, bank = Trap(), stack.enter_context(restored(world))
        env = {**world.env, **(_directly(world.env) if backend == "postgresql" else {})}
        speeches = {"STATE_DB_PORT": Postgres, "ORACLE_PORT": BACKENDS[backend], "SMTP_PORT": Mail}
        taps = {name: Tap(int(env[name]), speech, trap) for name, speech in speeches.items()}
        for name, tap in taps.items():
            stack.callback(tap.close)
            env[name] = str(tap.port)
        env["SPSS_ORACLE_PORT"] = env["ORACLE_PORT"]
        stack.callback(_fill, prefect, world.env)
        _fill(prefect, env)
        today = datetime.now(ZoneInfo("Asia/Almaty")).date()
        work = partial(distribute, prefect.api_url, prefect.home / "prefect", today)
        yield Ground(bank, trap, list(taps.values()), env, prefect.home / "log" / "attempts.log", work)


def _fill(prefect: Stack, env: Mapping[str, str]) -> None:
    """Point the Blocks at what `env` says."""

    async def fill() -> None:
        async with get_client() as client:
            for name, block in blocks.build(env).items():
                await blocks.save(client, name, block)

    with temporary_settings({PREFECT_API_URL: prefect.api_url}):
        asyncio.run(fill())


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
