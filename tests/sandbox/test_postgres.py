"""The embedded PostgreSQL: who may do what, and that it starts, stops and comes back."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from sandbox import wheel
from sandbox.postgres import Postgres
from sandbox.seed import SCRIPTS
from sandbox.state import State

STATEMENT = "select public_address as username from pop.user where satisified_requirement = 'MARKETING_USER'"
PASSWORDS = {script.role: f"{script.role}-m3tro" for script in SCRIPTS} | {"pop_reader": 'it\'s \\ $1 "odd"'}
only_as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root hands PostgreSQL to another account")


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    home = tmp_path_factory.mktemp("postgres")
    server = Postgres(
        wheel.postgres_folder(home), State(home).port("postgres"), PASSWORDS, log_statements=True
    )
    server.start()
    yield server
    server.stop()
    shutil.rmtree(server.folder)


async def test_the_verbatim_statement_finds_the_marketing_users(postgres: Postgres) -> None:
    """1,475 accounts, some of them twice, and none of the others."""
    rows = [row["username"] for row in await ask(postgres, "pop_reader", "game", STATEMENT)]
    assert (len(rows), len(set(rows))) == (1500, 1475)
    assert all(len(address) == 42 and address.startswith("0x") for address in rows)


@pytest.mark.parametrize(
    "statement",
    [
        "insert into pop.user (id, public_address) values (0, '0x')",
        "update pop.user set public_address = '0x'",
        "delete from pop.user",
        "truncate pop.user",
        "create table pop.mine (id int)",
        "create table public.mine (id int)",
        "create temporary table mine (id int)",
    ],
)
async def test_pop_reader_only_reads(postgres: Postgres, statement: str) -> None:
    """The game's own database cannot be changed with the credentials that the process has."""
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await ask(postgres, "pop_reader", "game", statement)


@pytest.mark.parametrize(
    "statement",
    [
        "insert into users (id, coins) values (0, 1)",
        "update users set wallet = '0x'",
        "delete from users",
        "truncate users",
        "create table mine (id int)",
        "create temporary table mine (id int)",
    ],
)
async def test_payout_reader_only_reads(postgres: Postgres, statement: str) -> None:
    """It sees all players and changes none."""
    assert (await ask(postgres, "payout_reader", "players", "select count(*) from users"))[0][
        "count"
    ] == 10_000
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await ask(postgres, "payout_reader", "players", statement)


async def test_metronome_owns_its_database_and_no_other(postgres: Postgres) -> None:
    """It creates tables in `state`; the two roles cannot enter each other's database."""
    await ask(postgres, "metronome", "state", "create table if not exists mine (id int)")
    for role, database in (("metronome", "game"), ("pop_reader", "state")):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await ask(postgres, role, database, "select 1")


async def test_a_password_is_asked_for(postgres: Postgres) -> None:
    """Loopback alone opens nothing."""
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(
            host="127.0.0.1", port=postgres.port, user="metronome", password="x", database="state"
        )


async def test_statements_are_logged_and_passwords_are_not(postgres: Postgres) -> None:
    """What a client ran can be read in the log, with its role; seeding leaves no trace of a password."""
    await ask(postgres, "pop_reader", "game", STATEMENT)
    log = postgres.log.read_text()
    assert any("pop_reader@game" in line and STATEMENT in line for line in log.splitlines())
    assert PASSWORDS["metronome"] not in log
    assert postgres.password not in log


async def test_a_second_start_finds_everything_again(postgres: Postgres) -> None:
    """Data stays over a restart, and seeding twice adds nothing."""
    await ask(postgres, "metronome", "state", "create table kept as select 42 as answer")
    postgres.stop()
    assert not postgres.running()
    assert "database system is shut down" in postgres.log.read_text()
    postgres.start()
    assert postgres.running()
    assert (await ask(postgres, "metronome", "state", "select answer from kept"))[0]["answer"] == 42
    assert postgres.query('select count(*) from pop."user"', "game").strip() == "2000"
    assert postgres.query("select count(*) from public.users", "players").strip() == "10000"


async def test_it_comes_back_after_a_kill(postgres: Postgres) -> None:
    """Killed with -9 it loses nothing that was committed, and the next start just works."""
    await ask(postgres, "metronome", "state", "create table survived as select 1 as one")
    os.kill(int((postgres.folder / "data/postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    postgres.start()
    assert len(await ask(postgres, "metronome", "state", "select * from survived")) == 1


async def test_another_port_moves_the_server(postgres: Postgres, tmp_path: Path) -> None:
    """Who asks for another port gets the server there, not a second one on the same data."""
    moved = Postgres(postgres.folder, State(tmp_path).port("postgres"), PASSWORDS, log_statements=True)
    assert not moved.running()
    moved.start()
    assert (moved.running(), postgres.running()) == (True, False)
    postgres.start()


def test_there_is_no_socket_file(postgres: Postgres) -> None:
    """Only TCP: no path that could be too long, and none in a shared folder."""
    assert postgres.query("show unix_socket_directories").strip() == ""


@only_as_root
def test_root_hands_the_server_to_a_harmless_account(postgres: Postgres) -> None:
    """The data belongs to an ordinary account and only to it; the folders above it are as they were."""
    data = (postgres.folder / "data").stat()
    assert data.st_uid != 0
    assert data.st_mode & 0o077 == 0
    assert postgres.folder.stat().st_uid == 0
    assert (postgres.folder / "password").stat().st_mode & 0o077 == 0


@only_as_root
def test_programs_in_a_private_folder_are_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the account cannot reach the wheel, it gets a copy that runs, and the private folder stays private."""
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    installed = wheel._newest_install()
    shutil.copytree(installed, private / wheel.PACKAGE / installed.name, symlinks=True)
    (private / wheel.PACKAGE / "__init__.py").touch()
    libraries = installed.parents[1] / f"{wheel.PACKAGE}.libs"
    if libraries.exists():
        shutil.copytree(libraries, private / libraries.name)
    monkeypatch.syspath_prepend(private)
    folder = wheel.postgres_folder(tmp_path)
    try:
        found = wheel.programs(wheel.harmless_account(), folder)
        assert found.is_relative_to(folder)
        assert wheel.harmless_account().run([found / "initdb", "--version"]).returncode == 0
        assert private.stat().st_mode & 0o077 == 0
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def ask(postgres: Postgres, role: str, database: str, statement: str) -> list[Any]:
    connection = await asyncpg.connect(
        host="127.0.0.1", port=postgres.port, user=role, password=PASSWORDS[role], database=database
    )
    try:
        return list(await connection.fetch(statement))
    finally:
        await connection.close()
