"""The bank of the tests: two databases whose rows a test sets and reads past everything, faults, and mails."""

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from prefect import tags
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from psycopg.rows import dict_row

from deployments import blocks
from flows.distribution.flow import distribution
from flows.distribution.tasks import ALMATY
from sandbox import World
from sandbox.oracle import Fault
from sandbox.oracle.faults import Faults
from sandbox.postgres import SUPERUSER
from sandbox.state import LOOPBACK
from sandbox.state import State as Kept

Row = dict[str, Any]
Session = psycopg.Connection[Row]

REGISTRY = "dssb_app.softcollection_theories"
CONTROL, TARGET = "dssb_app.sc_local_control", "dssb_app.sc_local_target"
RUN, FENCE = "dssb_app.sc_distribution_run", "dssb_app.sc_distribution_fence"
SOURCE, MIRROR = "spss_user_dracrm.sc_1_120", "spss.sc_theory_users"
CAMPAIGNS = ("SC00000001", "SC00000002", "SC00000003")
USERS = 167
NO_RUN = f"{'0' * 8}-0000-0000-0000-{'0' * 12}"
CAMPAIGN_PEOPLE = "campaigns@sandbox.example, analyst@sandbox.example"
FILLED = ("dssb-db", "spss-db", "state-db", "mail", "campaign-mail", "distribution-settings")

by_both = pytest.mark.parametrize("backend", ["postgresql", "oracle"], indirect=True)

# What the seeds made is kept aside once, and put back before every test.
RESETS = {
    "dssb": f"""
        set lock_timeout = '20s';
        create schema if not exists seeded;
        create table if not exists seeded.theories as table {REGISTRY};
        create table if not exists seeded.target as table {TARGET};
        truncate {REGISTRY}, {CONTROL}, {TARGET}, {RUN};
        insert into {REGISTRY} table seeded.theories;
        insert into {TARGET} table seeded.target;
        alter role dssb_app set log_statement = 'all';
    """,
    "spss": f"""
        set lock_timeout = '20s';
        create schema if not exists seeded;
        create table if not exists seeded.users as select * from {SOURCE} where count_day = 5;
        delete from {SOURCE} where count_day in (5, 6);
        insert into {SOURCE} table seeded.users;
        truncate {MIRROR};
        alter role spss_app set log_statement = 'all';
    """,
    "state": "truncate metronome.duty",
}
# A statement as PostgreSQL logs it; its other lines are indented.
_LOGGED = re.compile(
    r"^\S+ \S+ \S+ \[\d+\] \w+@(\w+) LOG:  (?:statement|execute [^:]+): (.*(?:\n\t.*)*)", re.MULTILINE
)


def today() -> date:
    return datetime.now(ALMATY).date()


