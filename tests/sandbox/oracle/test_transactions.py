"""When something is there for the others, and who waits for whom."""

import threading
from typing import Any

import oracledb
import pytest

from sandbox.oracle import OracleServer

ADD = "insert into sc_runs (business_date, kind) values (date '2024-01-01', :1)"
COUNT = "select count(*) from sc_runs"


def count(connection: oracledb.Connection) -> int:
    (number,) = connection.cursor().execute(COUNT).fetchone()
    return int(number)


def test_only_a_commit_shows_it_to_others(connect: Any) -> None:
    """Read committed: not before the commit, and nothing after a rollback."""
    one, other = connect(), connect()
    one.cursor().execute(ADD, ["a"])
    assert (count(one), count(other)) == (1, 0)
    one.commit()
    one.cursor().execute(ADD, ["b"])
    one.rollback()
    assert (count(one), count(other)) == (1, 1)


@pytest.mark.parametrize("end", ["close", "cut"])
def test_who_leaves_without_a_commit_leaves_nothing(oracle: OracleServer, connect: Any, end: str) -> None:
    """Closed or cut off, the transaction is rolled back and its locks are free."""
    one, other = connect(), connect()
    one.cursor().execute(ADD, ["a"])
    if end == "close":
        one.close()
    else:
        oracle.disconnect("DSSB")
        other = connect()
    other.cursor().execute(ADD, ["a"])
    assert count(other) == 1


def test_autocommit_commits_each_statement(oracle: OracleServer, connect: Any) -> None:
    """First and repeated executions; what a failing array leaves is committed with the next statement only."""
    one, other = connect(), connect()
    one.autocommit = True
    cursor = one.cursor()
    for kind in "ab":
        cursor.execute(ADD, [kind])
    assert count(other) == 2
    with pytest.raises(oracledb.IntegrityError):
        cursor.executemany(ADD, [("c",), ("a",)])
    assert count(other) == 2
    assert (count(one), count(one)) == (3, 3)
    assert count(other) == 3
    assert [entry.kind for entry in oracle.log].count("commit") == 3


def test_a_query_alone_opens_no_transaction(oracle: OracleServer, connect: Any, truth: Any) -> None:
    """Who only looks holds no lock and has nothing to roll back."""
    connection = connect()
    assert count(connection) == 0
    truth("truncate dssb_app.sc_runs cascade")
    connection.close()
    assert "rollback" not in [entry.kind for entry in oracle.log]


def test_a_locked_row_is_told_at_once(connect: Any) -> None:
    """SELECT … FOR UPDATE NOWAIT by two: the second gets ORA-00054, until the first is done."""
    one, other = connect(), connect()
    one.cursor().execute(ADD, ["a"])
    one.commit()
    lock = "select status from sc_runs r where kind = 'a' for update of r.status nowait"
    one.cursor().execute(lock)
    with pytest.raises(oracledb.DatabaseError, match="ORA-00054"):
        other.cursor().execute(lock)
    assert other.cursor().execute("select kind from sc_runs for update skip locked").fetchall() == []
    one.commit()
    assert len(other.cursor().execute(lock).fetchall()) == 1


def test_a_locked_table_is_told_at_once(connect: Any) -> None:
    """LOCK TABLE … NOWAIT."""
    one, other = connect(), connect()
    lock = "lock table Dssb_App.sc_runs in exclusive mode nowait"
    one.cursor().execute(lock)
    assert count(other) == 0
    with pytest.raises(oracledb.DatabaseError, match="ORA-00054"):
        other.cursor().execute(lock)
    one.rollback()
    other.cursor().execute(lock)


def test_who_waits_gets_it_when_the_other_is_done(connect: Any) -> None:
    """Without NOWAIT the second one waits for the first one's commit, and then has its own error."""
    one, other = connect(), connect()
    one.cursor().execute(ADD, ["a"])
    errors: list[str] = []

    def add() -> None:
        try:
            other.cursor().execute(ADD, ["a"])
        except oracledb.IntegrityError as error:
            errors.append(str(error))

    waiting = threading.Thread(target=add)
    waiting.start()
    waiting.join(0.2)
    assert waiting.is_alive()
    one.commit()
    waiting.join(5)
    assert "ORA-00001" in errors[0]


def test_of_two_who_wait_for_each_other_one_gives_way(connect: Any) -> None:
    """A deadlock is ORA-00060 for one of them; only its statement is undone, so the other goes on after it ends."""
    one, other = connect(), connect()
    one.cursor().executemany(ADD, [("a",), ("b",)])
    one.commit()
    outcomes: list[str] = []

    def update(connection: oracledb.Connection, kind: str) -> None:
        try:
            connection.cursor().execute("update sc_runs set status = 'x' where kind = :1", [kind])
            outcomes.append("done")
        except oracledb.DatabaseError as error:
            outcomes.append(str(error)[:9])
            connection.rollback()

    update(one, "a")
    update(other, "b")
    threads = [threading.Thread(target=update, args=pair) for pair in ((one, "b"), (other, "a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted(outcomes) == ["ORA-00060", "done", "done", "done"]


def test_savepoints_undo_a_part(cursor: oracledb.Cursor) -> None:
    """As SQLAlchemy's nested transactions send them; one that is not there is ORA-01086 and harms nothing."""
    cursor.execute(ADD, ["a"])
    cursor.execute("SAVEPOINT here")
    cursor.execute(ADD, ["b"])
    with pytest.raises(oracledb.DatabaseError, match="ORA-01086: savepoint 'THERE'"):
        cursor.execute("rollback to savepoint there")
    cursor.execute("ROLLBACK TO SAVEPOINT here")
    cursor.execute(ADD, ["c"])
    cursor.execute("commit")
    assert cursor.execute("select kind from sc_runs order by kind").fetchall() == [("a",), ("c",)]


def test_a_read_only_transaction_only_reads(cursor: oracledb.Cursor) -> None:
    """ORA-01456 until it ends; and it must be asked for first."""
    cursor.execute("set transaction read only")
    with pytest.raises(oracledb.DatabaseError, match="ORA-01456"):
        cursor.execute(ADD, ["a"])
    cursor.connection.rollback()
    cursor.execute(ADD, ["a"])
    with pytest.raises(oracledb.DatabaseError, match="ORA-01453"):
        cursor.execute("set transaction read only")
    assert count(cursor.connection) == 1


def test_ddl_commits(connect: Any, truth: Any) -> None:
    """CREATE, TRUNCATE and DROP pass through, with Oracle's types, and end the transaction."""
    one, other = connect(), connect()
    one.cursor().execute(ADD, ["a"])
    one.cursor().execute(
        "create table made (a varchar2(5 char) not null, b number(10, 2), c date, d raw(16), e clob, primary key (a))"
    )
    assert count(other) == 1
    one.cursor().execute("insert into made (a, c) values ('x', sysdate)")
    one.cursor().execute("truncate table made")
    assert other.cursor().execute("select * from made").fetchall() == []
    kinds = (
        "select data_type from information_schema.columns where table_name = 'made' order by ordinal_position"
    )
    assert [kind for (kind,) in truth(kinds)] == [
        "character varying", "numeric", "timestamp without time zone", "bytea", "text",
    ]  # fmt: skip
    one.cursor().execute("drop table made")
