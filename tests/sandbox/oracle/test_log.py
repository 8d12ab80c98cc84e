"""The log tells what was asked of a database, and never with which values."""

from typing import Any

import oracledb
import pytest

from sandbox.oracle import Entry, OracleServer

ADD = "insert into sc_runs (business_date, kind) values (date '2024-01-01', :1)"
SECRET = "990101300123"


def test_every_step_is_told(oracle: OracleServer, connect: Any) -> None:
    """Database, user, session, kind, text, rows bound and affected, in their order."""
    connection = connect()
    cursor = connection.cursor()
    cursor.executemany(ADD, [("a",), ("b",)])
    connection.commit()
    cursor.execute("select kind from sc_runs where kind = :1", ["a"]).fetchall()
    cursor.execute("lock table sc_runs in exclusive mode")
    connection.rollback()
    connection.close()
    told = [(entry.kind, entry.bound, entry.rows) for entry in oracle.log]
    assert told == [
        ("login", 0, 0), ("dml", 2, 2), ("commit", 0, 0), ("select", 1, 1), ("lock", 0, 0), ("rollback", 0, 0),
        ("logoff", 0, 0),
    ]  # fmt: skip
    assert {(entry.database, entry.user, entry.session) for entry in oracle.log} == {("DSSB", "DSSB_APP", 1)}
    assert [entry.sql for entry in oracle.log if entry.kind == "dml"] == [ADD]


def test_failures_are_told_too(oracle: OracleServer, cursor: oracledb.Cursor) -> None:
    """With their code; what did not even reach the database is "refused"."""
    oracle.log.clear()
    for statement in ("select x from nowhere", "select 1", "begin null; end;"):
        with pytest.raises(oracledb.DatabaseError):
            cursor.execute(statement)
    cursor.executemany(ADD, [("a",), ("a",), (None,)], batcherrors=True)
    told = [(entry.kind, entry.rows, entry.error) for entry in oracle.log]
    assert told == [("select", 0, 942), ("refused", 0, 923), ("refused", 0, 6550), ("dml", 1, 24381)]


def test_no_value_is_told(oracle: OracleServer, cursor: oracledb.Cursor) -> None:
    """Neither of a statement that went well nor of one that did not."""
    cursor.execute(ADD, [SECRET])
    with pytest.raises(oracledb.IntegrityError):
        cursor.execute(ADD, [SECRET])
    cursor.execute("select kind from sc_runs where kind = :1", [SECRET]).fetchall()
    assert SECRET not in repr(list(oracle.log))


def test_an_implied_rollback_is_told(oracle: OracleServer, connect: Any) -> None:
    """Of a client whose line was cut in the middle of a transaction."""
    connect().cursor().execute(ADD, ["a"])
    oracle.disconnect()
    assert [entry.kind for entry in oracle.log][-2:] == ["rollback", "logoff"]


def test_sessions_are_told_apart(oracle: OracleServer, connect: Any) -> None:
    """By their number, so that one can see who committed what."""
    one, other = connect(), connect(sid="SPSS")
    for connection in (other, one):
        connection.ping()
        connection.cursor().execute("select 1 as x from dual")
    assert [(entry.session, entry.database) for entry in oracle.log if entry.kind == "select"] == [
        (2, "SPSS"), (1, "DSSB"),
    ]  # fmt: skip


def test_an_entry_is_plain_data() -> None:
    """It can be shown as JSON."""
    assert vars(Entry("DSSB", "APP", 1, "commit"))["kind"] == "commit"
