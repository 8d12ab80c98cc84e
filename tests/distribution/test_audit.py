"""The auditor's statements, on a real database: they derive what Python decided, and see what somebody changed."""

import shutil
from collections import Counter
from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import create_async_engine

from blocks import database
from flows.common.sql import statements
from flows.distribution import split
from flows.distribution.models import Campaign, Remainder
from sandbox import seed as sandbox_seed
from sandbox import wheel
from sandbox.postgres import SUPERUSER, Postgres
from sandbox.state import State
from tests.distribution import results
from tests.distribution.bank import USERS, daily

SQL = statements("flows.distribution")
DAY = date(2030, 5, 17)
MOMENT = datetime(2030, 5, 17, 9, 0, 3)
ROW = "iin varchar(12), theory_id varchar(50), insert_datetime timestamp(0)"
# What Oracle has and PostgreSQL has not.
ORACLE = """
    create function public.standard_hash(value text, method text) returns bytea
        language sql immutable strict as $$ select sha256(convert_to(value, 'UTF8')) $$;
    create view public.dual as select 'X' as dummy
"""
TABLES = {
    "control": "dssb_app.sc_local_control",
    "target": "dssb_app.sc_local_target",
    "mirror": "spss.sc_theory_users",
}


@pytest.fixture(scope="module")
def postgres(tmp_path_factory):
    home = tmp_path_factory.mktemp("audit")
    passwords = {script.role: "s3cret" for script in sandbox_seed.SCRIPTS}
    server = Postgres(wheel.postgres_folder(home), State(home).port("postgres"), passwords)
    server.start()
    server.query("create database audit")
    tables = (f"create table {name} ({ROW}, primary key (iin, theory_id));" for name in TABLES.values())
    server.query(f"create schema dssb_app; create schema spss; {' '.join(tables)} {ORACLE}", "audit")
    yield server
    server.stop()
    shutil.rmtree(server.folder)


class Auditor:
    """A day's rows in the tables, and the questions about them."""

    def __init__(self, connection) -> None:
        self.connection = connection

    async def write(self, blocks, moment=MOMENT):
        for block in blocks:
            tables = ("control",) if block.group.is_control else ("target", "mirror")
            for table in tables:
                await self.insert(
                    table, [iin.decode() for iin in block.iins.tolist()], block.theory_id, moment
                )

    async def insert(self, table, iins, theory_id, moment=MOMENT):
        rows = [{"iin": iin, "theory_id": theory_id, "insert_datetime": moment} for iin in iins]
        if rows:
            into = f"insert into {TABLES[table]} values (:iin, :theory_id, :insert_datetime)"
            await self.connection.execute(text(into), rows)

    async def run(self, statement):
        return (await self.connection.execute(text(statement))).rowcount

    async def audit(  # noqa: PLR0913
        self, seed, ids, remainder=Remainder.LAST, day=DAY, *, is_listed=False, moment=MOMENT
    ):
        parameters = {
            "seed": seed,
            "insert_datetime": moment,
            "campaign_ids": ",".join(ids),
            "remainder": remainder.value,
            "day_ordinal": day.toordinal(),
            "is_listed": int(is_listed),
        }
        return [tuple(row) for row in await self.connection.execute(SQL["audit"], parameters)]

    async def verify(self, name, day=DAY):
        since = datetime.combine(day, datetime.min.time())
        found = await self.connection.execute(
            SQL[name], {"since": since, "before": since + timedelta(days=1)}
        )
        return [tuple(row) for row in found]


@pytest.fixture
async def auditor(postgres) -> AsyncIterator[Auditor]:
    """All that a test writes is rolled back."""
    url = URL.create("postgresql+asyncpg", SUPERUSER, postgres.password, "127.0.0.1", postgres.port, "audit")
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        yield Auditor(connection)
    await engine.dispose()


def ids(count):
    return [f"SC{number:08}" for number in range(1, count + 1)]


