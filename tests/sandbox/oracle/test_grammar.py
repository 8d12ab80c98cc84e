"""Only Oracle's SQL is taken, however well PostgreSQL would understand the rest."""

import oracledb
import pytest

from sandbox.oracle.errors import OracleError
from sandbox.oracle.translate import translate


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("select date(date_) from everything", 904),
        ("select now() as x from dual", 904),
        ("select ifnull(id, 0) from everything", 904),
        ("select id from everything limit 5", 933),
        ("select id from everything order by id limit 5 offset 2", 933),
        ("select top 5 id from everything", 933),
        ("select id from everything as e", 933),
        ("select id from (select id from everything) as e", 933),
        ("select e.id from everything e join dual as d on 1 = 1", 933),
        ("update everything as e set id = 1", 933),
        ("insert into everything (id) values (1), (2)", 933),
        ("insert into everything (id) values (:1), (:2)", 933),
        ("insert into everything (id) values (1) on conflict do nothing", 933),
        ("insert into everything (id) values (1) returning id", 3001),
        ("select 1", 923),
        ("select id::text from everything", 933),
        ("select cast(id as text) from everything", 902),
        ("select cast(id as bigint) from everything", 902),
        ("select id from everything where varchar2 ilike 'a%'", 933),
        ("select id from everything where varchar2 ~ 'a'", 933),
        ("select id % 2 from everything", 911),
        ("select `id` from everything", 911),
        ("select id from everything;", 911),
        ("select id from everything; delete from everything", 911),
        ("select id from everything except select 1 from dual", 933),
        ("select distinct on (id) id from everything", 933),
        ("select count(*) filter (where id = 1) from everything", 923),
        ("with recursive q as (select 1 as x from dual) select x from q", 933),
        ("update everything set id = 1 from dual", 933),
        ("delete from everything using dual where 1 = 1", 933),
        ("select id from everything where id in ()", 936),
        (f"select id from everything where id in ({', '.join(['1'] * 1001)})", 1795),
        ("select id from everything group by id for update", 2014),
        ("select id from everything fetch first 1 rows only for update", 2014),
        ("select e.id from everything e, dual d where e.varchar2 = d.dummy(+)", 3001),
        ("select id from everything for update wait 5", 3001),
        ("select id from everything where rownum <= 5 order by id", 3001),
        ("select rownum from everything", 3001),
        ("begin null; end;", 6550),
        ("declare x number; begin x := 1; end;", 6550),
        ("alter session set nls_date_format = 'YYYY'", 2248),
        ("explain plan for select 1 from dual", 900),
        ("create table t as select :x as x from dual", 1027),
        ("nonsense", 900),
    ],
)
def test_what_oracle_would_not_take_is_refused(cursor: oracledb.Cursor, statement: str, code: int) -> None:
    """Loudly, with the code that Oracle has for it (03001: it would take it, and we do not speak it)."""
    with pytest.raises(OracleError) as refused:
        translate(statement)
    assert refused.value.code == code
    if ":" not in statement:
        with pytest.raises(oracledb.DatabaseError, match=f"ORA-{code:05}"):
            cursor.execute(statement)


def test_true_is_a_name(cursor: oracledb.Cursor) -> None:
    """Oracle 19 has no boolean literals: it looks for a column."""
    with pytest.raises(oracledb.DatabaseError, match='ORA-00904: "TRUE"'):
        cursor.execute("select id from everything where id = true")


@pytest.mark.parametrize(
    ("statement", "tables"),
    [
        ("select 1 from A.b join C on 1 = 1", {("a", "b"), ("", "c")}),
        ('insert into "A" select * from "B"."c"', {("", "a"), ("b", "C")}),
        ("lock table A.b in share mode", {("a", "b")}),
    ],
)
def test_all_tables_are_known(statement: str, tables: set[tuple[str, str]]) -> None:
    """Those that a missing right may be about."""
    assert set(translate(statement).tables) == tables


@pytest.mark.parametrize(
    ("statement", "copy"),
    [
        ("insert into t (a, b) values (:1, :2)", 'COPY "t" ("a", "b") FROM STDIN'),
        ("insert into s.t values (:x, :y)", 'COPY "s"."t" FROM STDIN'),
        ("insert into t (a) values (sysdate)", None),
        ("insert into t (a) values (nvl(:1, 1))", None),
        ("insert into t (a) select :1 from dual", None),
    ],
)
def test_rows_of_binds_alone_are_loaded(statement: str, copy: str | None) -> None:
    """The fast way is for what needs no computing."""
    found = translate(statement).copy
    assert (found.sql if found else None) == copy
