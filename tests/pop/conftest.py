"""Pop against the whole stack: a clean ledger, a game that has seen nobody, and its counters."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx
import pytest

import sandbox
from deployments.stack import Stack


@dataclass(frozen=True)
class Outside:
    """What the game server saw, its faults, the mails that arrived, and our ledger."""

    world: sandbox.World

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = httpx.request(method, f"{self.world.admin_url.rstrip('/')}/{path}", json=body)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    @property
    def seen(self) -> dict[str, Any]:
        counters: dict[str, Any] = self.ask("GET", "game/counters")
        return counters

    async def ledger(self, statement: str, *arguments: object) -> list[Any]:
        env = self.world.env
        connection = await asyncpg.connect(
            user=env["STATE_DB_USER"], password=env["STATE_DB_PASSWORD"], host=env["STATE_DB_HOST"],
            port=env["STATE_DB_PORT"], database=env["STATE_DB_NAME"],
        )  # fmt: skip
        try:
            rows: list[Any] = await connection.fetch(statement, *arguments)
        finally:
            await connection.close()
        return rows


@pytest.fixture
async def outside(stack: Stack, world: sandbox.World) -> Outside:
    """A fresh day: nobody served, nobody seen, no fault, no mail."""
    outside = Outside(world)
    await outside.ledger("truncate metronome.duty, pop.account, pop.attempt")
    outside.ask("DELETE", "game/fault")
    outside.ask("POST", "game/capacity", {})
    outside.ask("POST", "game/reset")
    return outside


@pytest.fixture
def faultless(outside: Outside) -> Iterator[Outside]:
    """The same, and faults that a test switches on end with it."""
    yield outside
    outside.ask("DELETE", "game/fault")