def decide(users, count, remainder=Remainder.LAST, day=DAY):
    """Return a day's seed and blocks; some IINs have leading zeros, some are of another form."""
    odd = [b"7", b"0", b"x' or 1=1", "ИИН".encode(), b"a,b|c"]
    iins = np.array(
        [*odd, *(f"{number * 7919:012}".encode() for number in range(users))][:users], dtype="S12"
    )
    seed = split.seed(day, ids(count), "salt of the tests")
    campaigns = [Campaign(base, "", day, day) for base in ids(count)]
    return seed, results.blocks(split.rank(iins, seed), campaigns, remainder, day.toordinal())


@pytest.mark.parametrize("remainder", Remainder)
@pytest.mark.parametrize(("users", "count"), [(2003, 3), (1004, 12), (101, 1), (13, 5), (3, 7), (1, 2)])
async def test_the_audit_derives_what_was_decided(auditor, users, count, remainder):
    """Every user is where the statement says, for each policy, and with fewer users than campaigns."""
    seed, blocks = decide(users, count, remainder)
    await auditor.write(blocks)
    found = await auditor.audit(seed, ids(count), remainder)
    expected = sorted((block.theory_id, block.theory_id, None, len(block)) for block in blocks if len(block))
    assert sorted(found) == expected


@pytest.mark.parametrize("ahead", range(1, 26))
async def test_the_audit_turns_the_same_wheel(auditor, ahead):
    """Under `rotate` the extras fall elsewhere each day, in the statement as in Python."""
    day = DAY + timedelta(days=ahead)
    seed, blocks = decide(64, 3, Remainder.ROTATE, day)
    await auditor.write(blocks)
    found = await auditor.audit(seed, ids(3), Remainder.ROTATE, day)
    assert {(written, users) for written, _, _, users in found} == {(b.theory_id, len(b)) for b in blocks}
    assert all(written == derived for written, derived, _, _ in found)


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # the engine's client leaves its sockets
@pytest.mark.parametrize("backend", ["oracle"], indirect=True)
@pytest.mark.parametrize("remainder", Remainder)
async def test_the_audit_derives_what_a_run_wrote(bank, remainder):
    """By Oracle's own driver, from the rows that the flow left and the ledger's row alone, for each policy."""
    assert (await daily(remainder=remainder)).is_completed()
    (day,) = bank.days
    async with database.session("dssb-db") as connection:
        found = await Auditor(connection).audit(
            day["seed"], day["campaign_ids"].split(","), Remainder(day["remainder"]), day["business_date"],
            moment=day["insert_datetime"],
        )  # fmt: skip
    written = Counter(row["theory_id"] for row in bank.control + bank.target)
    assert {(one, other): users for one, other, _, users in found} == {
        (theory_id, theory_id): users for theory_id, users in written.items()
    }
    assert sum(written.values()) == USERS


async def test_the_audit_sees_one_user_who_was_moved(auditor):
    """It counts who is in the wrong place, and names nobody unless asked to."""
    seed, blocks = decide(500, 3)
    await auditor.write(blocks)
    moved = blocks[1].iins[0].decode()
    await auditor.run(f"delete from dssb_app.sc_local_target where iin = '{moved}'")
    await auditor.insert("control", [moved], "SC00000001.1")
    wrong = [row for row in await auditor.audit(seed, ids(3)) if row[0] != row[1]]
    assert wrong == [("SC00000001.1", "SC00000001.2", None, 1)]
    listed = await auditor.audit(seed, ids(3), is_listed=True)
    assert [row for row in listed if row[2] is not None] == [("SC00000001.1", "SC00000001.2", moved, 1)]


async def test_the_audit_sees_another_seed_and_another_policy(auditor):
    """What was not split by this seed and policy does not pass."""
    seed, blocks = decide(503, 3)
    await auditor.write(blocks)
    for found in (
        await auditor.audit("0" * 64, ids(3)),
        await auditor.audit(seed, ids(3), Remainder.ALL_TO_LAST),
        await auditor.audit(seed, ids(4)),
    ):
        assert any(written != derived for written, derived, *_ in found)


