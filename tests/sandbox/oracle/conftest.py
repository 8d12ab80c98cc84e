"""A real PostgreSQL with the bank's tables, the stand-in before it, and the real driver."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import Any

import oracledb
import psycopg
import pytest

from sandbox import wheel
from sandbox.oracle import DIALECT, Database, OracleServer
from sandbox.postgres import Postgres
from sandbox.state import State
from tests.sandbox.oracle.bank import BEHIND, CLEAN, ROLES, SERVICES, TABLES, USERS, arguments

PATIENCE_MS = 30_000
Connect = Callable[..., oracledb.Connection]
Superuser = psycopg.Connection[tuple[Any, ...]]
Truth = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A server without the sandbox's own seeds."""
    home = tmp_path_factory.mktemp("oracle")
    server = Postgres(wheel.postgres_folder(home), State(home).port("postgres"), {})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sandbox.postgres.SCRIPTS", ())
        server.start()
    yield server
    server.stop()
    shutil.rmtree(server.folder)


@pytest.fixture(scope="session")
def superusers(postgres: Postgres) -> Iterator[dict[str, Superuser]]:
    """A connection past the stand-in to each database, which has its tables now."""
    postgres.query(ROLES)
    login = {"host": "127.0.0.1", "port": postgres.port, "user": "postgres", "password": postgres.password}
    login["options"] = "-c lock_timeout=5000"  # who waits longer waits for a lock that should not be there
    with ExitStack() as opened:
        connections = {}
        for sid, name in BEHIND.items():
            postgres.query(f"create database {name}")
            connections[sid] = psycopg.connect(**login, dbname=name, autocommit=True)
            opened.callback(connections[sid].close)
            connections[sid].execute(DIALECT.read_text())
            connections[sid].execute(TABLES.read_text())
        yield connections


@pytest.fixture(scope="session")
def databases(postgres: Postgres, superusers: dict[str, Superuser]) -> dict[str, Database]:
    address = f"host=127.0.0.1 port={postgres.port} dbname="
    return {sid: Database(address + BEHIND[sid], SERVICES[sid], USERS) for sid in superusers}


@pytest.fixture(scope="session")
def truth(superusers: dict[str, Superuser]) -> Truth:
    """Asks PostgreSQL itself."""

    def ask(statement: str, sid: str = "DSSB") -> list[tuple[Any, ...]]:
        answer = superusers[sid].execute(statement)
        return answer.fetchall() if answer.description else []

    return ask


@pytest.fixture
def oracle(databases: dict[str, Database], truth: Truth) -> Iterator[OracleServer]:
    """A server of its own for each test, before empty tables."""
    for sid in databases:
        truth(CLEAN, sid)
    with OracleServer(databases) as server:
        yield server


@pytest.fixture
def connect(oracle: OracleServer) -> Iterator[Connect]:
    """Opens sessions as DSSB_APP in DSSB, or as it is told, and closes them."""
    opened: list[oracledb.Connection] = []

    def open_one(**other: Any) -> oracledb.Connection:
        opened.append(oracledb.connect(**arguments(oracle, **other)))
        opened[-1].call_timeout = PATIENCE_MS
        return opened[-1]

    yield open_one
    for connection in opened:
        with suppress(oracledb.Error):
            connection.close()


@pytest.fixture
def connection(connect: Connect) -> oracledb.Connection:
    return connect()


@pytest.fixture
def cursor(connection: oracledb.Connection) -> oracledb.Cursor:
    return connection.cursor()
