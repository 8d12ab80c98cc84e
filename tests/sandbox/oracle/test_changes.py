"""What a change leaves behind, with one row of values or with thousands."""

from datetime import datetime
from typing import Any

import oracledb
import pytest

from sandbox.oracle import OracleServer

INSERT = "insert into sc_local_target (iin, theory_id, date_start) values (:1, :2, :3)"
DAY = datetime(2024, 2, 29)


def rows(count: int, theory: str = "SC1.2") -> list[tuple[str, str, datetime]]:
    return [(f"{n:012}", theory, DAY) for n in range(count)]


def test_thousands_of_rows_go_in_one_call(oracle: OracleServer, cursor: oracledb.Cursor, truth: Any) -> None:
    """Array DML: one statement in the log, every row in the table, leading zeros kept."""
    cursor.executemany(INSERT, rows(5000))
    cursor.connection.commit()
    assert cursor.rowcount == 5000
    assert [entry.bound for entry in oracle.log if entry.kind == "dml"] == [5000]
    assert truth("select count(*), min(iin), min(date_start) from dssb_app.sc_local_target") == [
        (5000, "000000000000", DAY)
    ]


def test_rows_may_be_dictionaries(cursor: oracledb.Cursor, truth: Any) -> None:
    """Bound by name, in any order of the names; constants and functions may stand between."""
    named = [{"theory": "SC1.2", "iin": f"{n:012}"} for n in range(100)]
    plain = "insert into sc_local_target (theory_id, iin) values (:theory, :iin)"
    computed = (
        "insert into sc_local_control (theory_id, iin, tab1, date_start) values (:theory, :iin, 'x', sysdate)"
    )
    for statement in (plain, computed):
        cursor.executemany(statement, named)
        assert cursor.rowcount == 100
    cursor.connection.commit()
    assert truth("select count(*), max(iin) from dssb_app.sc_local_target") == [(100, "000000000099")]
    assert truth("select count(*), max(tab1) from dssb_app.sc_local_control") == [(100, "x")]


def test_arrays_of_updates_and_deletes_are_counted(cursor: oracledb.Cursor) -> None:
    """The row count is the sum over all executions."""
    cursor.executemany(INSERT, rows(10) + rows(10, "SC1.3"))
    cursor.executemany(
        "update sc_local_target set tab1 = :1 where iin = :2", [("x", f"{n:012}") for n in range(5)]
    )
    assert cursor.rowcount == 10
    cursor.executemany("delete from sc_local_target where iin = :1", [(f"{n:012}",) for n in range(3, 30)])
    assert cursor.rowcount == 14
    assert cursor.execute("select count(*), count(tab1) from sc_local_target").fetchone() == (6, 6)


def test_an_insert_may_select(cursor: oracledb.Cursor) -> None:
    """Set-based, with binds of every kind in the list, NULL dates too; what is there already stays out."""
    cursor.executemany(INSERT, rows(10))
    copied = """
        insert into sc_local_control (iin, theory_id, date_start, date_end, tab1)
        select iin, :theory, :day, :never, :tab from sc_local_target t
        where not exists (select 1 from sc_local_control c where c.iin = t.iin and c.theory_id = :theory)
    """
    cursor.setinputsizes(never=oracledb.DB_TYPE_DATE)
    for expected in (10, 0):
        cursor.execute(copied, theory="SC1.1", day=DAY, never=None, tab=None)
        assert cursor.rowcount == expected


def test_a_merge_updates_and_inserts(cursor: oracledb.Cursor) -> None:
    """Both branches, in an array too."""
    merge = """
        merge into sc_runs r using (select :day as day, :kind as kind, :status as status from dual) n
        on (r.business_date = n.day and r.kind = n.kind)
        when matched then update set r.status = n.status
        when not matched then insert (business_date, kind, status) values (n.day, n.kind, n.status)
    """
    cursor.executemany(merge, [(DAY, "daily", "planned"), (DAY, "test", "planned"), (DAY, "daily", "done")])
    cursor.execute("select kind, status from sc_runs order by kind")
    assert cursor.fetchall() == [("daily", "done"), ("test", "planned")]


