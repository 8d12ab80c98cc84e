"""The doctor against real connections, well and broken."""

import socket
from contextlib import closing
from typing import NamedTuple

import httpx
import pytest
from prefect import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

from blocks import database
from flows.common import duty
from flows.ops.flow import doctor
from sandbox import World
from tests.ops.diagnosis import ALL, broken, replaced, shown
from tests.ops.engine import Engine

pytestmark = [
    pytest.mark.usefixtures("healthy"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


async def test_all_well(engine: Engine) -> None:
    """With everything in place the doctor completes, and its table shows each check."""
    assert await doctor() == f"all {len(ALL)} checks are fine"
    table = await shown(engine)
    assert all(name in table for name in ALL)
    assert "BROKEN" not in table


async def test_a_wrong_password_is_named(engine: Engine, world: World) -> None:
    """A refused login is told in one line, with the variable and the heading; the rest is checked too."""
    await replaced(world, "pop-db", DB_PASSWORD="wrong-hush")
    state = await doctor(return_state=True)
    assert state.is_failed()
    assert broken(state) == {"pop-db", "clocks"}
    table = await shown(engine)
    assert "DB_* in .env" in table
    assert "docs/runbook.md#databaseaccessdenied" in table
    assert "wrong-hush" not in table


async def test_a_user_that_may_write_is_named(engine: Engine, world: World) -> None:
    """A user of the game's database that may write to it is told as broken."""
    mine = {
        name.removeprefix("STATE_"): value
        for name, value in world.env.items()
        if name.startswith("STATE_DB_")
    }
    async with database.session(duty.BLOCK) as session:
        connection = await session.get_raw_connection()
        await connection.driver_connection.execute(
            'create table if not exists pop."user" (public_address text, satisified_requirement text)'
        )
    await replaced(world, "pop-db", **mine)
    state = await doctor(return_state=True)
    assert broken(state) == {"pop-db"}
    assert "may write to pop.user" in state.message
    assert "docs/runbook.md#may-write" in await shown(engine)


async def test_a_missing_ledger_is_named(engine: Engine) -> None:
    """A ledger that is not there is told by its name."""
    async with database.session(duty.BLOCK) as session:
        connection = await session.get_raw_connection()
        await connection.driver_connection.execute("drop table pop.attempt")
    state = await doctor(return_state=True)
    assert broken(state) == {"state-db"}
    assert "pop.attempt" in state.message


async def test_servers_that_are_away_are_named(engine: Engine, world: World) -> None:
    """A game server and a mail server that do not answer are told, each with its variable."""
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))  # bound, never listening: refused at once
        port = str(taken.getsockname()[1])
        await replaced(world, "pop-game", POP_GAME_URL=f"ws://127.0.0.1:{port}/")
        await replaced(world, "mail", SMTP_PORT=port)
        state = await doctor(return_state=True)
    assert broken(state) == {"pop-game", "mail"}
    table = await shown(engine)
    assert "POP_GAME_URL" in table
    assert "docs/runbook.md#mailnotsent" in table


class Change(NamedTuple):
    """What the bank's administrators did, how it is undone, and what the doctor says of it."""

    database: str
    done: str
    undone: str
    named: str
    told: str


CHANGES = {
    "may write the source": Change(
        "spss", "grant insert on spss_user_dracrm.sc_1_120 to spss_app",
        "revoke insert on spss_user_dracrm.sc_1_120 from spss_app", "spss-db", "may write to",
    ),
    "may not write the mirror": Change(
        "spss", "revoke insert on spss.sc_theory_users from spss_app",
        "grant insert on spss.sc_theory_users to spss_app", "spss-db", "#permissionmissing",
    ),
    "a column is gone": Change(
        "dssb", "alter table dssb_app.sc_local_target rename tab5 to tab6",
        "alter table dssb_app.sc_local_target rename tab6 to tab5", "dssb-db", "#tablemissing",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CHANGES)
async def test_what_the_bank_changed_is_named(engine: Engine, world: World, case: str) -> None:
    """Rights and columns of the bank's tables, asked through the Oracle driver."""
    change = CHANGES[case]
    world.query(change.done, change.database)
    try:
        state = await doctor(return_state=True)
    finally:
        world.query(change.undone, change.database)
    assert broken(state) == {change.named}
    assert change.told in await shown(engine)


async def test_a_missing_worker_is_named(engine: Engine) -> None:
    """A work pool that no worker serves is told by its name."""
    async with get_client() as client:
        await client.create_work_pool(WorkPoolCreate(name=f"{engine.flow}-idle", type="process"))
        flow_id = await client.create_flow_from_name(engine.flow)
        idle = await client.create_deployment(flow_id, "idle", work_pool_name=f"{engine.flow}-idle")
        state = await doctor(return_state=True)
        await client.delete_deployment(idle)
    assert broken(state) == {"workers"}
    assert f"{engine.flow}-idle" in state.message


async def test_silent_runs_are_named(engine: Engine) -> None:
    """A machine whose runs send no heartbeat is told: the janitor could not see them."""
    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        state = await doctor(return_state=True)
    assert broken(state) == {"server settings"}
    assert "PREFECT_FLOWS_HEARTBEAT_FREQUENCY" in state.message


async def test_the_game_server_is_told_nothing(engine: Engine, world: World) -> None:
    """The doctor's look at the game server is no handshake: the server counts no arrival."""
    async with httpx.AsyncClient(base_url=world.admin_url) as admin:
        before = (await admin.get("/game/arrivals")).json()
        await doctor()
        assert (await admin.get("/game/arrivals")).json() == before
