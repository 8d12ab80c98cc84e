"""Starting, stopping, interrupting, and what is not understood."""

import asyncio
import logging
import socket
import threading
import time
from datetime import timedelta
from typing import Any

import oracledb
import pytest

from sandbox.oracle import Database, Fault, Login, OracleServer
from tests.sandbox.oracle.bank import PASSWORD, arguments

ADD = "insert into sc_runs (business_date, kind) values (date '2024-01-01', :1)"
PROMPT_S = 2.0


@pytest.fixture
def quiet() -> None:
    """No thread of ours is left from before."""
    assert sessions() == []


def sessions() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("oracle")]


async def test_it_is_a_guest(databases: dict[str, Database]) -> None:
    """Started and stopped on an event loop, and again on the same port; it says how to point Blocks at it."""
    named = {sid: with_variables(database, sid) for sid, database in databases.items()}
    server = OracleServer(named)
    async with server:
        place = server.describe()
        async with await oracledb.connect_async(**arguments(server)) as connection:
            await connection.ping()
    await server.start()
    assert server.describe() == place
    await server.stop()
    assert (place.name, place.address) == ("oracle", f"oracle://127.0.0.1:{server.port}")
    assert {name: place.env[name] for name in ("ORACLE_SID", "SPSS_ORACLE_SID", "ORACLE_HOST", "ORACLE_USER")} == {
        "ORACLE_SID": "DSSB", "SPSS_ORACLE_SID": "SPSS", "ORACLE_HOST": "127.0.0.1", "ORACLE_USER": "DSSB_APP",
    }  # fmt: skip
    assert place.env["SPSS_ORACLE_PORT"] == str(server.port)
    assert place.env["ORACLE_PASSWORD"] == PASSWORD


@pytest.mark.usefixtures("quiet")
def test_it_stops_whatever_the_clients_do(oracle: OracleServer, connect: Any) -> None:
    """One idle, one in a transaction, one waiting for a lock, one delayed, one that has not said a word."""
    connect()
    holder, waiter, late = connect(), connect(), connect()
    holder.cursor().execute(ADD, ["a"])
    oracle.fault(Fault(kind="delay", delay_s=60, matching="from dual"))
    blocked = [
        threading.Thread(target=attempt, args=(waiter, ADD, ["a"])),
        threading.Thread(target=attempt, args=(late, "select 1 as x from dual", [])),
    ]
    with socket.create_connection(("127.0.0.1", oracle.port)):
        for thread in blocked:
            thread.start()
            thread.join(0.2)
            assert thread.is_alive()
        before_s = time.monotonic()
        oracle.close()
        assert time.monotonic() - before_s < PROMPT_S
    for thread in blocked:
        thread.join(PROMPT_S)
        assert not thread.is_alive()
    assert sessions() == []


def test_nobody_is_let_in_after_the_end(oracle: OracleServer, connect: Any) -> None:
    """The port is closed, and those inside are told."""
    connection = connect()
    oracle.close()
    with pytest.raises(oracledb.Error, match="DPY-4011"):
        connection.ping()
    with pytest.raises(oracledb.Error, match="DPY-6005"):
        connect()


def test_a_call_timeout_interrupts(oracle: OracleServer, connect: Any) -> None:
    """While it waits on purpose, and while PostgreSQL waits for a lock; the session can be used on."""
    holder, waiter = connect(), connect()
    holder.cursor().execute(ADD, ["a"])
    waiter.call_timeout = 500
    oracle.fault(Fault(kind="delay", delay_s=60, matching="from dual"))
    for statement, binds in (("select 1 as x from dual", []), (ADD, ["a"])):
        with pytest.raises(oracledb.DatabaseError, match="DPY-4024"):
            waiter.cursor().execute(statement, binds)
        assert waiter.cursor().execute("select count(*) from sc_runs").fetchone() == (0,)


def test_a_cancel_is_ora_01013(connect: Any, truth: Any) -> None:
    """Another thread of the client ends a statement; the transaction stays as it was."""
    holder, waiter = connect(), connect()
    holder.cursor().execute(ADD, ["a"])
    waiter.cursor().execute(ADD, ["b"])
    canceller = threading.Thread(target=cancel_in_the_middle, args=(waiter, truth))
    canceller.start()
    with pytest.raises(oracledb.DatabaseError, match="ORA-01013"):
        waiter.cursor().execute(ADD, ["a"])
    canceller.join()
    assert waiter.cursor().execute("select kind from sc_runs").fetchall() == [("b",)]