def test_what_stands_before_the_failing_row_stays(cursor: oracledb.Cursor) -> None:
    """Without batch errors the first failure ends the array: Oracle keeps the rows before it, uncommitted."""
    spoiled = rows(1000)
    spoiled[700] = spoiled[3]
    with pytest.raises(oracledb.IntegrityError, match="ORA-00001"):
        cursor.executemany(INSERT, spoiled)
    assert cursor.rowcount == 700
    assert cursor.execute("select count(*) from sc_local_target").fetchone() == (700,)
    cursor.connection.rollback()
    assert cursor.execute("select count(*) from sc_local_target").fetchone() == (0,)


@pytest.mark.parametrize(
    "statement", [INSERT, INSERT.replace(":3", "nvl(:3, sysdate)")], ids=["binds", "computed"]
)
def test_batch_errors_name_the_rows(cursor: oracledb.Cursor, statement: str) -> None:
    """All good rows are done; of the others place, code and text are told."""
    spoiled: list[Any] = rows(500)
    spoiled[7], spoiled[8], spoiled[499] = (None, "SC1", DAY), ("0" * 13, "SC1", DAY), spoiled[0]
    cursor.executemany(statement, spoiled, batcherrors=True)
    errors = [(error.offset, error.code) for error in cursor.getbatcherrors()]
    assert errors == [(7, 1400), (8, 12899), (499, 1)]
    assert "SC_LOCAL_TARGET_PKEY" in cursor.getbatcherrors()[2].message
    assert cursor.rowcount == 497
    cursor.executemany(statement, rows(2, "SC9"), batcherrors=True)
    assert cursor.getbatcherrors() == []


def test_more_batch_errors_than_fit_a_byte(cursor: oracledb.Cursor) -> None:
    """300 failures in one call."""
    cursor.executemany(INSERT, [(None, "SC1", DAY)] * 300 + rows(1), batcherrors=True)
    assert [error.offset for error in cursor.getbatcherrors()] == list(range(300))
    assert cursor.rowcount == 1


def test_a_failing_statement_leaves_the_transaction(cursor: oracledb.Cursor) -> None:
    """Statement-level atomicity: a failure undoes its own statement and nothing before it."""
    cursor.execute("insert into sc_runs (business_date, kind, total) values (:1, 'a', 1)", [DAY])
    cursor.execute("insert into sc_runs (business_date, kind, total) values (:1, 'b', 0)", [DAY])
    with pytest.raises(oracledb.IntegrityError, match="ORA-02290"):
        cursor.execute("update sc_runs set total = total - 1")
    with pytest.raises(oracledb.DatabaseError, match="ORA-00942"):
        cursor.execute("select x from nowhere")
    assert cursor.execute("select kind, total from sc_runs order by kind").fetchall() == [("a", 1), ("b", 0)]
    cursor.connection.commit()


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("insert into sc_runs (kind) values ('x') returning kind into :out", "RETURNING INTO"),
        ("update sc_runs set kind = :new returning kind into :out", "RETURNING INTO"),
    ],
)
def test_returning_is_refused(cursor: oracledb.Cursor, statement: str, reason: str) -> None:
    """ORA-03001 says that it is not spoken here, and the session goes on."""
    binds = {"out": cursor.var(str)} | ({"new": "y"} if ":new" in statement else {})
    with pytest.raises(oracledb.DatabaseError, match=f"ORA-03001.*{reason}"):
        cursor.execute(statement, binds)
    assert cursor.execute("select count(*) from sc_runs").fetchone() == (0,)


def test_row_counts_of_single_executions_are_refused(cursor: oracledb.Cursor) -> None:
    """ORA-03001 for arraydmlrowcounts."""
    with pytest.raises(oracledb.DatabaseError, match="ORA-03001"):
        cursor.executemany(INSERT, rows(3), arraydmlrowcounts=True)
