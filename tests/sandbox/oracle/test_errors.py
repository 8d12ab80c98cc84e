"""Every refusal has the code and the words that Oracle has for it."""

from typing import Any

import oracledb
import pytest

from sandbox.oracle import OracleServer

IIN = "990101300123"
RUN = "insert into sc_runs (business_date, kind, status, total) values (date '2024-01-01', 'daily', :1, :2)"
TARGET = "insert into sc_local_target (iin, theory_id) values (:1, :2)"


@pytest.fixture(autouse=True)
def one_run(oracle: OracleServer, truth: Any) -> None:
    """Something to trip over, in the tables that `oracle` emptied."""
    truth("insert into dssb_app.sc_runs values ('2024-01-01', 'daily', 'planned', 1)")
    truth("insert into dssb_app.sc_details values ('daily', '2024-01-01')")


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("select x from nowhere", "ORA-00942: table or view does not exist"),
        ("select x from nowhere.at_all", "ORA-00942: table or view does not exist"),
        ("select nothing from sc_runs", 'ORA-00904: "NOTHING": invalid identifier'),
        ("select r.nothing from sc_runs r", 'ORA-00904: "R"."NOTHING": invalid identifier'),
        ("select kind from sc_runs, sc_details", "ORA-00918: column ambiguously defined"),
        ("select kind, count(*) from sc_runs", "ORA-00979: not a GROUP BY expression"),
        ("select 1 / 0 as x from dual", "ORA-01476: divisor is equal to zero"),
        ("select to_number('x') as n from dual", "ORA-01722: invalid number"),
        ("select to_date('soon', 'YYYY-MM-DD') as d from dual", "ORA-01861: literal does not match format string"),
        ("select * from sc_runs where kind = 5", "ORA-00932: inconsistent datatypes"),
        ("select (select 1 from dual union all select 2 from dual) as x from dual", "ORA-01427: single-row subquery"),
        ("select 1 = 1 as yes from dual", "ORA-03115: unsupported network datatype"),
        ("update sc_runs set kind = null", 'ORA-01407: cannot update ("DSSB_APP"."SC_RUNS"."KIND") to NULL'),
        ("update sc_runs set total = -1", "ORA-02290: check constraint (DSSB_APP.SC_RUNS_TOTAL) violated"),
        ("update sc_runs set total = 1e10", "ORA-01438: value larger than specified precision"),
        ("insert into sc_details values ('x', sysdate)", "ORA-02291: integrity constraint (DSSB_APP.SC_DETAILS"),
        ("delete from sc_runs", "ORA-02292: integrity constraint (DSSB_APP.SC_DETAILS"),
        ("create table sc_runs (a number)", "ORA-00955: name is already used by an existing object"),
    ],
)  # fmt: skip
def test_an_error_is_oracles(cursor: oracledb.Cursor, statement: str, message: str) -> None:
    """Code and text, and the session goes on."""
    with pytest.raises(oracledb.DatabaseError) as refused:
        cursor.execute(statement)
    assert str(refused.value).startswith(message)
    assert cursor.execute("select count(*) from sc_runs").fetchone() == (1,)


def test_a_duplicate_betrays_its_key(cursor: oracledb.Cursor) -> None:
    """ORA-00001 names constraint, table and columns; its second line holds the values, as from 23 on."""
    cursor.execute(TARGET, [IIN, "SC1.2"])
    with pytest.raises(oracledb.IntegrityError) as refused:
        cursor.executemany(TARGET, [("x", "y"), (IIN, "SC1.2")])
    (error,) = refused.value.args
    assert (error.code, error.full_code) == (1, "ORA-00001")
    first, second, _ = error.message.splitlines()
    assert first == (
        "ORA-00001: unique constraint (DSSB_APP.SC_LOCAL_TARGET_PKEY) violated"
        " on table DSSB_APP.SC_LOCAL_TARGET columns (IIN, THEORY_ID)"
    )
    assert second == (
        f"ORA-03301: (ORA-00001 details) row with column values (IIN:'{IIN}', THEORY_ID:'SC1.2') already exists"
    )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((None, "SC1"), 'ORA-01400: cannot insert NULL into ("DSSB_APP"."SC_LOCAL_TARGET"."IIN")'),
        (("", "SC1"), "ORA-01400: cannot insert NULL"),
        (("1" * 13, "SC1"), 'ORA-12899: value too large for column "SC_LOCAL_TARGET"."IIN" (maximum: 12)'),
    ],
    ids=["null", "empty", "long"],
)
def test_a_value_that_does_not_fit(cursor: oracledb.Cursor, values: tuple[Any, ...], message: str) -> None:
    """The column is named."""
    with pytest.raises(oracledb.DatabaseError) as refused:
        cursor.execute(TARGET, values)
    assert str(refused.value).startswith(message)


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("select count(*) from dssb_app.sc_local_target", None),
        ("insert into dssb_app.sc_local_target (iin, theory_id) values ('1', '2')", "ORA-01031"),
        ("insert into dssb_app.sc_local_target (iin, theory_id) values (:1, :2)", "ORA-01031"),
        ("delete from dssb_app.sc_local_target", "ORA-01031"),
        ("lock table dssb_app.sc_local_target in exclusive mode", "ORA-01031"),
        ("select count(*) from dssb_app.sc_local_control", "ORA-00942"),
        ("insert into dssb_app.sc_local_target select * from dssb_app.sc_local_control", "ORA-00942"),
        ("insert into dssb_app.sc_local_control (iin, theory_id) values (:1, :2)", "ORA-00942"),
        ("lock table dssb_app.sc_local_control in exclusive mode nowait", "ORA-00942"),
        ("select count(*) from spss.sc_theory_users", "ORA-00942"),
        ("create table dssb_app.mine (a number)", "ORA-01031"),
        ("truncate table dssb_app.sc_local_target", "ORA-01031"),
    ],
)
def test_rights_are_those_of_the_role(connect: Any, statement: str, code: str | None) -> None:
    """ORA-01031 for a right that is missing; a table that one has no right at all to is not there: ORA-00942."""
    reader = connect(user="reader", password="look")
    binds = ["1", "2"] if ":1" in statement else []
    if code is None:
        assert reader.cursor().execute(statement).fetchone() == (0,)
        return
    with pytest.raises(oracledb.DatabaseError, match=code):
        reader.cursor().execute(statement, binds)
    assert reader.cursor().execute("select count(*) from dssb_app.sc_local_target").fetchone() == (0,)


def test_who_may_not_look_is_not_told_the_key(connect: Any, truth: Any) -> None:
    """A role with INSERT only gets ORA-00001 without the values of the row that is there."""
    truth(f"insert into dssb_app.sc_local_control values ('{IIN}', 'SC1.1')")
    truth("grant insert on dssb_app.sc_local_control to bank_reader")
    statement = "insert into dssb_app.sc_local_control (iin, theory_id) values (:1, :2)"
    try:
        with pytest.raises(oracledb.IntegrityError, match="ORA-00001") as refused:
            connect(user="reader", password="look").cursor().execute(statement, [IIN, "SC1.1"])
        assert IIN not in str(refused.value)
    finally:
        truth("revoke insert on dssb_app.sc_local_control from bank_reader")


def test_an_update_of_nothing_is_no_error(cursor: oracledb.Cursor) -> None:
    """No row, no error: ORA-01403 is for the driver's ears only."""
    cursor.execute("update sc_runs set status = 'x' where kind = 'none'")
    assert cursor.rowcount == 0
    assert cursor.execute(RUN.replace("daily", "test"), ["x", 1]) is None
