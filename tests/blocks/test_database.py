"""What Oracle answers, through its own driver: told in one line that names the Block, and never with a row."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack

import httpx
import pytest
from prefect.client.orchestration import PrefectClient
from sqlalchemy import text

from blocks import database
from deployments import blocks
from sandbox import World
from tests.secrecy import hearing

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # the engine's client leaves its sockets

QUESTION = text("select 1000 + 234 as probe from dual")
ANSWER = 1234

Fault = Callable[..., None]


@pytest.fixture
async def fault(prefect: PrefectClient, world: World) -> AsyncIterator[Fault]:
    """Block `dssb-db` through the Oracle driver, and a switch that lets one login, or the question, go wrong."""
    await blocks.build(world.env)["dssb-db"].save("dssb-db", overwrite=True)
    address = f"{world.admin_url.rstrip('/')}/oracle/fault"

    def switch_on(kind: str, on: str, **other: object) -> None:
        matching = "probe" if on == "statement" else ""
        wanted = {"kind": kind, "on": on, "matching": matching, "database": "DSSB", **other}
        httpx.post(address, json=wanted).raise_for_status()

    with ExitStack() as afterwards:
        afterwards.callback(httpx.delete, address)
        yield switch_on


async def ask() -> object:
    async with database.session("dssb-db") as session:
        return await session.scalar(QUESTION)


CODES = {
    "statement": {
        904: database.TableMissing,
        942: database.TableMissing,
        1031: database.PermissionMissing,
        1: database.DuplicateKey,
        54: database.RowLocked,
        30006: database.RowLocked,
        933: database.StatementRefused,
        1653: database.DatabaseUnreachable,  # no room left
        3113: database.DatabaseUnreachable,
        1555: database.DatabaseProblem,
    },
    "login": {
        1017: database.DatabaseAccessDenied,
        1045: database.DatabaseAccessDenied,
        28000: database.DatabaseAccessDenied,
        1033: database.DatabaseUnreachable,  # starting up
        1089: database.DatabaseUnreachable,  # shutting down
    },
}


@pytest.mark.parametrize(
    ("moment", "code", "kind"),
    [(moment, code, kind) for moment, kinds in CODES.items() for code, kind in kinds.items()],
)
async def test_an_oracle_code_is_told_as_what_it_means(
    fault: Fault, moment: str, code: int, kind: type[database.DatabaseProblem]
) -> None:
    """Who must do what depends on it: the class decides whether a run is tried again."""
    fault("error", moment, code=code)
    # The driver itself has one word for every end of a session.
    with pytest.raises(database.DatabaseProblem, match=f"dssb-db: .*(ORA-{code:05}|DPY-4011)") as caught:
        await ask()
    assert type(caught.value) is kind
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["drop_before", "drop_after"])
@pytest.mark.parametrize("moment", ["login", "statement"])
async def test_a_line_that_is_cut_is_a_database_that_nobody_reaches(
    fault: Fault, moment: str, kind: str
) -> None:
    """It may heal, so it is tried again."""
    fault(kind, moment)
    with pytest.raises(database.DatabaseUnreachable, match="dssb-db: ") as caught:
        await ask()
    assert caught.value.heals


async def test_no_row_is_told_however_talkative_the_loggers_are(fault: Fault) -> None:
    """SQLAlchemy tells its statements, and would tell at DEBUG what it read."""
    with hearing() as lines:
        assert await ask() == ANSWER
    assert any("as probe from dual" in line for line in lines)
    assert not [line for line in lines if str(ANSWER) in line]


def test_statements_are_told_only_to_whoever_asks() -> None:
    """A run's own lines must not drown in SQL: the logger has no level of its own."""
    assert logging.getLogger(f"sqlalchemy.engine.Engine.{database.LOGGER}").level == logging.NOTSET


async def test_many_rows_come_in_one_round_trip(fault: Fault) -> None:
    """Oracle's driver asks for a hundred at a time if nobody tells it better; a million users would be 10,000 trips."""
    async with database.session("dssb-db") as session:
        answer = await session.execute(QUESTION)
        assert answer.context.cursor.arraysize == database.FETCH_ROWS
