"""Who gets in, and where."""

from typing import Any

import oracledb
import pytest

from sandbox.oracle import OracleServer
from tests.sandbox.oracle.bank import arguments


def test_a_sid_leads_to_its_database(connect: Any, truth: Any) -> None:
    """Two databases behind one listener are told apart by the SID."""
    truth("insert into spss_user_dracrm.sc_1_120 values ('000000000001', 5)", "SPSS")
    counted = {}
    for sid in ("DSSB", "SPSS"):
        cursor = connect(sid=sid).cursor()
        truth("grant usage on schema spss_user_dracrm to bank_app", sid)
        truth("grant select on spss_user_dracrm.sc_1_120 to bank_app", sid)
        (counted[sid],) = cursor.execute("select count(*) from spss_user_dracrm.sc_1_120").fetchone()
    assert counted == {"DSSB": 0, "SPSS": 1}


def test_a_service_name_leads_there_too(connect: Any) -> None:
    """The other form of a connect descriptor, in any case."""
    connection = connect(service_name="DSSB.local")
    assert connection.cursor().execute("select 1 from dual").fetchone() == (1,)
    assert connection.service_name == "dssb.local"


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"password": "wrong"}, "ORA-01017"),
        ({"user": "nobody"}, "ORA-01017"),
        ({"sid": "OTHER"}, "DPY-6003"),
        ({"service_name": "other"}, "DPY-6001"),
        ({"service_name": None, "sid": None}, "DPY-6001"),
    ],
    ids=str,
)
def test_who_is_not_known_stays_outside(oracle: OracleServer, wrong: dict[str, Any], code: str) -> None:
    """A wrong user or password is ORA-01017; the driver turns ORA-12505 and ORA-12514 into codes of its own."""
    with pytest.raises(oracledb.Error, match=code):
        oracledb.connect(**arguments(oracle, **wrong))
    assert oracle.log[-1].kind == "login"
    assert oracle.log[-1].error in {1017, 12505, 12514}


def test_a_long_descriptor_comes_in_two_packets(oracle: OracleServer) -> None:
    """More than 230 bytes of connect data arrive in a packet of their own."""
    where = f"(ADDRESS=(PROTOCOL=tcp)(HOST=127.0.0.1)(PORT={oracle.port}))"
    dsn = f"(DESCRIPTION={where}(CONNECT_DATA=(SID=DSSB)(COLOCATION_TAG={'x' * 300})))"
    login = arguments(oracle)
    with oracledb.connect(user=login["user"], password=login["password"], dsn=dsn) as connection:
        assert connection.cursor().execute("select 1 from dual").fetchone() == (1,)


def test_the_session_knows_what_it_is_connected_to(connection: oracledb.Connection) -> None:
    """The driver learns a version, limits, and the schema of its user."""
    assert connection.version.startswith("19.")
    assert connection.max_identifier_length == 128
    statement = "select sys_context('userenv', 'current_schema') from dual"
    assert connection.cursor().execute(statement).fetchone() == ("DSSB_APP",)


def test_module_and_action_are_taken_note_of(connection: oracledb.Connection) -> None:
    """What the driver tells beside a call does not disturb the call."""
    connection.module, connection.action, connection.client_identifier = "distribution", "write", "run 1"
    connection.clientinfo, connection.dbop = "info", "op"
    connection.ping()
    connection.module = None
    connection.ping()
    assert connection.cursor().execute("select 1 from dual").fetchone() == (1,)


def test_the_schema_can_be_changed(connect: Any, truth: Any) -> None:
    """Unqualified names are looked up in the schema that the client sets."""
    truth("grant usage on schema spss to bank_app; grant select on spss.sc_theory_users to bank_app")
    connection = connect()
    connection.current_schema = "SPSS"
    assert connection.cursor().execute("select count(*) from sc_theory_users").fetchone() == (0,)


def test_a_pool_hands_sessions_on(oracle: OracleServer) -> None:
    """The driver's own pool: what a borrower did not commit is rolled back, its session is used again."""
    pool = oracledb.create_pool(**arguments(oracle), min=1, max=2, increment=1)
    with pool.acquire() as connection:
        connection.cursor().execute("insert into sc_runs (business_date, kind) values (sysdate, 'daily')")
    with pool.acquire() as connection:
        assert connection.cursor().execute("select count(*) from sc_runs").fetchone() == (0,)
    pool.close()
    assert [entry.kind for entry in oracle.log].count("login") == 1