@dataclass
class Bank:
    """DSSB, SPSS and the mail sink.

    Attributes:
        backend: how the flow reaches the databases: postgresql or oracle.
        env: the variables that fill the Blocks for it.
        faults: of the lines to PostgreSQL; see `fault`.
    """

    world: World
    backend: str
    env: dict[str, str]
    faults: Faults = field(default_factory=Faults)

    def __post_init__(self) -> None:
        self._log_begins = self._log_file.stat().st_size
        self._sessions: dict[str, Session] = {}

    def close(self) -> None:
        for session in self._sessions.values():
            session.close()

    def reset(self) -> None:
        """Nobody assigned, nothing mirrored, no day, no mail, no fault; users and campaigns as they were seeded."""
        for database, script in RESETS.items():
            self.rows(script, database)
        self.mend()
        self.ask("DELETE", "mail")
        self.forget_log()

    # ── Rows, as the superuser sees them ─────────────────────────────────────────────────────────

    def rows(self, statement: str, database: str = "dssb") -> list[Row]:
        answer = self._session(database).execute(statement.encode())
        return answer.fetchall() if answer.description else []

    def _session(self, database: str) -> Session:
        if database not in self._sessions:
            self._sessions[database] = self.superuser(database)
        return self._sessions[database]

    def superuser(self, database: str) -> Session:
        """Connect with every right."""
        password = Path(self._postgres, "password").read_text()
        port = self.world.env["DSSB_POSTGRES_PORT"]
        return psycopg.connect(
            host=LOOPBACK, port=port, user=SUPERUSER, password=password, dbname=database, autocommit=True,
            row_factory=dict_row,
        )  # fmt: skip

    @contextmanager
    def locked(self, table: str, database: str) -> Iterator[None]:
        """Keep everybody from a table."""
        with closing(self.superuser(database)) as session, session.transaction():
            session.execute(f"lock table {table} in access exclusive mode".encode())
            yield

    @property
    def control(self) -> list[Row]:
        return self.rows(f"select * from {CONTROL} order by iin")

    @property
    def target(self) -> list[Row]:
        """Without the rows of 2020, which the seeds put there."""
        return self.rows(f"select * from {TARGET} where insert_datetime > '2021-01-01' order by iin")

    @property
    def mirror(self) -> list[Row]:
        return self.rows(f"select * from {MIRROR} order by iin", "spss")

    @property
    def days(self) -> list[Row]:
        return self.rows(f"select * from {RUN} order by business_date")

    @property
    def counts(self) -> tuple[int, int, int]:
        """Rows in control, target and mirror."""
        return len(self.control), len(self.target), len(self.mirror)

    @property
    def source(self) -> set[str]:
        """The users of day 5, as they are to be written."""
        wanted = "count_day = 5 and trim(iin) <> ''"
        return {
            row["iin"] for row in self.rows(f"select trim(iin) as iin from {SOURCE} where {wanted}", "spss")
        }

    def set_users(self, iins: Iterable[str | None], count_day: int = 5) -> None:
        """Replace the users of a day; None is a row without anybody."""
        values = [{"iin": iin, "count_day": count_day} for iin in iins]
        self.rows(
            f"delete from {SOURCE} where count_day = {count_day}; insert into {SOURCE} select iin, count_day "
            f"from json_populate_recordset(null::{SOURCE}, {quoted(json.dumps(values))})",
            "spss",
        )

    def set_campaigns(self, *bases: str, start: int = 0, end: int = 0) -> None:
        """Replace the registry: campaigns that run from so many days after today until so many."""
        days = (f"date '{today() + timedelta(days=distance)}'" for distance in (start, end))
        named = ", ".join(f"('{base}')" for base in bases) or "(null)"
        self.rows(
            f"truncate {REGISTRY}; insert into {REGISTRY} select id || '.' || n, 'Кампания ' || id, {', '.join(days)} "
            f"from (values {named}) as base (id), generate_series(1, 5) as n where id is not null"
        )

    # ── What the databases saw ───────────────────────────────────────────────────────────────────

    @property
    def log(self) -> list[tuple[str, str]]:
        """Database and statement of all that was asked, from the backend's own log."""
        if self.backend == "oracle":
            entries = self.ask("GET", "oracle/log")
            return [(entry["database"].lower(), entry["sql"] or entry["kind"]) for entry in entries]
        with self._log_file.open() as log:
            log.seek(self._log_begins)
            return _LOGGED.findall(log.read())

    def forget_log(self) -> None:
        self._log_begins = self._log_file.stat().st_size
        self.ask("DELETE", "oracle/log")

    @property
    def _log_file(self) -> Path:
        return self._postgres / "postgres.log"

    @property
    def _postgres(self) -> Path:
        return Path(Kept.load(self.world.home).folders["postgres"])

    # ── Faults ───────────────────────────────────────────────────────────────────────────────────

    def fault(self, database: str, kind: str, **other: Any) -> None:
        """Let a database's line fail; see `sandbox.oracle.Fault`, of whose kinds PostgreSQL knows the drops."""
        fault = Fault.model_validate({"database": database, "kind": kind, **other})
        if self.backend == "oracle":
            self.ask("POST", "oracle/fault", fault.model_dump())
        else:
            self.faults.add(fault)

    def is_down(self, database: str) -> None:
        """Let nobody in from now on."""
        self.fault(database, "drop_before", on="login", times=None)

    def mend(self) -> None:
        """End all faults."""
        self.faults.clear()
        self.ask("DELETE", "oracle/fault")
        self.ask("DELETE", "mail/refuse")

    @contextmanager
    def without(self, database: str, statement: str, undo: str) -> Iterator[None]:
        """Change something about a database for the body's time."""
        self.rows(statement, database)
        try:
            yield
        finally:
            self.rows(undo, database)

    async def fill(self, **variables: str) -> None:
        """Fill the Blocks as `make apply` does, with some variables changed; called again, with none."""
        async with get_client() as client:
            for name, block in blocks.build(self.env | variables).items():
                if name in FILLED:
                    await blocks.save(client, name, block)

    # ── Mails ────────────────────────────────────────────────────────────────────────────────────

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = httpx.request(method, f"{self.world.admin_url.rstrip('/')}/{path}", json=body)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    @property
    def all_letters(self) -> list[EmailMessage]:
        """The mails, first to last; those to the operator, too."""
        files = sorted((self.world.home / "mail").glob("*.eml"))
        return [message_from_bytes(file.read_bytes(), EmailMessage, policy=modern) for file in files]

    @property
    def letters(self) -> list[EmailMessage]:
        """The mails to the campaigns' people."""
        return [letter for letter in self.all_letters if letter["To"] == CAMPAIGN_PEOPLE]

    @property
    def subjects(self) -> list[str]:
        return [str(letter["Subject"]) for letter in self.letters]


