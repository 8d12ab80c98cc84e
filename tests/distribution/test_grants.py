"""The rights that the page asks the banks for are those of the sandbox, with which all other tests run: no more."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from deployments.surroundings import REPOSITORY
from sandbox import World
from tests.distribution.bank import CONTROL, FENCE, MIRROR, REGISTRY, RUN, SOURCE, TARGET

GRANT = re.compile(r"^grant ([a-z, ]+) on (\S+) to our_user;", re.MULTILINE)
HELD = """
    select table_schema || '.' || table_name, lower(privilege_type) from information_schema.role_table_grants
    where grantee = current_user
"""

Connect = Callable[[str], psycopg.Connection[Any]]


def role_of(world: World, database: str) -> dict[str, str]:
    names = ("HOST", "PORT", "USER", "PASSWORD")
    return {name.lower(): world.env[f"{database.upper()}_POSTGRES_{name}"] for name in names}


@pytest.fixture
def connect(world: World) -> Iterator[Connect]:
    """Opens a session as the role of a database, `dssb` or `spss`."""
    with ExitStack() as opened:

        def session(database: str) -> psycopg.Connection[Any]:
            return opened.enter_context(closing(psycopg.connect(dbname=database, **role_of(world, database))))

        yield session


def test_the_pages_grants_are_the_sandboxs(connect: Connect) -> None:
    """What the page tells the banks' owners to grant is what the roles of the tests have, right by right."""
    page = (REPOSITORY / "docs" / "distribution.md").read_text("utf-8").lower()
    asked = {(table, right) for rights, table in GRANT.findall(page) for right in rights.split(", ")}
    held = {row for database in ("dssb", "spss") for row in connect(database).execute(HELD)}
    assert len(asked) > 10
    assert held == asked


FORBIDDEN = {
    "dssb": [
        *(f"update {table} set tab1 = ''" for table in (CONTROL, TARGET)),
        *(f"delete from {table}" for table in (CONTROL, TARGET, REGISTRY, RUN, FENCE)),
        *(f"truncate {table}" for table in (CONTROL, TARGET, REGISTRY, RUN, FENCE)),
        f"insert into {REGISTRY} (theory_id) values ('SC1.1')",
        f"update {REGISTRY} set theory_end_date = null",
        "create table dssb_app.ours (id int)",
        "create schema ours",
    ],
    "spss": [
        f"insert into {SOURCE} (iin) values ('1')",
        f"update {SOURCE} set count_day = 0",
        f"update {MIRROR} set tab1 = ''",
        *(f"delete from {table}" for table in (SOURCE, MIRROR)),
        *(f"truncate {table}" for table in (SOURCE, MIRROR)),
        "create table spss.ours (id int)",
    ],
}


@pytest.mark.parametrize(
    ("database", "statement"),
    [(database, statement) for database, statements in FORBIDDEN.items() for statement in statements],
)
def test_the_roles_may_add_and_never_change(connect: Connect, database: str, statement: str) -> None:
    """No assignment is changed or removed, the banks' own tables are not written, nothing is created."""
    with pytest.raises(InsufficientPrivilege):
        connect(database).execute(statement.encode())


@pytest.mark.parametrize(("database", "other"), [("dssb", "spss"), ("spss", "dssb")])
def test_a_role_gets_into_its_own_database_only(world: World, database: str, other: str) -> None:
    """Each Block's login is of no use in the other database."""
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(dbname=other, **role_of(world, database))
