"""The bank's two databases, on two PostgreSQL servers of their own, and the sandbox around them.

The first server is the sandbox's own: DSSB is on it, our state, and (behind Oracle's stand-in) an SPSS too. The
second has the SPSS of all other measurements. Tables, keys and rights: sandbox/dssb.sql and sandbox/spss.sql.
"""

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

import sandbox
from deployments.surroundings import free_port
from sandbox.postgres import SUPERUSER, Postgres
from sandbox.seed import SCRIPTS
from sandbox.state import LOOPBACK, State
from sandbox.wheel import postgres_folder
from sandbox.world import services

CAMPAIGNS = 10
SOURCE = "spss_user_dracrm.sc_1_120"
WRITTEN = {
    "dssb": ("dssb_app.sc_local_control", "dssb_app.sc_local_target"),
    "spss": ("spss.sc_theory_users",),
}

_REGISTRY = f"""
    truncate dssb_app.softcollection_theories;
    insert into dssb_app.softcollection_theories
    select 'SC' || lpad(campaign::text, 8, '0') || '.' || part, 'Campaign ' || campaign,
           current_date - 10, current_date + 20
    from generate_series(1, {CAMPAIGNS}) as campaign, generate_series(1, 5) as part
"""
# Birth dates of 1950-2009 and a number within the date: no two alike, and not in the identifiers' order.
# Each hundredth user comes twice, and there is a row without a user for each thousand.
_USERS = f"""
    truncate {SOURCE};
    insert into {SOURCE}
    select to_char(born, 'YYMMDD') || case when born < date '2000-01-01' then 3 else 5 end + n % 2
           || lpad((n / 21900)::text, 5, '0'), 5
    from (select n, date '1950-01-01' + (n::bigint * 7919 % 21900)::int as born
          from generate_series(1, {{users}}) as n) as people,
         generate_series(1, case when n % 100 = 0 then 2 else 1 end)
    union all select null, 5 from generate_series(1, {{users}} / 1000)
"""


class WrongRows(Exception):
    """The tables do not hold what is written for so many users, so nothing that was measured counts."""


class Banks:
    """What is in both databases, and the environments that point Blocks at them.

    Attributes:
        home: a folder for whoever measures.
        servers: by the database that we use on them.
        admin_url: the sandbox's page, with the stand-in's log.
        oracle: the environment with both databases behind the stand-in.
        postgres: the environment with PostgreSQL itself.
    """

    def __init__(self, home: Path, world: sandbox.World, first: Postgres, second: Postgres) -> None:
        self.home = home
        self.servers = {"dssb": first, "spss": second}
        self.admin_url, self.oracle = world.admin_url, world.env
        self.postgres = dict(world.env)
        for database, ours in (("dssb", "ORACLE_"), ("spss", "SPSS_ORACLE_")):
            places = self.servers[database].describe()
            found = {name: value for place in places for name, value in place.env.items()}
            theirs = f"{database.upper()}_POSTGRES_"
            self.postgres |= {
                ours + name: found[theirs + name] for name in ("USER", "PASSWORD", "HOST", "PORT")
            }
            self.postgres |= {f"{ours}SID": database, f"{ours}DIALECT": "postgresql"}

    def dsn(self, database: str) -> str:
        """Return the superuser's address of a database: only he may let the server read files."""
        server = self.servers[database]
        return f"postgresql://{SUPERUSER}:{server.password}@{LOOPBACK}:{server.port}/{database}"

    def fill(self, users: int, server: str = "spss") -> None:
        """Give the SPSS on a server so many users of the day, and the registry its campaigns."""
        self.servers["dssb"].query(_REGISTRY, "dssb")
        self.servers[server].query(_USERS.format(users=users), "spss")
        self.servers[server].query(f"vacuum analyze {SOURCE}", "spss")

    def clear(self) -> None:
        """Empty what a day writes, and let no checkpoint of the past fall into the next measurement."""
        for server in self.servers.values():
            for database, tables in WRITTEN.items():
                server.query(f"truncate {', '.join(tables)}", database)
            server.query("truncate dssb_app.sc_distribution_run", "dssb")
            server.query("checkpoint")

    def keep_files(self) -> None:
        """Let each server write its own tables' rows into files, in the order of the key."""
        for database, tables in WRITTEN.items():
            for table, form in product(tables, ("text", "binary")):
                rows = f"select * from {table} order by iin, theory_id"
                file = self.file(database, table, form)
                self.servers[database].query(f"copy ({rows}) to '{file}' (format {form})", database)

    def file(self, database: str, table: str, form: str) -> Path:
        """Return where `keep_files` puts a table's rows: only the server's own account may go there."""
        return self.servers[database].folder / "data" / f"{table}.{form}"

    def check(self, users: int, mirror_on: str = "spss") -> None:
        """Count what is there now.

        Raises:
            WrongRows: it is not the rows of so many users.
        """
        servers = {"dssb": self.servers["dssb"], "spss": self.servers[mirror_on]}
        control, target, mirror = (
            int(servers[database].query(f"select count(*) from {table}", database))
            for database, tables in WRITTEN.items()
            for table in tables
        )
        if not control + target == control + mirror == users:
            raise WrongRows(
                f"{users} users: {control} in control, {target} in target, {mirror} in the mirror"
            )


@contextmanager
def open_banks() -> Iterator[Banks]:
    """Start everything, in folders that are gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="mn-bench-"))
    home.chmod(0o755)  # PostgreSQL refuses root and runs as somebody else then, who must get in
    passwords = {script.role: secrets.token_urlsafe(18) for script in SCRIPTS}
    second = Postgres(postgres_folder(home / "second"), free_port(), passwords)
    try:
        world = sandbox.up(home / "world")
        first, *_ = services(State.load(home / "world"))
        assert isinstance(first, Postgres)
        second.start()
        yield Banks(home, world, first, second)
    finally:
        second.stop()
        sandbox.down(home / "world")
        for folder in (second.folder, postgres_folder(home / "world"), home):
            shutil.rmtree(folder, ignore_errors=True)
