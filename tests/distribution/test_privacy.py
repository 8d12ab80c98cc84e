"""With every logger at DEBUG and on every way to end, no user's IIN is where somebody could read it."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any
from uuid import UUID

import pytest
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import LogFilter, LogFilterFlowRunId
from prefect.client.schemas.objects import FlowRun, State

from deployments.stack import Stack
from flows.common.clock import Clock
from flows.distribution.flow import verify
from tests.distribution.bank import (
    MIRROR,
    REGISTRY,
    RUN,
    TARGET,
    Bank,
    by_both,
    daily,
    garbled,
    keyed,
    renamed,
    revoked,
    today,
)
from tests.secrecy import AT_DEBUG, Numbers, Search, hearing

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # the engine's client leaves its sockets
    pytest.mark.usefixtures("hurried"),
]

TIMEOUT_S = 60


@pytest.fixture
def heard() -> Iterator[list[str]]:
    """What any logger says, at DEBUG, in this process."""
    with hearing("oracledb", "prefect.task_runs", "sqlalchemy.pool") as lines:
        yield lines


def search_all(stack: Stack, bank: Bank) -> Search:
    """Look everywhere, also into each part of each mail, whose lines would cut a number in two."""
    parts = [
        part.get_content() for letter in bank.all_letters for part in letter.walk() if not part.is_multipart()
    ]
    told = b"\n".join(part if isinstance(part, bytes) else part.encode() for part in parts)
    return Search(stack, {"mail": told})


@by_both
async def test_no_way_to_end_tells_who_the_users_are(
    stack: Stack, prefect: PrefectClient, bank: Bank, heard: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    """Previews and skips, wrong login, SID, table and right, duplicate key, torn apart, no mail, success, verified."""
    people = bank.source
    asyncio.get_running_loop().set_debug(True)
    ends = [f"{state.name}: {state.message}" async for state in end_in_every_way(bank, max(people))]
    asyncio.get_running_loop().set_debug(False)
    assert [next((word for word in WAYS if word in end), end) for end in ends] == WAYS

    printed = capfd.readouterr()
    sought = Numbers(people)
    assert [line for line in heard if sought.found_in(line.encode())] == []
    assert sought.found_in((printed.out + printed.err).encode()) == set()
    for logger in ("sqlalchemy.engine", "asyncio", "prefect"):
        assert any(line.startswith(logger) for line in heard), logger
    search = await settled(stack, prefect, bank, bank.days[0]["run_id"])
    assert search.numbers(people) == set()
    assert search.where(WRONG_PASSWORD) == set()


WRONG_PASSWORD = "wrong-password-that-nobody-may-see"
WAYS = [
    "Completed", "DatabaseAccessDenied: dssb-db", "DatabaseAccessDenied: spss-db", "TableMissing: dssb-db",
    "PermissionMissing: dssb-db", "Completed", "Unexpected: ValueError", "LedgerRowWrong", "DuplicateKey", "DatabaseUnreachable: spss-db", "NotReconciled",
    "MailNotSent", "Completed", "Completed", "NotReconciled",
]  # fmt: skip


async def end_in_every_way(bank: Bank, somebody: str) -> AsyncIterator[State[Any]]:
    """Yield the last state of each run."""
    yield await daily(dry_run=True, sample=20)
    for variables in ({"ORACLE_PASSWORD": WRONG_PASSWORD}, {"SPSS_ORACLE_SID": "NOWHERE"}):
        await bank.fill(**variables)
        yield await daily()
    await bank.fill()
    for wrong in (renamed(REGISTRY, "dssb"), revoked("insert", TARGET, "dssb")):
        with bank.without(*wrong):
            yield await daily()
    with bank.without(*assigned(bank.source)):
        yield await daily()
    bank.rows(f"truncate {RUN}")
    with bank.without(*garbled(somebody)):
        yield await daily()
    bank.rows(
        f"insert into {RUN} (business_date, kind, run_id, status, count_day) "
        f"values ('{today()}', 'daily', '{somebody}', 'planned', 5)"
    )
    yield await daily()
    bank.rows(f"truncate {RUN}")
    with bank.without(*keyed(somebody)):
        yield await daily()
    bank.fault("SPSS", "drop_before", on="commit", times=None)
    yield await daily()
    bank.mend()
    bank.rows(
        f"insert into {MIRROR} (iin, theory_id, insert_datetime) "
        f"values ('{somebody}', 'OTHER.2', '{bank.days[0]['insert_datetime']}')",
        "spss",
    )
    yield await daily()
    bank.rows(f"delete from {MIRROR} where theory_id = 'OTHER.2'", "spss")
    bank.ask("POST", "mail/refuse", {})
    yield await daily()
    bank.mend()
    yield await daily()
    yield await verify(return_state=True)
    with bank.without(*moved(bank)):
        yield await verify(return_state=True)


def assigned(users: Iterable[str]) -> tuple[str, str, str]:
    """For `Bank.without`: everybody has an assignment that goes on, so that the day is skipped."""
    rows = ", ".join(f"('{user}', 'OLD.2', '2999-01-01')" for user in users)
    there = f"insert into {TARGET} (iin, theory_id, date_end) values {rows}"
    return "dssb", there, f"delete from {TARGET} where theory_id = 'OLD.2'"


def moved(bank: Bank) -> tuple[str, str, str]:
    """The same: a user of A is in SPSS, too."""
    user, moment = bank.control[0]["iin"], bank.days[0]["insert_datetime"]
    there = f"insert into {MIRROR} (iin, theory_id, insert_datetime) values ('{user}', 'OTHER.2', '{moment}')"
    return "spss", there, f"delete from {MIRROR} where theory_id = 'OTHER.2'"


async def settled(stack: Stack, prefect: PrefectClient, bank: Bank, run_id: str) -> Search:
    """Search when the server has all that it was told of a run."""
    wanted = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[UUID(run_id)]))
    async with asyncio.timeout(TIMEOUT_S):
        while not any("Finished in state" in line.message for line in await prefect.read_logs(wanted)):
            await Clock().sleep(0.3)
        while not (search := search_all(stack, bank)).where(run_id) >= {"log", "task_run", "events", "mail"}:
            await Clock().sleep(1)
    return search


# ── A deployed run, whose process tells the server all it knows ──────────────────────────────────


@pytest.mark.parametrize("backend", ["oracle"], indirect=True)
async def test_a_deployed_run_at_debug_tells_nobody_who_the_users_are(
    stack: Stack, prefect: PrefectClient, bank: Bank
) -> None:
    """It fails at a duplicate key, is mended, and completes: in no log, mail, artifact, event, row or file is an IIN."""
    people = bank.source
    with bank.without(*keyed(max(people))):
        failed = await run_deployed(prefect)
    assert "DuplicateKey" in str(failed.state and failed.state.message)
    done = await run_deployed(prefect)
    assert done.state
    assert done.state.is_completed()

    search = await settled(stack, prefect, bank, str(done.id))
    # The search finds what is there, in every place that could hold an IIN …
    assert search.where(str(done.id)) >= {
        "prefect/prefect.db-wal", "log", "artifact", "flow_run", "task_run", "events", "mail",
    }  # fmt: skip
    assert "log/worker.log" in search.where("DEBUG   | httpcore")
    # … and so finds none where none is.
    assert search.numbers(people) == set()


async def run_deployed(prefect: PrefectClient) -> FlowRun:
    deployment = await prefect.read_deployment_by_name("distribution/daily")
    made = await prefect.create_flow_run_from_deployment(
        deployment.id,
        parameters={"business_date": str(today()), "requested_by": "Айгуль", "approved_by": "Болат"},
        job_variables={"env": AT_DEBUG, "stream_output": True},
    )
    async with asyncio.timeout(TIMEOUT_S):
        while not (run := await prefect.read_flow_run(made.id)).state.is_final():
            await Clock().sleep(0.5)
    return run
