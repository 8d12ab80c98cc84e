"""The doctor's look at payout's outside: players, contract, treasury and clock of real chains, well and broken."""

import re
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing

import pytest

from flows.common.sql import script
from flows.ops.flow import doctor
from flows.ops.parameters import Process
from sandbox import World
from sandbox.chain.accounts import JOBS, OWNER, STRANGER
from sandbox.chain.chain import Rules
from sandbox.chain.deployment import COIN, Terms, calldata, signed
from sandbox.chain.mempool import Limits
from sandbox.chain.node import Node
from sandbox.chain.server import ChainServer
from tests.ops.diagnosis import ALL, broken, replaced, shown
from tests.ops.engine import Engine

pytestmark = [
    pytest.mark.usefixtures("healthy"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

OF_THE_CHAIN = {"jobs-contract", "treasury", "chain clock"}
BUT_PAYOUT: tuple[Process, ...] = ("distribution",)
CALL_GAS = 200_000

Point = Callable[[Node], AbstractAsyncContextManager[None]]


@pytest.fixture
def point(engine: Engine, world: World) -> Point:
    """Points the Block at a chain of the test's own."""

    @asynccontextmanager
    async def at(node: Node) -> AsyncIterator[None]:
        async with ChainServer(node) as chain:
            await replaced(world, "jobs-contract", JOBS_RPC_URL=chain.url, JOBS_WS_URL=chain.ws_url)
            yield

    return at


async def diagnosis() -> tuple[set[str], str]:
    """Return the broken checks and what the doctor says of them."""
    state = await doctor(BUT_PAYOUT, return_state=True)
    named = broken(state)
    return named, state.message or ""


async def test_it_tells_what_is_there(engine: Engine, point: Point) -> None:
    """The table shows the contract, what can be paid today, for how much there is gas, and the newest block."""
    async with point(Node(terms=Terms(budget=5 * COIN, max_per_day=3 * COIN))):
        assert (await diagnosis())[0] == set()
    table = await shown(engine)
    assert "may read public.users, may not write" in table
    assert "chain 31337, contract 0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512" in table
    assert "3.00 tokens can be paid today; gas for" in table
    assert "is final" in table


def pausing(node: Node) -> None:
    node.chain.send(signed(node.chain, OWNER, JOBS, calldata("setPaused(bool)", True), CALL_GAS))
    node.chain.mine()


def costly(node: Node) -> None:
    node.chain.set_base_fee(10**18)
    node.chain.mine()


def rotating(node: Node) -> None:
    data = calldata("setOperator(address)", STRANGER.address)
    node.chain.send(signed(node.chain, OWNER, JOBS, data, CALL_GAS))
    node.chain.mine()


def ahead(node: Node) -> None:
    node.chain.ahead_s = 60
    node.chain.mine()


def other_chain() -> Node:
    return Node(rules=Rules(limits=Limits(chain_id=1)))


def behind() -> Node:
    return Node(now_s=lambda: time.time() - 3600)


CASES: dict[str, tuple[Callable[[], Node], Callable[[Node], None], str, str]] = {
    "paused": (Node, pausing, "treasury", "the contract is paused"),
    "no budget": (lambda: Node(terms=Terms(budget=0)), lambda _: None, "treasury", "no tokens are left"),
    "no limit": (lambda: Node(terms=Terms(max_per_day=0)), lambda _: None, "treasury", "limit of the day is used up"),
    "gas too dear": (Node, costly, "treasury", "gas is not enough for one job"),
    "another chain": (other_chain, lambda _: None, "jobs-contract", "another chain"),
    "another operator": (Node, rotating, "jobs-contract", "operator is"),
    "a node that is behind": (behind, lambda _: None, "jobs-contract", "s old"),
    "a clock that is ahead": (Node, ahead, "chain clock", "s ahead of our clock"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
async def test_a_chain_that_is_unwell_is_named(engine: Engine, point: Point, case: str) -> None:
    """One thing is wrong with the chain, and the check that looks at it says so; the others are content."""
    make, change, named, told = CASES[case]
    change(node := make())
    async with point(node):
        found, message = await diagnosis()
    assert found == {named}
    assert told in message


VARIABLES = {
    "no contract": (
        {"JOBS_CONTRACT": STRANGER.address},
        "jobs-contract treasury",
        "docs/runbook.md#contractmissing",
    ),
    "another token": (
        {"JOBS_TOKEN": STRANGER.address},
        "jobs-contract treasury",
        "docs/runbook.md#wrongtoken",
    ),
    "other decimals": (
        {"PAYOUT_TOKEN_DECIMALS": "6"},
        "jobs-contract",
        "JOBS_*, PAYOUT_TOKEN_DECIMALS in .env, then `make apply` (docs/runbook.md#decimalsdiffer)",
    ),
    "a stranger's key": ({"JOBS_OPERATOR_KEY": STRANGER.key}, "jobs-contract", "docs/runbook.md#notoperator"),
    "another table": ({"PAYOUT_USERS": "public.Users"}, "game-db", "docs/runbook.md#tablemissing"),
    "another column": ({"PAYOUT_COINS_COLUMN": "gold"}, "game-db", "docs/runbook.md#tablemissing"),
    "a wrong password": (
        {"GAME_DB_PASSWORD": "wrong-hush"},
        "game-db",
        "docs/runbook.md#databaseaccessdenied",
    ),
}


@pytest.mark.parametrize("case", VARIABLES)
async def test_a_wrong_variable_is_named(engine: Engine, world: World, case: str) -> None:
    """Each leads to its rows, with the variable to mend and the heading to read, and no secret beside it."""
    wrong, named, told = VARIABLES[case]
    for document in ("jobs-contract", "payout-settings", "game-db"):
        await replaced(world, document, **wrong)
    assert (await diagnosis())[0] == set(named.split())
    table = await shown(engine)
    assert told in table
    assert "wrong-hush" not in table
    assert STRANGER.key not in table


async def test_a_node_that_is_away_is_named(engine: Engine, world: World) -> None:
    """Whatever asks the chain says that nobody answers, and whom to ask; the players can be read all the same."""
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))  # bound, never listening: refused at once
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        await replaced(world, "jobs-contract", JOBS_RPC_URL=url, JOBS_WS_URL="")
        assert (await diagnosis())[0] == OF_THE_CHAIN
    assert "docs/runbook.md#chainunreachable" in await shown(engine)


GRANTS = {
    "the table": ("grant delete on users to payout_reader", "revoke delete on users from payout_reader"),
    "one column": (
        "grant update (wallet) on users to payout_reader",
        "revoke update (wallet) on users from payout_reader",
    ),
}


@pytest.mark.parametrize("case", GRANTS)
async def test_a_user_that_may_write_is_named(engine: Engine, world: World, case: str) -> None:
    """A right to change the players is told, be it on a single column."""
    done, undone = GRANTS[case]
    world.query(done, "players")
    try:
        found, message = await diagnosis()
    finally:
        world.query(undone, "players")
    assert found == {"game-db"}
    assert "may write to public.users" in message


LACKS = {
    "a table": (
        "alter table payout.poison rename to venom",
        "alter table payout.venom rename to poison",
        "payout.poison is not there",
    ),
    "a column of an older version": (
        "alter table payout.job rename note to remark",
        "alter table payout.job rename remark to note",
        "payout.job.note is not there",
    ),
    "a right": (
        "revoke truncate on payout.plan_item_live from metronome",
        "grant truncate on payout.plan_item_live to metronome",
        "no right to truncate payout.plan_item_live",
    ),
    "temporary tables": (
        "revoke temporary on database state from metronome",
        "grant temporary on database state to metronome",
        "no right to make temporary tables",
    ),
}


@pytest.mark.parametrize("case", LACKS)
async def test_what_the_ledger_lacks_is_named(engine: Engine, world: World, case: str) -> None:
    """Table, column or right by its name, with the command that makes them; nothing else is broken."""
    done, undone, told = LACKS[case]
    world.query(done, "state")
    try:
        found, message = await diagnosis()
    finally:
        world.query(undone, "state")
    assert found == {"payout ledger"}
    assert f"payout ledger ({told})" in message
    assert "`make apply` creates the tables" in await shown(engine)


def test_the_ledgers_columns_are_those_of_its_schema(engine: Engine, world: World) -> None:
    """What the doctor looks for is what the schema makes, table by table and column by column."""
    (values,) = re.findall(
        r"-- name: payout_lacks\n.*?values\n(.*?)\n\),", script("flows.ops", "queries.sql"), re.DOTALL
    )
    looked_for = {
        f"{name}.{column}"
        for name, columns in re.findall(r"\('(\w+)', '[a-z ]+', '([^)]*)'\)", values)
        for column in re.sub(r"'\s+'", "", columns).split()
    }
    made = world.query(
        "select table_name || '.' || column_name from information_schema.columns where table_schema = 'payout'",
        "state",
    )
    assert looked_for == set(made.split())


async def test_what_is_not_run_is_not_looked_at(engine: Engine, world: World) -> None:
    """Without payout its five checks are left out, however broken its outside is."""
    await replaced(world, "jobs-contract", JOBS_CONTRACT=STRANGER.address)
    assert await doctor(("payout",)) == f"all {len(ALL) - 5} checks are fine"
    assert not [name for name in (*OF_THE_CHAIN, "game-db", "payout ledger") if name in await shown(engine)]
