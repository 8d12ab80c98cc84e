"""An embedded PostgreSQL on loopback: password only, no socket, a data folder of its own."""

import os
import secrets
import shlex
import shutil
from functools import cached_property
from pathlib import Path

import psutil  # type: ignore[import-untyped, unused-ignore]
import psycopg

from sandbox import wheel
from sandbox.seed import SCRIPTS, Script
from sandbox.service import Place, SandboxError
from sandbox.state import LOOPBACK, write_private

SUPERUSER = "postgres"
SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "fsync": "off",  # a sandbox may lose its data with the machine, not with a killed process
    "full_page_writes": "off",
    "log_line_prefix": "%m [%p] %u@%d ",
    "timezone": "UTC",
}


class Postgres:
    """One server; start and stop from any process, as all it knows lies in `folder`.

    Args:
        folder: the server's own folder: `data`, `postgres.log`, the superuser's password.
        port: TCP port on 127.0.0.1.
        passwords: of the roles in `seed`; the role's name is the key.
        log_statements: write every statement of every client to `log`.
    """

    def __init__(
        self, folder: Path, port: int, passwords: dict[str, str], *, log_statements: bool = False
    ) -> None:
        self.folder, self.port, self.passwords = folder, port, passwords
        self.log = folder / "postgres.log"
        self.log_statements = log_statements
        self._data = folder / "data"
        self._account = wheel.harmless_account()

    @property
    def password(self) -> str:
        """The superuser's, made up when the data folder is."""
        return (self.folder / "password").read_text()

    def running(self) -> bool:
        """Whether this data folder's server is alive on this very port."""
        return self._alive() and self._pid_file()[3] == str(self.port)

    def start(self) -> None:
        """Start and seed; the first time also initialise, which takes about half a second more."""
        self._make_folder()
        if not self._data.exists():
            self._initialise()
        self._make_way()
        self._pg_ctl("start", "--log", str(self.log), "--options", shlex.join(self._options()))
        for script in SCRIPTS:
            self._apply(script)

    def stop(self) -> None:
        try:
            self._pg_ctl("stop", "--mode", "fast")
        except SandboxError:
            if self._alive():  # else it died on its own meanwhile
                raise

    def describe(self) -> list[Place]:
        return [
            Place("postgres", f"postgresql://{script.role}@{LOOPBACK}:{self.port}/{script.database}", {
                f"{script.variables}_USER": script.role,
                f"{script.variables}_PASSWORD": self.passwords[script.role],
                f"{script.variables}_HOST": LOOPBACK,
                f"{script.variables}_PORT": str(self.port),
                f"{script.variables}_NAME": script.database,
            })
            for script in SCRIPTS
        ]  # fmt: skip

    def query(self, statement: str, database: str = SUPERUSER) -> str:
        """What a statement answers to the superuser, unaligned, without a header."""
        return self._psql(database, "--tuples-only", "--no-align", "--command", statement)

    def _apply(self, script: Script) -> None:
        exists = self.query(f"select 1 from pg_database where datname = '{script.database}'")
        if not exists.strip():
            self.query(f"create database {script.database}")
        self._psql(script.database, "--file", str(script.path), ROLE_PASSWORD=self.passwords[script.role])
        if script.seed:
            conninfo = f"host={LOOPBACK} port={self.port} dbname={script.database} user={SUPERUSER}"
            with psycopg.connect(conninfo, password=self.password) as database:
                script.seed(database)

    def _psql(self, database: str, *arguments: str, **env: str) -> str:
        """Run psql as ourselves; secrets go neither into its arguments nor into the statement log."""
        server = {"PGHOST": LOOPBACK, "PGPORT": str(self.port), "PGDATABASE": database}
        login = {"PGUSER": SUPERUSER, "PGPASSWORD": self.password, "PGOPTIONS": "-c log_statement=none"}
        command: list[str | Path] = [
            self._bin / "psql",
            "--no-psqlrc",
            "--quiet",
            "--set=ON_ERROR_STOP=1",
            *arguments,
        ]
        done = wheel.Account().run(command, **server, **login, **env)
        if done.returncode:
            raise SandboxError(f"psql failed in database {database}: {done.stdout.strip()}")
        return done.stdout

    @cached_property
    def _bin(self) -> Path:
        return wheel.programs(self._account, self.folder)

    def _make_way(self) -> None:
        """Stop our server on another port; a dead one's note would keep the next from starting while a zombie."""
        if self._alive():
            self.stop()
        (self._data / "postmaster.pid").unlink(missing_ok=True)

    def _make_folder(self) -> None:
        """Everybody may pass through, nobody but us may write: the data folder inside is private."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.folder.is_symlink() or self.folder.stat().st_uid != os.geteuid():
            raise SandboxError(f"{self.folder} belongs to somebody else: remove it, or use another --home")
        self.folder.chmod(0o711)
        self.log.touch(mode=0o600)
        self._account.give(self.log)

    def _initialise(self) -> None:
        """All or nothing: the data folder gets its name when it is complete."""
        fresh, handed = self.folder / "data.new", self.folder / "password.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        write_private(self.folder / "password", secrets.token_urlsafe(18))
        write_private(handed, self.password)
        self._account.give(fresh)
        self._account.give(handed)
        self._run(
            "initdb", "--pgdata", fresh, "--username", SUPERUSER, "--auth", "scram-sha-256",
            "--pwfile", handed, "--encoding", "UTF8", "--locale", "C", "--no-sync",
        )  # fmt: skip
        handed.unlink()
        fresh.rename(self._data)

    def _pg_ctl(self, *arguments: str | Path) -> None:
        self._run("pg_ctl", *arguments, "--pgdata", self._data, "--wait", "--timeout", "30")

    def _run(self, program: str, *arguments: str | Path) -> None:
        done = self._account.run([self._bin / program, *arguments])
        if done.returncode:
            raise SandboxError(f"{program} failed (more in {self.log}): {done.stdout.strip()}")

    def _options(self) -> list[str]:
        logged = "all" if self.log_statements else "none"
        settings = SETTINGS | {"port": str(self.port), "log_statement": logged}
        return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]

    def _pid_file(self) -> list[str]:
        """PostgreSQL's own note; the lines are pid, data folder, start, port and more."""
        return (self._data / "postmaster.pid").read_text().splitlines()

    def _alive(self) -> bool:
        """The server works inside its data folder, so a reused pid is told from it."""
        try:
            return Path(psutil.Process(int(self._pid_file()[0])).cwd()) == self._data.resolve()
        except (OSError, IndexError, ValueError, psutil.Error):
            return False
