"""What a query finds, and how it is fetched."""

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import oracledb
import pytest

from sandbox.oracle import OracleServer

SOURCE = "spss_user_dracrm.sc_1_120"


@pytest.fixture
def many(truth: Any) -> int:
    """Rows with the numbers from 1."""
    truth("insert into dssb_app.everything (id, varchar2) select n, 'v' || n from generate_series(1, 250) n")
    return 250


@pytest.mark.parametrize("arraysize", [1, 7, 249, 250, 251])
@pytest.mark.parametrize("prefetchrows", [0, 2, 250])
def test_every_row_is_fetched_once(
    cursor: oracledb.Cursor, many: int, arraysize: int, prefetchrows: int
) -> None:
    """Whatever the batches are that the client asks for."""
    cursor.arraysize, cursor.prefetchrows = arraysize, prefetchrows
    cursor.execute("select id, varchar2 from everything order by id")
    assert cursor.fetchall() == [(n, f"v{n}") for n in range(1, many + 1)]
    assert cursor.rowcount == many


def test_a_query_without_rows_is_empty(cursor: oracledb.Cursor) -> None:
    """No rows are no error."""
    assert cursor.execute("select id from everything").fetchall() == []
    assert cursor.execute("select max(id) from everything").fetchall() == [(None,)]


def test_several_cursors_do_not_disturb_each_other(connection: oracledb.Connection, many: int) -> None:
    """Two results are read by turns, and the same statement runs in two cursors."""
    one, other = connection.cursor(), connection.cursor()
    for cursor in (one, other):
        cursor.arraysize = cursor.prefetchrows = 10
        cursor.execute("select id from everything order by id")
    pairs = [(next(one), next(other)) for _ in range(many)]
    assert pairs == [((n,), (n,)) for n in range(1, many + 1)]


def test_a_result_outlives_the_commit(connection: oracledb.Connection, many: int) -> None:
    """Fetching goes on after a commit, and shows what was there when the query ran."""
    reader, writer = connection.cursor(), connection.cursor()
    reader.arraysize = reader.prefetchrows = 10
    reader.execute("select id from everything")
    writer.execute("delete from everything")
    connection.commit()
    assert len(reader.fetchall()) == many


def test_a_statement_is_sent_once(oracle: OracleServer, connection: oracledb.Connection) -> None:
    """The driver's statement cache: the second time only the values travel, and each time the right ones."""
    cursor = connection.cursor()
    found = [cursor.execute("select :1 as x from dual", [text]).fetchone() for text in "abc"]
    assert found == [("a",), ("b",), ("c",)]
    assert [entry.sql for entry in oracle.log if entry.kind == "select"] == ["select :1 as x from dual"] * 3


def test_a_bind_may_change_its_type(cursor: oracledb.Cursor) -> None:
    """The same statement with a number after a text, and with NULL."""
    found = [cursor.execute("select :1 as x from dual", [value]).fetchone() for value in ("a", 5, None, "b")]
    assert found == [("a",), (5,), (None,), ("b",)]


def test_a_name_may_be_bound_in_several_places(cursor: oracledb.Cursor) -> None:
    """By name, quoted or not; a colon in a text, a comment or a quoted name is no bind."""
    statement = """select :x as a, ':no' as ":b", :y as c /* :no */, :"x" as d from dual -- :no"""
    cursor.execute("select :x as a, :y as b, :x as c from dual", {"x": 1, "y": 2})
    assert cursor.fetchone() == (1, 2, 1)
    cursor.execute(statement, {"X": 1, "y": 2, '"x"': 3})
    assert cursor.fetchone() == (1, ":no", 2, 3)


def test_cursors_are_not_used_up(connection: oracledb.Connection) -> None:
    """Closed ones make room: more different statements on one connection than cursors may be open."""
    for n in range(320):
        with connection.cursor() as cursor:
            assert cursor.execute(f"select {n} as x from dual").fetchone() == (n,)


def test_who_never_closes_his_cursors_gets_no_more(connection: oracledb.Connection) -> None:
    """ORA-01000 at 300 open ones, as a real database has it by default."""
    opened = [connection.cursor() for _ in range(301)]
    for n, cursor in enumerate(opened[:300]):
        cursor.execute(f"select {n} as x from dual")
    with pytest.raises(oracledb.DatabaseError, match="ORA-01000"):
        opened[300].execute("select 'one more' as x from dual")


def test_names_fold_as_oracle_folds_them(cursor: oracledb.Cursor) -> None:
    """Unquoted and quoted upper-case names are the same; a quoted name in lower case is another one."""
    cursor.execute('select Id, "ID" as "Mixed", iD "low" from "DSSB_APP"."EVERYTHING" E where E."ID" = e.id')
    assert [column[0] for column in cursor.description] == ["ID", "Mixed", "low"]
    with pytest.raises(oracledb.DatabaseError, match='ORA-00904: "id"'):
        cursor.execute('select "id" from everything')
    with pytest.raises(oracledb.DatabaseError, match="ORA-00942"):
        cursor.execute('select 1 as x from "everything"')


