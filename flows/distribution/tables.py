"""The tables of both databases, as SQLAlchemy Core has them: one description for Oracle and PostgreSQL.

Names are lower case, which both fold to their own. Types say what we bind, not what the bank declared.
"""

from dataclasses import dataclass

from sqlalchemy import Column, Date, DateTime, Integer, MetaData, String, Table


@dataclass(frozen=True)
class Dssb:
    """Registry, both assignment tables and our own ledger (schema.sql)."""

    theories: Table
    control: Table
    target: Table
    run: Table
    fence: Table

    @property
    def assignments(self) -> tuple[Table, Table]:
        """Where users are assigned: control and target."""
        return self.control, self.target


@dataclass(frozen=True)
class Spss:
    """Where the users come from and where the target rows are mirrored."""

    source: Table
    mirror: Table


def dssb(schema: str) -> Dssb:
    """Return the tables of DSSB in `schema`."""
    metadata = MetaData(schema=schema.lower())
    theories = Table(
        "softcollection_theories",
        metadata,
        Column("theory_id", String(50), primary_key=True),
        Column("theory_name", String(255)),
        Column("theory_start_date", DateTime),
        Column("theory_end_date", DateTime),
    )
    return Dssb(
        theories,
        _assignments("sc_local_control", metadata),
        _assignments("sc_local_target", metadata),
        _run(metadata),
        Table("sc_distribution_fence", metadata, Column("kind", String(20), primary_key=True)),
    )


def spss(source: str, mirror: str) -> Spss:
    """Return the tables of SPSS; both names are SCHEMA.TABLE."""
    schema, _, name = source.lower().partition(".")
    users = Table(name, MetaData(schema=schema), Column("iin", String(12)), Column("count_day", Integer))
    schema, _, name = mirror.lower().partition(".")
    return Spss(users, _assignments(name, MetaData(schema=schema)))


def _assignments(name: str, metadata: MetaData) -> Table:
    return Table(
        name,
        metadata,
        Column("iin", String(12), primary_key=True),
        Column("theory_id", String(50), primary_key=True),
        Column("date_start", DateTime),
        Column("date_end", DateTime),
        Column("insert_datetime", DateTime),
        *(Column(f"tab{number}", String(255)) for number in range(1, 6)),
    )


def _run(metadata: MetaData) -> Table:
    numbers = ("rows_read", "rows_blank", "rows_duplicate", "users_excluded", "users_malformed", "users")
    counts = ("users_a", "users_b", "users_c", "users_d", "users_e")
    return Table(
        "sc_distribution_run",
        metadata,
        Column("business_date", Date, primary_key=True),
        Column("kind", String(20), primary_key=True),
        Column("run_id", String(36), nullable=False),
        Column("status", String(12), nullable=False),
        Column("count_day", Integer, nullable=False),
        Column("remainder", String(12)),
        Column("campaign_ids", String(4000)),
        Column("seed", String(64)),
        Column("cohort_digest", String(64)),
        *(Column(name, Integer) for name in (*numbers, *counts)),
        Column("insert_datetime", DateTime),
        Column("checks", String(4000)),
        Column("requested_by", String(200)),
        Column("approved_by", String(200)),
        *(Column(f"{step}_at", DateTime) for step in ("planned", "applied", "completed", "mailed")),
    )
