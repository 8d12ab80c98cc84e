"""The verification that people know, as a flow: both databases counted and compared, and nothing touched."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from prefect.artifacts import Artifact
from prefect.client.schemas.objects import State

from flows.distribution import tables, verdict, verifying
from flows.distribution.flow import verify
from flows.distribution.rules import NotReconciled
from flows.distribution.verdict import Held
from tests.distribution.bank import (
    CONTROL,
    MIRROR,
    RUN,
    TARGET,
    USERS,
    Bank,
    by_both,
    daily,
    padded,
    renamed,
    today,
)
from tests.distribution.results import DAY
from tests.distribution.test_flow import WRITES

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # the engine's client leaves its sockets
    pytest.mark.usefixtures("hurried"),
]

RIGHT = f"{today()}: as it should be: {USERS} users in DSSB, 134 of them in SPSS."
GOOD = Held({"SC1.1": 3}, {"SC1.2": 4}, {"SC1.2": 4}, users=7, mirror_users=4, control_in_spss=0)


async def verified(**parameters: Any) -> State[Any]:
    state: State[Any] = await verify(return_state=True, **parameters)
    return state


async def shown() -> tuple[str, list[dict[str, Any]]]:
    """Return the artifact's description, which is the verdict, and its rows."""
    found = await Artifact.aget("distribution-verify")
    assert found is not None
    return str(found.description), json.loads(str(found.data))


@by_both
async def test_a_day_as_it_should_be(bank: Bank) -> None:
    """A row for each group of each campaign, DSSB against SPSS, then all of them; no statement writes or locks."""
    await daily()
    bank.forget_log()
    assert (await verified()).is_completed()
    written = [sql for _, sql in bank.log if WRITES.search(sql)]
    assert (written, {database for database, _ in bank.log}) == ([], {"dssb", "spss"})
    line, rows = await shown()
    assert line == rows[-1]["campaign"] == RIGHT
    assert {row[""] for row in rows} == {"ok", ""}
    groups, of_all = rows[:15], rows[15:]
    assert [row["group"] for row in groups] == list("ABCDE") * 3
    assert groups[0] | {"campaign": "SC00000001", "DSSB": 11, "SPSS": 0, "control": 11} == groups[0]
    assert groups[9] | {"campaign": "SC00000002", "DSSB": 12, "SPSS": 12, "control": 0} == groups[9]
    assert [(row["DSSB"], row["SPSS"]) for row in of_all[:3]] == [(USERS, 134), (USERS, 134), (0, 0)]
    assert not [iin for iin in bank.source if iin in str(rows)]


@by_both
async def test_databases_that_differ_fail_the_run(bank: Bank) -> None:
    """One row is gone from SPSS, one is there twice, one has no group: all are named by numbers, and nobody's IIN."""
    await daily()
    gone, *others = bank.mirror
    twice = next(row for row in others if row["theory_id"] != gone["theory_id"])
    moment = gone["insert_datetime"]
    bank.rows(f"insert into {MIRROR} (iin, insert_datetime) values ('0', '{moment}')", "spss")
    bank.rows(f"delete from {MIRROR} where iin = '{gone['iin']}'", "spss")
    bank.rows(f"insert into {MIRROR} select * from {MIRROR} where iin = '{twice['iin']}'", "spss")
    state = await verified()
    assert state.is_failed()
    line, rows = await shown()
    assert f"NotReconciled: Of what was written on {line} The table" in str(state.message)
    differing = {
        f"{row['campaign']}.{'ABCDE'.find(row['group']) + 1}" for row in rows[:15] if row[""] != "ok"
    }
    assert differing == {gone["theory_id"], twice["theory_id"]}
    assert all(theory_id in line for theory_id in differing)
    assert "1 rows of SPSS are nobody's, or of a user who has one already" in line
    assert "– has 0 rows in control, 0 in target, 1 in SPSS" in line
    assert not [iin for iin in bank.source if iin in str(rows) + str(state.message)]


async def test_a_control_user_in_another_ones_place_is_seen(bank: Bank) -> None:
    """All counts agree; only the users themselves tell."""
    await daily()
    user = bank.control[0]["iin"]
    bank.rows(f"update {MIRROR} set iin = '{user}' where iin = '{bank.mirror[0]['iin']}'", "spss")
    state = await verified()
    assert f"{today()}: 1 users of A are in SPSS." in str(state.message)


async def test_a_day_that_spss_has_not_yet_is_not_right(bank: Bank) -> None:
    """It is applied: the next run finishes it, and then it is."""
    bank.fault("SPSS", "drop_before", on="commit", times=None)
    assert (await daily()).is_failed()
    bank.mend()
    assert "SC00000001.2 has 0 rows in control, 11 in target, 0 in SPSS" in str((await verified()).message)
    assert (await daily()).is_completed()
    assert (await verified()).is_completed()


