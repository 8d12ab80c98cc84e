"""The grants of the page are enough to pay with, and each of them is needed."""

import re
import secrets
from collections.abc import Iterator

import pytest

from blocks import database
from deployments import schemas
from deployments.change import Changed
from deployments.surroundings import REPOSITORY
from flows.payout.flow import reconcile
from tests.payout.outside import Outside, pay, wallet

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # the engine's client leaves its sockets

NAMES = {
    "GAME_DATABASE": "players",
    "GAME_USER": "granted_reader",
    "STATE_DATABASE": "granted_state",
    "STATE_USER": "granted_ledger",
}
USERS = (NAMES["GAME_USER"], NAMES["STATE_USER"])


def grants() -> list[str]:
    """Return the page's statements, for the roles of this test, a right on a database each by itself."""
    page = (REPOSITORY / "docs" / "payout.md").read_text("utf-8")
    (block,) = re.findall(r"^## Grants$.*?^```sql$(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    found = [
        f"grant {right} on {rest}"
        for rights, rest in re.findall(r"^grant (.*?) on (.*?;)", block, re.MULTILINE)
        for right in (rights.split(", ") if rest.startswith("database") else [rights])
    ]
    return [re.sub("|".join(NAMES), lambda name: NAMES[name[0]], each) for each in found]


def granting(outside: Outside, statement: str) -> None:
    """Execute it where it belongs."""
    outside.query(statement, NAMES["STATE_DATABASE" if NAMES["STATE_USER"] in statement else "GAME_DATABASE"])


@pytest.fixture
def password(outside: Outside) -> Iterator[str]:
    """Two logins that may nothing at all, and an empty database; the grants make the difference."""
    word, state = secrets.token_hex(8), NAMES["STATE_DATABASE"]
    outside.query(f"create database {state}", "postgres")
    outside.query(f"revoke all on database {state} from public", "postgres")
    for user in USERS:
        outside.query(f"create role {user} login password '{word}'", "postgres")
    yield word
    for database_ in (NAMES["GAME_DATABASE"], state):
        outside.query(f"drop owned by {', '.join(USERS)}", database_)
    outside.query(f"drop database {state} with (force)", "postgres")
    outside.query(f"drop role {', '.join(USERS)}", "postgres")


async def logged_in(outside: Outside, password: str) -> None:
    """Let the Blocks use the two logins."""
    await outside.fill(
        GAME_DB_USER=NAMES["GAME_USER"], GAME_DB_PASSWORD=password,
        STATE_DB_USER=NAMES["STATE_USER"], STATE_DB_PASSWORD=password, STATE_DB_NAME=NAMES["STATE_DATABASE"],
    )  # fmt: skip


async def test_the_pages_grants_are_enough(outside: Outside, password: str) -> None:
    """`make apply` makes the tables, a dry run plans, a run pays, a reconciliation agrees; nothing can be written."""
    for statement in grants():
        granting(outside, statement)
    await logged_in(outside, password)
    await schemas.apply(Changed())
    outside.players({1: (5, wallet(1)), 2: (7, None), 3: (9, wallet(3))})
    before = outside.on_chain(1, 3)
    for state in (await pay(dry_run=True), await pay(), await reconcile(return_state=True)):
        assert state.is_completed(), state.message
    assert outside.gains(before, 1, 3) == [5, 9]
    table = "has_table_privilege('granted_reader', 'users', 'select, insert, update, delete, truncate')"
    columns = "has_any_column_privilege('granted_reader', 'users', 'insert, update')"
    assert outside.query(f"select {table}, {columns}", "players").strip() == "f|f"


@pytest.mark.parametrize("left_out", grants())
async def test_each_of_the_pages_grants_is_needed(outside: Outside, password: str, left_out: str) -> None:
    """Without any one of them the ledger is not made or nothing is paid, and the message leads to the page."""
    for statement in grants():
        if statement != left_out:
            granting(outside, statement)
    await logged_in(outside, password)
    try:
        await schemas.apply(Changed())
        told = str((await pay()).message)
    except database.DatabaseProblem as problem:
        told = f"{type(problem).__name__}: {problem}"
    block = "state-db" if NAMES["STATE_USER"] in left_out else "game-db"
    assert f"PermissionMissing: {block}: " in told
    assert "docs/payout.md lists the grants" in told