async def test_the_audit_looks_at_one_run_only(auditor):
    """Rows of another moment are another run's."""
    seed, blocks = decide(100, 2)
    await auditor.write(blocks)
    await auditor.insert("target", ["1", "2"], "SC00000009.2", MOMENT + timedelta(seconds=1))
    found = await auditor.audit(seed, ids(2))
    assert sum(users for *_, users in found) == 100
    assert all(written == derived for written, derived, *_ in found)


async def test_the_counts_of_a_day(auditor):
    """By table and theory, from midnight to midnight, whatever the time of the run; the mirror is the target."""
    _, blocks = decide(101, 2)
    await auditor.write(blocks)
    await auditor.insert("target", ["1"], "SC00000009.2", datetime(2030, 5, 18))
    await auditor.insert("target", ["2"], "SC00000009.2", datetime(2030, 5, 16, 23, 59, 59))
    counts = await auditor.verify("verify_counts")
    assert counts == [
        (f"sc_local_{'control' if block.group.is_control else 'target'}", block.theory_id, len(block))
        for block in sorted(blocks, key=lambda block: (not block.group.is_control, block.theory_id))
    ]
    mirrored = [(theory_id, users) for _, theory_id, users in await auditor.verify("verify_mirror_counts")]
    assert mirrored == [
        (theory_id, users) for table, theory_id, users in counts if table == "sc_local_target"
    ]


async def test_what_must_be_nowhere_is_nowhere(auditor):
    """After a day as it should be, nobody has two assignments, and A is in its own table only."""
    _, blocks = decide(101, 2)
    await auditor.write(blocks)
    for name in ("verify_doubles", "verify_tables", "verify_mirror_control"):
        assert await auditor.verify(name) == []
    assert await auditor.verify("verify_distinct") == [(101, 101)]
    control, mirror = await both_halves(auditor)
    assert len(control) == sum(len(block) for block in blocks if block.group.is_control)
    assert len(mirror) == 101 - len(control)
    assert not control & mirror


async def both_halves(auditor):
    return [
        {iin for (iin,) in await auditor.verify(name)}
        for name in ("verify_control_users", "verify_mirror_users")
    ]


async def test_two_assignments_are_seen(auditor):
    """Two of a user in one table, or one in each, count alike; one user of each kind here."""
    await auditor.insert("target", ["1", "2"], "SC00000001.2")
    await auditor.insert("target", ["1"], "SC00000002.2")
    await auditor.insert("control", ["2", "3"], "SC00000001.1")
    assert await auditor.verify("verify_doubles") == [(2, 2)]
    assert await auditor.verify("verify_distinct") == [(5, 3)]


async def test_the_control_group_elsewhere_is_seen(auditor):
    """A in the target table or the mirror, or another group in the control table."""
    await auditor.insert("control", ["1"], "SC00000001.2")
    await auditor.insert("target", ["2", "3"], "SC00000001.1")
    await auditor.insert("mirror", ["4"], "SC00000001.1")
    assert await auditor.verify("verify_tables") == [
        ("sc_local_control", "SC00000001.2", 1),
        ("sc_local_target", "SC00000001.1", 2),
    ]
    assert await auditor.verify("verify_mirror_control") == [("SC00000001.1", 1)]
    assert await auditor.verify("verify_mirror_distinct") == [(1, 1)]


async def test_a_control_user_in_the_mirror_is_seen_by_both_halves(auditor):
    """Under another group's name the mirror's own check is blind; the two lists are not."""
    await auditor.insert("control", ["1", "2"], "SC00000001.1")
    await auditor.insert("mirror", ["2", "3"], "SC00000001.4")
    assert await auditor.verify("verify_mirror_control") == []
    control, mirror = await both_halves(auditor)
    assert control & mirror == {"2"}


@pytest.mark.parametrize("name", SQL)
def test_a_statement_asks_for_nothing_else(name):
    """What comments explain is all that is bound; no semicolon is sent, which Oracle's driver refuses."""
    audit = {"seed", "insert_datetime", "campaign_ids", "remainder", "day_ordinal", "is_listed"}
    bound = set(SQL[name].compile().params)
    assert bound == (audit if name == "audit" else {"since", "before"})
    assert ";" not in SQL[name].text
