"""Whatever is entered wrong ends in one line that says what, where, and what to do."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from prefect.blocks.core import Block
from prefect.client.orchestration import PrefectClient
from prefect_sqlalchemy import AsyncSqlAlchemyConnector
from sqlalchemy import text

from blocks import database
from blocks.mail import MailNotSent, greet
from blocks.problem import Problem
from blocks.store import BlockMissing, load
from deployments import blocks
from deployments.stack import Stack
from deployments.surroundings import REPOSITORY
from flows.pop.flow import pop
from flows.pop.rules import NobodyToServe, WindowPast
from flows.pop.work import SQL
from sandbox import World
from tests.pop.conftest import Outside

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # the engine's client leaves its sockets

REMEDY = re.compile(r"Check|Correct|make apply|[Aa]sk |docs/\w+\.md|leave it empty")
WRONG_PASSWORD = "wrong-password-that-nobody-may-see"
NOBODY = "1"  # a port at which nobody listens
once = pop.with_options(retries=0)


def changed(world: World, **variables: str) -> dict[str, Block]:
    """Return the Blocks as `make apply` would fill them from a slip of the pen."""
    return blocks.build(world.env | variables)


@asynccontextmanager
async def in_place_of(name: str, world: World, block: Block | None) -> AsyncIterator[None]:
    """Have another Block, or none, under a name for the body's time."""
    proper = changed(world)[name]
    if block is None:
        await type(proper).adelete(name)
    else:
        await block.save(name, overwrite=True)
    try:
        yield
    finally:
        await proper.save(name, overwrite=True)


def check(line: str, *wanted: str) -> None:
    """One line, of a length that can be read, with everything wanted, and a remedy."""
    assert "\n" not in line
    assert len(line) < 500
    assert [each for each in wanted if each not in line] == []
    assert REMEDY.search(line), line
    assert WRONG_PASSWORD not in line


def check_heading(kind: type[Exception]) -> None:
    """The runbook has a heading of the exception's name."""
    page = (REPOSITORY / "docs" / "runbook.md").read_text("utf-8")
    assert f"\n### {kind.__name__}\n" in page


# ── Parameters ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"count": -1}, "count"),
        ({"count": 0}, "count"),
        ({"count": 10_001}, "count"),
        ({"count": "many"}, "count"),
        ({"min_gap_s": 0.4}, "min_gap_s"),
        ({"min_gap_s": -1}, "min_gap_s"),
        ({"max_in_flight": 9}, "max_in_flight"),
        ({"limit": 0}, "limit"),
        ({"dry_run": "perhaps"}, "dry_run"),
        ({"cuont": 5}, "cuont"),
    ],
    ids=str,
)
async def test_a_value_out_of_bounds_is_turned_away_at_the_door(
    stack: Stack, prefect: PrefectClient, parameters: dict[str, object], named: str
) -> None:
    """The server answers 409 with one line that names the parameter; no run is made."""
    deployment = await prefect.read_deployment_by_name("pop/daily")
    address = f"{stack.api_url}/deployments/{deployment.id}/create_flow_run"
    async with httpx.AsyncClient() as api:
        answer = await api.post(address, json={"parameters": parameters})
    assert answer.status_code == 409, answer.text
    assert named in answer.json()["detail"]
    assert "\n" not in answer.json()["detail"]


def tomorrow() -> datetime:
    return datetime.now(UTC) + timedelta(days=1)


@pytest.mark.parametrize(
    "moment",
    [
        lambda: datetime.now(UTC) - timedelta(seconds=1),
        lambda: datetime.now(UTC) - timedelta(days=400),
        tomorrow,
        # Today's very last minute is too late: a run that touches midnight would cancel tomorrow's.
        lambda: tomorrow().replace(hour=0, minute=0, second=0) - timedelta(seconds=30),
    ],
    ids=["just past", "long past", "tomorrow", "too near to midnight"],
)
async def test_a_wrong_window_fails_with_one_clear_line(
    prefect: PrefectClient, outside: Outside, moment: Callable[[], datetime]
) -> None:
    """The line says the window, the time, and the last moment; nothing is sent."""
    state = await once(limit=3, window_end=moment(), return_state=True)
    assert state.is_failed()
    check(state.message, "WindowPast: window_end", "UTC", "today's last moment")
    check_heading(WindowPast)
    assert outside.seen["connections"] == 0


# ── Databases ────────────────────────────────────────────────────────────────────────────────────

SLIPS = {
    "server down": ({"DB_PORT": NOBODY}, database.DatabaseUnreachable),
    "no such host": ({"DB_HOST": "no-such-host.invalid"}, database.DatabaseUnreachable),
    "wrong password": ({"DB_PASSWORD": WRONG_PASSWORD}, database.DatabaseAccessDenied),
    "unknown user": ({"DB_USER": "nobody"}, database.DatabaseAccessDenied),
    "wrong database": ({"DB_NAME": "gmae"}, database.DatabaseAccessDenied),
}


@pytest.mark.parametrize("slip", SLIPS)
async def test_a_slip_in_a_databases_address_is_told(prefect: PrefectClient, world: World, slip: str) -> None:
    """One line with the block, the driver's reason and the remedy; never the password."""
    variables, kind = SLIPS[slip]
    async with in_place_of("pop-db", world, changed(world, **variables)["pop-db"]):
        with pytest.raises(database.DatabaseProblem) as caught:
            async with database.session("pop-db"):
                pass
    assert type(caught.value) is kind
    check(str(caught.value), "pop-db: ")
    check_heading(kind)