async def test_rows_that_are_gone_from_both_are_missed(bank: Bank) -> None:
    """The databases agree, and the ledger knows better."""
    await daily()
    bank.rows(f"delete from {TARGET} where theory_id = 'SC00000003.5'")
    bank.rows(f"delete from {MIRROR} where theory_id = 'SC00000003.5'", "spss")
    assert "DSSB has 155 rows, and the ledger tells of 167 users" in str((await verified()).message)


async def test_a_day_that_was_made_good_later_is_found_where_it_was_written(bank: Bank) -> None:
    """Its rows have the INSERT_DATETIME of the day on which its run came."""
    yesterday = today() - timedelta(days=1)
    bank.set_campaigns("SC00000001", start=-3)
    await daily(business_date=yesterday)
    told = await (await verified(business_date=yesterday)).aresult()
    assert (told["business_date"], told["users"]) == (yesterday, USERS)
    assert str(today()) in told["verdict"]


async def test_a_day_without_rows_is_no_failure(bank: Bank) -> None:
    """Nothing was distributed, and the table says so."""
    assert (await verified(business_date=today() - timedelta(days=9))).is_completed()
    line, rows = await shown()
    assert line == f"{today() - timedelta(days=9)}: nothing was written, in neither database."
    assert len(rows) == 5


@by_both
async def test_columns_that_pad_their_texts_do_not_differ(bank: Bank) -> None:
    """One owner declared CHAR columns, the other did not: what counts is the same."""
    with bank.without(*padded(CONTROL, "dssb")), bank.without(*padded(MIRROR, "spss")):
        await daily()
        assert (await (await verified()).aresult())["verdict"] == RIGHT


async def test_a_table_that_is_not_there_is_told(bank: Bank) -> None:
    """Block and table are named at once, and the ledger is as it was."""
    with bank.without(*renamed(MIRROR, "spss")):
        state = await verified()
    assert "TableMissing: spss-db: " in str(state.message)
    assert bank.rows(f"select * from {RUN}") == []


# ── The verdict ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("held", "told"),
    [
        (replace(GOOD, mirror={"SC1.2": 3, "SC2.5": 1}), "SC1.2 has 0 rows in control, 4 in target, 3 in SPSS"),
        (replace(GOOD, mirror={"SC1.2": 4, "SC1.1": 0, "SC2.5": 2}), "SC2.5 has 0 rows in control, 0 in target, 2"),
        (replace(GOOD, control={"SC1.1": 2, "SC1.2": 1}), "SC1.2 has 1 rows in control, 4 in target"),
        (replace(GOOD, target={"SC1.2": 4, "SC1.1": 1}), "SC1.1 has 3 rows in control, 1 in target"),
        (replace(GOOD, users=6), "1 rows of DSSB are nobody's, or of a user"),
        (replace(GOOD, mirror_users=2), "2 rows of SPSS are nobody's, or of a user"),
        (replace(GOOD, control_in_spss=1), "1 users of A are in SPSS"),
    ],
)  # fmt: skip
def test_each_wrong_is_named(held: Held, told: str) -> None:
    """In the line, which fails the run."""
    wrong = verdict.problems(held, users_told=7)
    assert told in verdict.line(held, wrong, DAY)
    with pytest.raises(NotReconciled):
        verdict.check(held, wrong, DAY)


def test_what_is_right_is_called_right() -> None:
    """Also where the calendar day has rows of another business day beside those that the ledger tells of."""
    for users_told in (7, 3, 0):
        assert verdict.problems(GOOD, users_told) == []
    assert verdict.problems(GOOD, 8) == ["DSSB has 7 rows, and the ledger tells of 8 users"]


def test_a_name_that_nobody_knows_is_shown_without_an_iin() -> None:
    """Rows of somebody else's making have a line of their own."""
    odd = replace(GOOD, target={"SC1.2": 4, "850101300123": 1}, users=8)
    rows = verdict.table(odd, verdict.problems(odd, 7), DAY)
    assert rows[0] | {"campaign": "***", "group": "–", "": "DIFFERS"} == rows[0]
    assert "850101300123" not in str(rows)


@pytest.mark.parametrize("name", verifying.SQL)
def test_the_statements_ask_the_tables_that_the_block_names(name: str) -> None:
    """The page's names are the usual ones; a bank that has others is asked by those."""
    dssb, spss = tables.dssb("OTHER"), tables.spss("A.USERS", "B.COPY")
    names = (dssb.control.fullname, dssb.target.fullname, spss.mirror.fullname)
    asked = verifying.asked(name, names, DAY).text if name != "audit" else ""
    assert not [usual for usual in verifying.WRITTEN if usual in asked]
    assert name == "audit" or "other.sc_local_" in asked or "b.copy" in asked