def test_empty_texts_are_null(cursor: oracledb.Cursor) -> None:
    """A bound, a written and a computed one; and NULL vanishes in a concatenation."""
    cursor.execute("insert into everything (varchar2) values (:1)", [""])
    found = "select nvl(varchar2, 'was null') as x, trim('  ') as y, '' as z, 'a' || varchar2 || :b as w from everything"
    assert cursor.execute(found, b="b").fetchall() == [("was null", None, None, "ab")]
    assert cursor.execute("select id from everything where varchar2 = ''").fetchall() == []


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1/4", 0.25),
        ("2000000000 * 3", 6_000_000_000),
        ("regexp_substr('a,b', '[^,]+', 1, 1 * 2)", "b"),
        ("mod(7, 3) + round(2.5) + trunc(-1.5)", 3),
        ("substr('abcdef', 2, 3) || substr('abcdef', -2)", "bcdef"),
        ("lower('A') || upper('b') || lpad('7', 3, '0') || rtrim('x  ') || length('abc')", "aB007x3"),
        ("substr('abcdef', 2 * 2, 4 / 2) || substr('abcdef', 3 * 2)", "def"),
        ("instr('abc', 'c')", 3),
        ("replace('aXb', 'X')", "ab"),
        ("to_char(to_date('2024-02-29 23:59', 'YYYY-MM-DD HH24:MI'), 'DD.MM.YYYY HH24:MI')", "29.02.2024 23:59"),
        ("trunc(date '2024-02-29')", datetime(2024, 2, 29)),
        ("trunc(timestamp '2024-02-29 10:00:00', 'MM')", datetime(2024, 2, 1)),
        ("date '2024-02-29' + 1.5", datetime(2024, 3, 1, 12)),
        ("date '2024-03-01' - date '2024-02-28'", 2),
        ("date '2024-03-01' - 1", datetime(2024, 2, 29)),
        ("add_months(date '2024-01-31', 1)", datetime(2024, 2, 29)),
        ("cast(to_char(5) as number(5, 2)) + to_number('1.5')", 6.5),
        ("cast('x' as varchar2(10 char))", "x"),
        ("case when 1 = 1 then 'yes' else 'no' end", "yes"),
        ("coalesce(null, nullif('a', 'a'), 'b')", "b"),
        ("rawtohex(standard_hash('abc', 'SHA256'))", "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"),
        ("q'[it's]'", "it's"),
        ("extract(year from date '2024-02-29')", 2024),
    ],
)  # fmt: skip
def test_an_expression_has_oracles_value(cursor: oracledb.Cursor, expression: str, value: Any) -> None:
    """The functions and operators that are spoken here mean what they mean there."""
    assert cursor.execute(f"select {expression} as x from dual").fetchone() == (value,)


def test_sysdate_is_the_hosts_clock_to_the_second(cursor: oracledb.Cursor) -> None:
    """A DATE, in UTC as the sandbox's PostgreSQL is, and not the start of the transaction."""
    cursor.execute("select sysdate, systimestamp, current_timestamp, current_date from dual")
    assert [column[1].name for column in cursor.description][:2] == ["DB_TYPE_DATE", "DB_TYPE_TIMESTAMP"]
    sysdate, *_ = cursor.fetchone()
    assert abs((sysdate - datetime.now(UTC).replace(tzinfo=None)).total_seconds()) < 5


def test_the_auditors_statement_ranks_by_hash(cursor: oracledb.Cursor, connect: Any, truth: Any) -> None:
    """STANDARD_HASH of a seed and the key, ranked by ROW_NUMBER, in one statement."""
    truth(f"insert into {SOURCE} select lpad(n::text, 12, '0'), 5 from generate_series(1, 100) n")
    truth(f"grant usage on schema spss_user_dracrm to bank_app; grant select on {SOURCE} to bank_app")
    cursor.execute(
        f"""
        select iin, row_number() over (order by standard_hash(:seed || iin, 'SHA256'), iin) - 1 as place
        from {SOURCE} where count_day = :day order by place
        """,
        seed="5eed", day=5,
    )  # fmt: skip
    ranked = sorted((f"{n:012}" for n in range(1, 101)), key=lambda iin: hashed("5eed" + iin))
    assert cursor.fetchall() == [(iin, place) for place, iin in enumerate(ranked)]


def test_only_some_rows(cursor: oracledb.Cursor, many: int) -> None:
    """FETCH FIRST, OFFSET, and the simple use of ROWNUM."""
    assert many
    ordered = "select id from everything order by id"
    assert cursor.execute(f"{ordered} fetch first 2 rows only").fetchall() == [(1,), (2,)]
    assert cursor.execute(f"{ordered} offset :1 rows fetch next :2 rows only", [5, 2]).fetchall() == [
        (6,),
        (7,),
    ]
    assert len(cursor.execute("select id from everything where rownum <= 3").fetchall()) == 3
    assert (
        len(cursor.execute("select * from (select id from everything) where rownum <= :1", [4]).fetchall())
        == 4
    )


def test_sets_are_put_together(cursor: oracledb.Cursor) -> None:
    """UNION, MINUS and INTERSECT, joins without AS, and common table expressions."""
    two = "select 1 as x from dual union all select 2 from dual"
    assert cursor.execute(f"{two} minus select 2 from dual").fetchall() == [(1,)]
    assert cursor.execute(f"select 2 as x from dual intersect ({two})").fetchall() == [(2,)]
    joined = f"with q as ({two}) select a.x, b.x from q a left join q b on a.x = b.x + 1 order by a.x"
    assert cursor.execute(joined).fetchall() == [(1, None), (2, 1)]


def hashed(text: str) -> str:
    return sha256(text.encode()).hexdigest()