STATEMENTS = {
    "no such table": ("pop-db", "select * from pop.usr", database.TableMissing),
    "no such schema": ("pop-db", "create table nowhere.at_all (id int)", database.TableMissing),
    "no such column": ("pop-db", "select publik_address from pop.user", database.TableMissing),
    "may not write": ("pop-db", "delete from pop.user", database.PermissionMissing),
    "may not read": ("pop-db", "select rolpassword from pg_authid", database.PermissionMissing),
    "no such function": ("state-db", "select no_such_function()", database.StatementRefused),
    "session ended": ("state-db", "select pg_terminate_backend(pg_backend_pid())", database.DatabaseUnreachable),
    "no such number": ("state-db", "select 1 / 0", database.DatabaseProblem),
}  # fmt: skip


@pytest.mark.parametrize("case", STATEMENTS)
async def test_what_a_database_refuses_is_told(prefect: PrefectClient, stack: Stack, case: str) -> None:
    """One line with the block, SQLSTATE or driver's reason, and the remedy; its class has a heading."""
    block, statement, kind = STATEMENTS[case]
    with pytest.raises(database.DatabaseProblem) as caught:
        async with database.session(block) as session:
            await session.execute(text(statement))
    assert type(caught.value) is kind
    check(str(caught.value), f"{block}: ")
    check_heading(kind)


async def test_a_rows_values_stay_in_the_database(prefect: PrefectClient, outside: Outside) -> None:
    """The driver's second line quotes the row that it stumbled over: it is left out."""
    day, account = datetime.now(UTC).date(), "0x-an-account"
    row = {
        "accounts": [account] * 2,
        "started_utc": [None] * 2,
        "outcomes": ["served"] * 2,
        "reasons": [""] * 2,
    }
    with pytest.raises(database.DatabaseProblem) as caught:
        async with database.session("state-db") as session:
            await session.execute(SQL["record"], {"business_date": day, **row})
    assert "started_utc" in str(caught.value)
    assert account not in str(caught.value)


@pytest.mark.parametrize(
    ("variables", "kind"),
    [
        ({"DB_PASSWORD": WRONG_PASSWORD}, database.DatabaseAccessDenied),
        (None, BlockMissing),
        ("the other database", database.TableMissing),
    ],
    ids=["wrong password", "no block", "other database"],
)
async def test_a_run_that_cannot_read_the_accounts_fails_at_once(
    prefect: PrefectClient, outside: Outside, variables: dict[str, str] | str | None, kind: type[Problem]
) -> None:
    """No retry where only a person can help; the run's message is the one line; nothing is sent or written."""
    world = outside.world
    if variables == "the other database":
        block = changed(world)["state-db"]
        await outside.ledger("drop table if exists pop.user")
    else:
        block = variables and changed(world, **variables)["pop-db"]
    async with in_place_of("pop-db", world, block):
        state = await once(dry_run=True, return_state=True)
    assert state.is_failed()
    check(state.message, f"exception: {kind.__name__}: ", "pop-db")
    check_heading(kind)
    assert outside.seen["connections"] == 0
    assert await outside.ledger("select * from pop.attempt") == []


async def test_a_run_without_its_own_tables_fails_at_once(prefect: PrefectClient, outside: Outside) -> None:
    """`make apply` was forgotten on a new database: the line says so."""
    await outside.ledger("alter table metronome.duty rename to duty_of_others")
    try:
        state = await once(limit=1, return_state=True)
    finally:
        await outside.ledger("alter table metronome.duty_of_others rename to duty")
    assert state.is_failed()
    check(state.message, "TableMissing: state-db: ", "make apply")
    assert outside.seen["connections"] == 0


async def test_nobody_to_serve_is_a_failure(prefect: PrefectClient, outside: Outside) -> None:
    """An empty answer would be an idle day that looks like success."""
    block = changed(outside.world)["state-db"]
    await outside.ledger('create table pop."user" (public_address text, satisified_requirement text)')
    try:
        async with in_place_of("pop-db", outside.world, block):
            state = await once(dry_run=True, return_state=True)
    finally:
        await outside.ledger('drop table pop."user"')
    assert state.is_failed()
    check(state.message, "NobodyToServe: ", "MARKETING_USER")
    check_heading(NobodyToServe)


# ── The other Blocks ─────────────────────────────────────────────────────────────────────────────


async def test_an_unknown_block_is_told(prefect: PrefectClient) -> None:
    """The line names the Block and the command that makes it, whoever asks."""
    with pytest.raises(BlockMissing) as caught:
        await load(AsyncSqlAlchemyConnector, "no-such-db")
    check(str(caught.value), "'no-such-db'", "make apply")
    with pytest.raises(BlockMissing):
        async with database.session("no-such-db"):
            pass
    check_heading(BlockMissing)


async def test_a_run_without_the_games_block_fails_at_once(prefect: PrefectClient, outside: Outside) -> None:
    """The lock is freed and nothing was sent."""
    async with in_place_of("pop-game", outside.world, None):
        state = await once(limit=1, return_state=True)
    assert state.is_failed()
    check(state.message, "BlockMissing: Block 'pop-game'")
    assert outside.seen["connections"] == 0


@pytest.mark.parametrize(
    "variables",
    [{"SMTP_PASSWORD": WRONG_PASSWORD}, {"SMTP_PORT": NOBODY}, {"SMTP_TYPE": "SSL"}],
    ids=["wrong password", "server down", "wrong kind of TLS"],
)
async def test_a_slip_in_the_mail_servers_address_is_told(
    prefect: PrefectClient, world: World, stack: Stack, variables: dict[str, str]
) -> None:
    """One line that names the variables; never the password."""
    async with in_place_of("mail", world, changed(world, **variables)["mail"]):
        with pytest.raises(MailNotSent) as caught:
            await greet()
    check(str(caught.value), "mail: ", "SMTP_")
    check_heading(MailNotSent)
