"""What goes wrong on purpose goes wrong as it was asked for."""

import time
from typing import Any

import oracledb
import pytest
from pydantic import ValidationError

from sandbox.oracle import Fault, OracleServer

ADD = "insert into sc_runs (business_date, kind) values (date '2024-01-01', :1)"
COUNT = "select count(*) from dssb_app.sc_runs"
GONE = "DPY-4011"


def test_the_nth_statement_fails(oracle: OracleServer, cursor: oracledb.Cursor) -> None:
    """With the code that was asked for, once, and without being done; the others are done."""
    oracle.fault(Fault(kind="error", code=1653, matching="INSERT  into SC_RUNS", nth=2))
    cursor.execute(ADD, ["a"])
    with pytest.raises(oracledb.DatabaseError, match="ORA-01653"):
        cursor.execute(ADD, ["b"])
    cursor.execute(ADD, ["c"])
    assert cursor.execute("select kind from sc_runs order by kind").fetchall() == [("a",), ("c",)]


def test_a_fault_may_last(oracle: OracleServer, cursor: oracledb.Cursor) -> None:
    """For so many times, or until it is cleared."""
    oracle.fault(Fault(kind="error", code=60, times=2))
    oracle.fault(Fault(kind="error", code=1555, times=None))
    assert [code_of(cursor, "select 1 as x from dual") for _ in range(4)] == [60, 60, 1555, 1555]
    oracle.clear_faults()
    assert code_of(cursor, "select 1 as x from dual") == 0


@pytest.mark.parametrize(
    ("fault", "left"),
    [
        (Fault(kind="drop_before", matching="sc_runs"), 0),
        (Fault(kind="drop_after", matching="sc_runs"), 0),
        (Fault(kind="drop_before", on="commit"), 0),
        (Fault(kind="drop_after", on="commit"), 1),
    ],
    ids=lambda value: f"{value.kind} {value.on}" if isinstance(value, Fault) else None,
)
def test_a_line_that_is_cut(oracle: OracleServer, connect: Any, truth: Any, fault: Fault, left: int) -> None:
    """Before or after: only a commit that was done stays done, though its answer is lost."""
    oracle.fault(fault)
    with pytest.raises(oracledb.Error, match=GONE):
        add_and_commit(connect())
    assert connect().cursor().execute(COUNT).fetchone() == (left,)
    assert truth(COUNT) == [(left,)]


def test_a_rollback_may_be_lost_too(
    oracle: OracleServer, connection: oracledb.Connection, truth: Any
) -> None:
    """The line is cut, and the end of the session rolls back."""
    connection.cursor().execute(ADD, ["a"])
    oracle.fault(Fault(kind="drop_before", on="rollback"))
    with pytest.raises(oracledb.Error, match=GONE):
        connection.rollback()
    assert truth(COUNT) == [(0,)]


def test_a_commit_that_fails_is_not_done(oracle: OracleServer, connection: oracledb.Connection) -> None:
    """ORA-03113 ends the session, any other code leaves the transaction open."""
    connection.cursor().execute(ADD, ["a"])
    oracle.fault(Fault(kind="error", code=1013, on="commit"))
    with pytest.raises(oracledb.DatabaseError, match="ORA-01013"):
        connection.commit()
    connection.rollback()
    assert connection.cursor().execute(COUNT).fetchone() == (0,)


def test_autocommit_suffers_the_same(oracle: OracleServer, connect: Any) -> None:
    """The commit that goes with a statement is one."""
    connection = connect()
    connection.autocommit = True
    oracle.fault(Fault(kind="drop_after", on="commit"))
    with pytest.raises(oracledb.Error, match=GONE):
        connection.cursor().execute(ADD, ["a"])
    assert connect().cursor().execute(COUNT).fetchone() == (1,)


def test_a_delay_passes(oracle: OracleServer, cursor: oracledb.Cursor) -> None:
    """Late, but done."""
    oracle.fault(Fault(kind="delay", delay_s=0.2, matching="dual"))
    before_s = time.monotonic()
    assert cursor.execute("select 1 as x from dual").fetchone() == (1,)
    assert time.monotonic() - before_s >= 0.2


def test_logins_are_refused_for_a_while(oracle: OracleServer, connect: Any) -> None:
    """One database is away, the other is not."""
    oracle.fault(Fault(kind="error", code=1033, on="login", database="SPSS", times=2))
    for _ in range(2):
        with pytest.raises(oracledb.Error, match="ORA-01033"):
            connect(sid="SPSS")
    connect(sid="DSSB")
    connect(sid="SPSS")
    oracle.fault(Fault(kind="drop_before", on="login"))
    with pytest.raises(oracledb.Error, match=GONE):
        connect()


def test_a_database_can_be_cut_off(oracle: OracleServer, connect: Any) -> None:
    """All its lines at once, and no other's."""
    dssb, spss = connect(), connect(sid="SPSS")
    oracle.disconnect("SPSS")
    with pytest.raises(oracledb.Error, match=GONE):
        spss.ping()
    dssb.ping()


@pytest.mark.parametrize(
    "wrong", [{"kind": "explode"}, {"kind": "error", "code": 0}, {"kind": "delay", "nth": 0}]
)
def test_a_fault_that_cannot_be_is_rejected(wrong: dict[str, Any]) -> None:
    """Mistakes are told and not ignored."""
    with pytest.raises(ValidationError):
        Fault.model_validate(wrong)


def add_and_commit(connection: oracledb.Connection) -> None:
    connection.cursor().execute(ADD, ["a"])
    connection.commit()


def code_of(cursor: oracledb.Cursor, statement: str) -> int:
    try:
        cursor.execute(statement)
    except oracledb.DatabaseError as error:
        return int(error.args[0].code)
    return 0