async def daily(**parameters: Any) -> State[Any]:
    """Run the flow as the schedule does, and return the state in which it ends."""
    with tags("auto-scheduled"):
        state: State[Any] = await distribution(**parameters, return_state=True)
    return state


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def renamed(table: str, database: str) -> tuple[str, str, str]:
    """Return database, statement and its undoing, for `Bank.without`: a table is gone."""
    schema, _, name = table.partition(".")
    there, back = (
        f"alter table {table} rename to {name}_gone",
        f"alter table {schema}.{name}_gone rename to {name}",
    )
    return database, there, back


def padded(table: str, database: str) -> tuple[str, str, str]:
    """The same: its owner declared CHAR columns, which fill texts up with blanks."""
    declare = f"alter table {table} alter iin type {{0}}(12), alter theory_id type {{0}}(50)"
    return database, declare.format("char"), declare.format("varchar")


def keyed(somebody: str) -> tuple[str, str, str]:
    """The same: DSSB has a key that we do not know of, and a row of somebody's under it."""
    there, back = [], []
    for table in (CONTROL, TARGET):
        key = f"{table.partition('.')[2]}_owners_key"
        there.append(f"insert into {table} (iin, theory_id) values ('{somebody}', 'OLD')")
        there.append(f"create unique index {key} on {table} (iin)")
        back.append(f"drop index dssb_app.{key}; delete from {table} where theory_id = 'OLD'")
    return "dssb", "; ".join(there), "; ".join(back)


def garbled(somebody: str) -> tuple[str, str, str]:
    """The same: a ledger whose numbers are texts, with today's row, which says who somebody is."""
    there = (
        f"alter table {RUN} alter users_a type varchar(40); "
        f"insert into {RUN} (business_date, kind, run_id, status, count_day, users_a) "
        f"values ('{today()}', 'daily', '{NO_RUN}', 'skipped', 5, 'not {somebody}')"
    )
    return "dssb", there, f"truncate {RUN}; alter table {RUN} alter users_a type integer using null"


def revoked(right: str, table: str, database: str) -> tuple[str, str, str]:
    """The same: our role has lost a right."""
    role = f"{database}_app"
    return database, f"revoke {right} on {table} from {role}", f"grant {right} on {table} to {role}"
