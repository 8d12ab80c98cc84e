"""With every logger at DEBUG and on every way to fail, no secret is where somebody could read it."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from prefect import flow, get_run_logger
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun

from blocks import database
from blocks.mail import MailNotSent, greet
from blocks.pop_game import PopGame
from blocks.pop_protocol import GameError
from blocks.problem import Problem
from deployments import blocks
from deployments.stack import Stack
from deployments.surroundings import free_port
from flows.common.clock import Clock
from flows.pop.flow import pop
from tests.pop.conftest import Outside
from tests.secrecy import AT_DEBUG, Search, hearing

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # the engine's client leaves its sockets

WRONG = {"game": "wrong-token-4Zq8", "database": "wrong-password-7Kx2", "mail": "wrong-password-9Vt5"}
TIMEOUT_S = 60


def secrets_of(outside: Outside) -> dict[str, str]:
    names = ("POP_GAME_TOKEN", "DB_PASSWORD", "STATE_DB_PASSWORD", "SMTP_PASSWORD")
    found = {name: outside.world.env[name] for name in names} | {f"wrong {key}": WRONG[key] for key in WRONG}
    assert all(len(secret) >= 12 for secret in found.values())
    return found


def search_all(stack: Stack, outside: Outside) -> Search:
    others = {"mail": outside.ask("GET", "mail"), "ledger's game": outside.ask("GET", "game/arrivals")}
    return Search(stack, {place: json.dumps(held).encode() for place, held in others.items()})


def assert_hidden(search: Search, outside: Outside) -> None:
    found = {name: places for name, secret in secrets_of(outside).items() if (places := search.where(secret))}
    assert found == {}


@pytest.fixture
async def with_blocks(prefect: PrefectClient, faultless: Outside) -> AsyncIterator[Outside]:
    """Blocks that a test spoils are whole again afterwards."""
    yield faultless
    for name, block in blocks.build(faultless.world.env).items():
        await block.save(name, overwrite=True)


async def spoil(outside: Outside, name: str, **variables: str) -> None:
    """Fill a Block as `make apply` does, with something wrong."""
    await blocks.build(outside.world.env | variables)[name].save(name, overwrite=True)


async def read_until(client: PrefectClient, run_id: UUID, *names: str) -> FlowRun:
    async with asyncio.timeout(TIMEOUT_S):
        while (run := await client.read_flow_run(run_id)).state.name not in names:
            await Clock().sleep(0.3)
    return run


# ── A deployed run that fails ────────────────────────────────────────────────────────────────────


async def test_a_deployed_run_at_debug_fails_without_a_word_of_its_secrets(
    stack: Stack, prefect: PrefectClient, with_blocks: Outside
) -> None:
    """Wrong password, then a game that fails in each way and at last refuses us: Failed, mailed, nothing told."""
    outside = with_blocks
    for fault in (
        {"kind": "http", "status": 503, "connections": 1},
        {"kind": "malformed", "connections": 1},
        {"kind": "redirect", "connections": 1},
        {"kind": "http", "status": 401},
    ):
        outside.ask("POST", "game/fault", fault)
    await spoil(outside, "pop-db", DB_PASSWORD=WRONG["database"])
    deployment = await prefect.read_deployment_by_name("pop/daily")
    made = await prefect.create_flow_run_from_deployment(
        deployment.id,
        parameters={"limit": 200, "window_end": (datetime.now(UTC) + timedelta(minutes=5)).isoformat()},
        job_variables={"env": AT_DEBUG, "stream_output": True},
    )
    # The flow's own retry comes 10 s later, with freshly loaded Blocks.
    run = await read_until(prefect, made.id, "AwaitingRetry", "Failed")
    assert "DatabaseAccessDenied" in str(await _messages(prefect, run.id))
    await spoil(outside, "pop-db")
    run = await read_until(prefect, made.id, "Failed", "Completed", "Crashed")
    assert "GameRefusesUs: The game server refused 5 accounts in a row" in run.state.message
    await _mail_of(outside, run)

    search = search_all(stack, outside)
    # The search finds what is there, in every place that could hold a secret …
    assert search.where(str(run.id)) >= {
        "prefect/prefect.db-wal", "log", "artifact", "flow_run", "task_run", "events", "mail",
    }  # fmt: skip
    assert "log/worker.log" in search.where(run.name)
    assert "log/worker.log" in search.where("DEBUG   | httpcore")
    # … and so finds no secret where none is.
    assert_hidden(search, outside)


async def _messages(client: PrefectClient, run_id: UUID) -> list[str | None]:
    return [state.message for state in await client.read_flow_run_states(run_id)]


async def _mail_of(outside: Outside, run: FlowRun) -> None:
    async with asyncio.timeout(TIMEOUT_S):
        while not [mail for mail in outside.ask("GET", "mail") if str(run.id) in mail["text"]]:
            await Clock().sleep(0.5)


# ── Every way to fail, in this process ───────────────────────────────────────────────────────────

FAULTS: list[dict[str, Any]] = [
    *({"kind": "http", "status": status} for status in (400, 401, 403, 404, 408, 425, 429, 500, 503)),
    *(
        {"kind": "close_after", "code": code}
        for code in (1000, 1001, 1006, 1008, 1011, 1012, 1013, 1014, 4000)
    ),
    {"kind": "close_before", "code": 1011},
    *(
        {"kind": kind}
        for kind in (
            "redirect", "hang_handshake", "reset", "garbage", "no_answer", "hang", "slow", "malformed",
            "wrong_shape", "binary", "huge", "wrong_user", "empty",
        )
    ),
]  # fmt: skip


async def fail_in_every_way(outside: Outside) -> int:
    """Log every failure with its traceback, as a careless flow would; return how many there were."""
    token = outside.world.env["POP_GAME_TOKEN"]
    url, closed = outside.world.env["POP_GAME_URL"], f"ws://127.0.0.1:{free_port()}/"
    logger, failures = get_run_logger(), 0
    for fault in FAULTS:
        outside.ask("DELETE", "game/fault")
        outside.ask("POST", "game/fault", fault)
        failures += await _fails(logger, PopGame(url=url, token=token, timeout_s=0.4))
    outside.ask("DELETE", "game/fault")
    for wrong in (
        PopGame(url=url, token=WRONG["game"]),
        PopGame(url=url, token=token, origin="https://elsewhere.example"),
        PopGame(url=closed, token=token),
        PopGame(url="wss://no-such-host.invalid/", token=token, timeout_s=2),
        PopGame(url=url.replace("ws:", "wss:"), token=token, timeout_s=2),
        PopGame(url=outside.world.admin_url.replace("http:", "ws:"), token=token),
    ):
        logger.debug("%r %s", wrong, wrong)
        failures += await _fails(logger, wrong)
    return failures


async def _fails(logger: Any, game: PopGame) -> bool:
    try:
        await game.pop(f"0x{uuid4().hex}", 100)
    except GameError:
        logger.exception("the game")
        return True
    return False


async def fail_at_every_connection(outside: Outside) -> int:
    """The same for the databases and the mail server."""
    logger, failures = get_run_logger(), 0
    for name, prefix in (("pop-db", "DB_"), ("state-db", "STATE_DB_")):
        for variables in (
            {f"{prefix}PASSWORD": WRONG["database"]},
            {f"{prefix}PORT": str(free_port())},
            {f"{prefix}HOST": "no-such-host.invalid"},
            {f"{prefix}NAME": "nowhere"},
        ):
            await spoil(outside, name, **variables)
            try:
                async with database.session(name):
                    pass
            except Problem:
                logger.exception("a database")
                failures += 1
        await spoil(outside, name)
    for variables in (
        {"SMTP_PASSWORD": WRONG["mail"]},
        {"SMTP_PORT": str(free_port())},
        {"SMTP_TYPE": "SSL"},
    ):
        await spoil(outside, "mail", **variables)
        try:
            await greet()
        except MailNotSent:
            logger.exception("the mail server")
            failures += 1
    return failures


@pytest.fixture
def heard() -> Iterator[list[str]]:
    """What any logger says, at DEBUG, in this process."""
    with hearing() as lines:
        yield lines


async def test_every_way_to_fail_is_told_without_a_secret(
    stack: Stack,
    prefect: PrefectClient,
    with_blocks: Outside,
    heard: list[str],
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The game, the databases and the mail server fail in every way; every logger tells all it knows."""
    outside = with_blocks

    @flow
    async def careless() -> tuple[int, int]:
        return await fail_in_every_way(outside), await fail_at_every_connection(outside)

    asyncio.get_running_loop().set_debug(True)
    game_failures, connection_failures = await careless()
    asyncio.get_running_loop().set_debug(False)
    state = await pop.with_options(retries=0)(
        limit=2, window_end=datetime.now(UTC) + timedelta(seconds=15), return_state=True
    )

    # `slow` answers after the block's time limit, so all of them fail.
    assert (game_failures, connection_failures) == (len(FAULTS) + 6, 11)
    assert state.is_completed() or "NobodyAnswered" in state.message
    said = "\n".join(heard)
    assert said.count("Traceback") >= game_failures + connection_failures
    for logger in ("httpcore", "sqlalchemy.engine", "asyncio", "prefect"):
        assert any(line.startswith(logger) for line in heard), logger
    printed = capfd.readouterr()
    for secret in secrets_of(outside).values():
        assert [line for line in heard if secret in line] == []
        assert secret not in printed.out + printed.err
    async with asyncio.timeout(TIMEOUT_S):
        while "the mail server" not in json.dumps(await _logs(stack)):
            await Clock().sleep(0.5)
    assert_hidden(search_all(stack, outside), outside)


async def _logs(stack: Stack) -> Any:
    async with httpx.AsyncClient(base_url=f"{stack.api_url}/") as api:
        newest = {"limit": 20, "sort": "TIMESTAMP_DESC", "logs": {"level": {"ge_": logging.ERROR}}}
        return (await api.post("logs/filter", json=newest)).raise_for_status().json()


async def test_a_block_shows_no_secret(prefect: PrefectClient, with_blocks: Outside) -> None:
    """Neither written as a text nor as an error of validation."""
    secrets = secrets_of(with_blocks).values()
    shown = [
        f"{block!r} {block} {block.model_dump()}" for block in blocks.build(with_blocks.world.env).values()
    ]
    assert not [text for text in shown if any(secret in text for secret in secrets)]