async def test_an_async_client_may_lose_patience(oracle: OracleServer) -> None:
    """A task that is cancelled in the middle of a statement leaves its connection usable."""
    async with await oracledb.connect_async(**arguments(oracle)) as connection:
        oracle.fault(Fault(kind="delay", delay_s=60, matching="from dual"))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await connection.fetchone("select 1 as x from dual")
        assert await connection.fetchone("select 1 as x from dual") == (1,)


@pytest.mark.parametrize(
    "unheard_of",
    [
        lambda cursor: cursor.connection.createlob(oracledb.DB_TYPE_CLOB),
        lambda cursor: cursor.execute("select :1 as x from dual", [timedelta(days=1)]),
        lambda cursor: bound(cursor, oracledb.DB_TYPE_NVARCHAR),
        lambda cursor: cursor.connection.changepassword(PASSWORD, "new"),
        lambda cursor: cursor.connection.tpc_begin(cursor.connection.xid(1, "a", "b")),
    ],
    ids=["lob", "interval", "national text", "new password", "two phases"],
)
def test_what_is_not_spoken_ends_loudly(
    connect: Any, caplog: pytest.LogCaptureFixture, unheard_of: Any
) -> None:
    """An error in our log, and the client is told why its session ends."""
    connection = connect()
    with pytest.raises(oracledb.Error, match="DPY-4011") as ended:
        unheard_of(connection.cursor())
    assert "ORA-00600" in str(ended.value)
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    with pytest.raises(oracledb.Error, match="DPY-1001"):
        connection.ping()


def test_a_stranger_is_cut_off(oracle: OracleServer, caplog: pytest.LogCaptureFixture) -> None:
    """Somebody who speaks HTTP gets no answer, and an error is logged; one who only looks in leaves no trace."""
    with socket.create_connection(("127.0.0.1", oracle.port)) as stranger:
        stranger.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n" * 2000)
        stranger.settimeout(5)
        while stranger.recv(1000):
            pass
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    with socket.create_connection(("127.0.0.1", oracle.port)):
        pass
    assert len(caplog.records) == 1


def test_without_postgresql_there_is_no_oracle(databases: dict[str, Database]) -> None:
    """ORA-01034 for a database that is down, and for a role that it does not let in."""
    away = Database("host=127.0.0.1 port=1 dbname=x", "away", databases["DSSB"].users)
    locked = Database(
        databases["DSSB"].conninfo, "locked", {"DSSB_APP": Login(PASSWORD, "bank_app", "wrong")}
    )
    with OracleServer({"AWAY": away, "LOCKED": locked}) as server:
        for sid in ("AWAY", "LOCKED"):
            with pytest.raises(oracledb.Error, match="ORA-01034"):
                oracledb.connect(**arguments(server, sid=sid))


def test_a_session_ends_with_its_postgresql(connection: oracledb.Connection, truth: Any) -> None:
    """ORA-03113, which the driver knows as a lost connection."""
    truth("select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = 'bank_app'")
    with pytest.raises(oracledb.Error, match="DPY-4011"):
        connection.cursor().execute("select 1 as x from dual")


def cancel_in_the_middle(waiter: oracledb.Connection, truth: Any) -> None:
    for _ in range(200):
        if truth("select pid from pg_stat_activity where wait_event_type = 'Lock'"):
            break
        threading.Event().wait(0.02)
    waiter.cancel()


def attempt(connection: oracledb.Connection, statement: str, binds: list[Any]) -> None:
    try:
        connection.cursor().execute(statement, binds)
    except oracledb.Error:
        return


def with_variables(database: Database, sid: str) -> Database:
    variables = "ORACLE" if sid == "DSSB" else "SPSS_ORACLE"
    return Database(database.conninfo, database.service, database.users, variables)


def bound(cursor: oracledb.Cursor, kind: Any) -> None:
    cursor.setinputsizes(kind)
    cursor.execute("select :1 as x from dual", ["text"])
