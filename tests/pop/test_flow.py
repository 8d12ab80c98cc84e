"""The whole flow against real servers: PostgreSQL, the game, Prefect. The outside's counters have the word."""

import asyncio
import warnings
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.sorting import ArtifactSort

from flows.common import duty
from flows.pop.flow import pop

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # the engine's client leaves its sockets


def soon(seconds):
    return datetime.now(UTC) + timedelta(seconds=seconds)


async def artifact(prefect, key):
    key_filter = ArtifactFilter(key=ArtifactFilterKey(any_=[key]))
    found = await prefect.read_artifacts(artifact_filter=key_filter, sort=ArtifactSort.CREATED_DESC, limit=1)
    return found[0].data


async def test_a_dry_run_shows_the_plan_and_touches_nothing(prefect, outside):
    """No connection to the game, no row of ours, and the numbers of the seeded accounts."""
    summary = await pop(dry_run=True)
    assert (summary.planned, summary.is_dry_run) == (1475, True)
    assert outside.seen["connections"] == 0
    for table in ("metronome.duty", "pop.account", "pop.attempt"):
        assert (await outside.ledger(f"select count(*) from {table}"))[0]["count"] == 0
    assert "| to serve | 1,475 |" in await artifact(prefect, "pop-plan")


async def test_a_trial_serves_its_accounts_and_writes_them_down(prefect, outside):
    """Eight accounts, each once, never two at once, never closer than the floor; the ledger says the same."""
    summary = await pop(limit=8, window_end=soon(8))
    seen = outside.seen
    assert (summary.served, summary.unserved) == (8, 0)
    assert (seen["accounts_served"], seen["connections"], seen["most_in_flight"]) == (8, 8, 1)
    assert seen["smallest_gap_s"] >= 0.5
    assert seen["pops"] == 800
    rows = await outside.ledger("select account, outcome from pop.attempt")
    assert sorted(row["account"] for row in rows) == sorted(
        arrival["account"] for arrival in outside.ask("GET", "game/arrivals")
    )
    report = await artifact(prefect, "pop-day")
    assert "8 accounts served" in report
    assert "data:image/svg+xml;base64," in report


async def test_a_second_run_goes_on_with_those_who_are_left(prefect, outside):
    """Nobody is served twice a day, whoever starts pop how often."""
    await pop(limit=3, window_end=soon(5))
    second = await pop(limit=3, window_end=soon(5))
    assert second.served_before == 3
    assert (outside.seen["accounts_served"], outside.seen["connections"]) == (6, 6)


async def test_a_run_that_finds_the_lock_taken_ends_cancelled_and_sends_nothing(prefect, outside):
    """The lock is the truth about "never two at once", whatever the engine allows."""
    async with duty.hold("pop", datetime.now(UTC).date(), None):
        state = await pop(limit=3, return_state=True)
    assert state.is_cancelled()
    assert "Another run of pop" in state.message
    assert outside.seen["connections"] == 0


async def test_losing_the_ledgers_session_stops_sending_until_the_lock_is_held_again(prefect, outside):
    """The session dies in the middle: nothing is sent without it, and the slot's retry serves the rest."""
    run = asyncio.create_task(pop(limit=14, window_end=soon(16)))
    while outside.seen["connections"] < 3:
        await asyncio.sleep(0.1)
    killed = await outside.ledger(
        "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted"
    )
    assert len(killed) == 1
    async with asyncio.timeout(60):
        summary = await run
    assert (summary.served, summary.unserved) == (14, 0)
    assert outside.seen["accounts_served"] == 14
    assert outside.seen["most_in_flight"] == 1
    assert outside.seen["smallest_gap_s"] >= 0.5


async def test_failures_are_passed_over_and_tried_once_more(prefect, faultless):
    """Three connections meet a 503: everybody is served in the end, and the report says why."""
    faultless.ask("POST", "game/fault", {"kind": "http", "status": 503, "connections": 3})
    summary = await pop(limit=6, window_end=soon(24))
    assert summary.attempts == {"overwhelmed": 3, "exhausted": 6}
    assert (summary.served, faultless.seen["accounts_served"]) == (6, 6)
    assert "| overwhelmed | HTTP 503 | 3 |" in await artifact(prefect, "pop-day")


async def test_a_whole_pass_finishes_the_duty_and_a_trial_does_not(prefect, outside):
    """The guard must not take a trial for the day's work."""
    today = datetime.now(UTC).date()
    await pop(limit=2, window_end=soon(4))
    assert not (await duty.read("pop", today)).finished
    done = await outside.ledger("select account from pop.attempt")
    outside.ask("POST", "game/reset")
    env = outside.world.env
    game = await asyncpg.connect(
        user=env["DB_USER"], password=env["DB_PASSWORD"], host=env["DB_HOST"], port=env["DB_PORT"],
        database=env["DB_NAME"],
    )  # fmt: skip
    everybody = await game.fetch(
        "select distinct public_address from pop.user where satisified_requirement = 'MARKETING_USER'"
    )
    await game.close()
    others = [row[0] for row in everybody if row[0] not in {one[0] for one in done}][3:]
    await outside.ledger("insert into pop.account select unnest($1::text[]), now()", others)
    await pop(window_end=soon(5))
    assert outside.seen["accounts_served"] == 3
    state = await duty.read("pop", today)
    assert (state.finished, state.held, state.taken_up) == (True, False, 2)


async def test_the_engine_holds_no_account(prefect, stack, outside):
    """Addresses stay in the ledger: no parameter, result, log line or artifact of Prefect's has one."""
    with warnings.catch_warnings():
        await pop(limit=2, window_end=soon(4))
    account = outside.ask("GET", "game/arrivals")[0]["account"]
    await asyncio.sleep(2)
    files = [path for path in (stack.home / "prefect").rglob("*") if path.is_file()]
    assert any(path.suffix == ".db" for path in files)
    assert [path.name for path in files if account.encode() in path.read_bytes()] == []
