"""The bank in a campaign: what a day begins with, what both databases hold after it, and what that must be."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import default as modern
from typing import NamedTuple

import httpx

import sandbox

PRODUCT = "SoftCollection"  # the watchdog misses a worker, and mails that, too
SOURCE = "spss_user_dracrm.sc_1_120"
COLUMNS = "iin, theory_id, date_start, date_end, insert_datetime, tab1, tab2, tab3, tab4, tab5"
IS_NEW = "date_end > '2021-01-01'"  # the seed's own rows are older
ROLES = "('dssb_app', 'spss_app', 'metronome')"
IS_SMALL = "count_day < 50"  # day 50 is a large set, of no use here
LEAVERS, COMERS = 20, 30  # of the source, from one attempt to the next


class Row(NamedTuple):
    """A row of an assignment table, its columns as text."""

    user: str
    theory_id: str
    others: tuple[str, ...]

    @property
    def is_control(self) -> bool:
        return self.theory_id.endswith(".1")


@dataclass(frozen=True)
class Held:
    """What there is of one day.

    Attributes:
        ledger: status, users, whether it is told; for each row.
        mails: subject and Message-ID of each that is about the day.
    """

    control: list[Row]
    target: list[Row]
    mirror: list[Row]
    ledger: list[tuple[str, ...]]
    mails: list[tuple[str, str]]

    @property
    def written(self) -> list[Row]:
        """What DSSB has."""
        return [*self.control, *self.target]

    def torn(self, users: frozenset[str]) -> Iterator[str]:
        """Tell what must not be at any moment, not even right after a crash."""
        if len(self.written) not in {0, len(users)}:
            yield f"torn: DSSB holds {len(self.written)} of {len(users)} users"
        if len(self.mirror) not in {0, len(self.target)}:
            yield f"torn: SPSS holds {len(self.mirror)} of {len(self.target)} rows"
        yield from self._misplaced()

    def wrong(self, users: frozenset[str]) -> Iterator[str]:
        """Tell what must not be once a run has completed."""
        if (found := {row.user for row in self.written}) != users:
            yield f"{len(users - found)} users lost, {len(found - users)} too many"
        if Counter(self.mirror) != Counter(self.target):
            yield f"target has {len(self.target)} rows, and the mirror {len(self.mirror)} others"
        yield from self._misplaced()
        if self.ledger != [("completed", str(len(users)), "t")]:
            yield f"the ledger says {self.ledger}"
        if {subject[:1] for subject, _ in self.mails} != {"✅"}:
            yield f"mails: {[subject for subject, _ in self.mails]}"
        if len({message_id for _, message_id in self.mails}) > 1:
            yield "mails of one day that do not look like one"

    def _misplaced(self) -> Iterator[str]:
        for database, rows in (("DSSB", self.written), ("SPSS", self.mirror)):
            if twice := len(rows) - len({row.user for row in rows}):
                yield f"{twice} rows too many for their users in {database}"
        if any(not row.is_control for row in self.control) or any(row.is_control for row in self.target):
            yield "a group in the other's table"
        if any(row.is_control for row in self.mirror) or {row.user for row in self.control} & {
            row.user for row in self.mirror
        }:
            yield "A in the mirror"


class Bank:
    """Both databases and the mail sink, looked at from behind: past every tap."""

    def __init__(self, world: sandbox.World) -> None:
        self._world = world

    def new_day(self) -> None:
        """Forget the day, and what was done to the source."""
        forget_rows = f"delete from dssb_app.sc_local_target where {IS_NEW}"
        self._dssb(f"{forget_rows}; truncate dssb_app.sc_distribution_run, dssb_app.sc_local_control")
        self._spss(f"truncate spss.sc_theory_users; delete from {SOURCE} where {IS_SMALL}")
        self._spss(f"insert into {SOURCE} table pristine")
        self._world.query("delete from metronome.duty where process = 'distribution'", "state")
        httpx.delete(f"{self._world.admin_url}/mail").raise_for_status()

    def change_source(self) -> None:
        """Let some users leave and some come: a plan made now gives everybody another place."""
        chosen = f"select ctid from {SOURCE} where count_day"
        self._spss(f"delete from {SOURCE} where ctid in ({chosen} = 5 order by iin limit {LEAVERS})")
        comers = f"{chosen} between 6 and 49 order by iin limit {COMERS}"
        self._spss(f"update {SOURCE} set count_day = 5 where ctid in ({comers})")

    def users(self) -> frozenset[str]:
        """Return whom a run that reads the source now has to distribute."""
        trimmed = f"select distinct trim(iin) from {SOURCE} where count_day = 5 and trim(iin) <> ''"
        return frozenset(self._spss(trimmed))

    def held(self) -> Held:
        ledger = "select status, users, mailed_at is not null from dssb_app.sc_distribution_run"
        return Held(
            control=list(self._rows("dssb", "dssb_app.sc_local_control")),
            target=list(self._rows("dssb", "dssb_app.sc_local_target")),
            mirror=list(self._rows("spss", "spss.sc_theory_users")),
            ledger=[tuple(line.split("|")) for line in self._dssb(ledger)],
            mails=list(self._mails()),
        )

    def is_let_go(self) -> bool:
        """Tell whether no session of ours is left, and with it no lock."""
        left = f"select 1 from pg_stat_activity where usename in {ROLES}"
        return not self._world.query(left, "state").strip()

    def end_sessions(self, role: str) -> None:
        """End all sessions of a role, from the database's side."""
        self._world.query(
            f"select pg_terminate_backend(pid) from pg_stat_activity where usename = '{role}'", "state"
        )

    def _rows(self, database: str, table: str) -> Iterator[Row]:
        for line in self._world.query(f"select {COLUMNS} from {table} where {IS_NEW}", database).splitlines():
            user, theory_id, *others = line.split("|")
            yield Row(user, theory_id, tuple(others))

    def _mails(self) -> Iterator[tuple[str, str]]:
        for path in sorted((self._world.home / "mail").glob("*.eml")):
            mail = message_from_bytes(path.read_bytes(), policy=modern)
            if PRODUCT in mail["Subject"]:
                yield mail["Subject"], mail["Message-ID"]

    def _dssb(self, statement: str) -> list[str]:
        return self._world.query(statement, "dssb").splitlines()

    def _spss(self, statement: str) -> list[str]:
        return self._world.query(statement, "spss").splitlines()


@contextmanager
def restored(world: sandbox.World) -> Iterator[Bank]:
    """Yield the bank, and leave it as if nothing had been."""
    bank = Bank(world)
    world.query(f"create table pristine as select * from {SOURCE} where {IS_SMALL}", "spss")
    try:
        yield bank
    finally:
        bank.new_day()
        world.query("drop table pristine", "spss")
