"""Statements about transactions, locks and sessions: few, and always of the same form."""

import re
from dataclasses import dataclass

from sandbox.oracle.errors import OracleError
from sandbox.oracle.rights import Name

_LOCK_MODES = "ROW SHARE|ROW EXCLUSIVE|SHARE|SHARE ROW EXCLUSIVE|EXCLUSIVE"
_LEVELS = "READ COMMITTED|SERIALIZABLE"
_FORMS = (
    (r"COMMIT( WORK)?", "commit", ""),
    (r"ROLLBACK( WORK)?", "rollback", ""),
    (r"SAVEPOINT (?P<name>\w+)", "savepoint", "SAVEPOINT {name}"),
    (r"ROLLBACK( WORK)? TO( SAVEPOINT)? (?P<name>\w+)", "rollback to", "ROLLBACK TO SAVEPOINT {name}"),
    (
        rf"LOCK TABLE (?P<table>[\w.$\"]+) IN (?P<mode>{_LOCK_MODES}) MODE(?P<nowait> NOWAIT)?",
        "lock",
        "LOCK TABLE {table} IN {mode} MODE{nowait}",
    ),
    (r"SET TRANSACTION READ ONLY", "set", "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"),
    (
        rf"SET TRANSACTION ISOLATION LEVEL (?P<level>{_LEVELS})",
        "set",
        "SET TRANSACTION ISOLATION LEVEL {level}",
    ),
    (
        rf"ALTER SESSION SET ISOLATION_LEVEL ?= ?(?P<level>{_LEVELS})",
        "session",
        "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL {level}",
    ),
)
_COMPILED = tuple((re.compile(form, re.IGNORECASE), kind, template) for form, kind, template in _FORMS)


@dataclass(frozen=True)
class Control:
    """`sql` is PostgreSQL's."""

    kind: str
    sql: str
    tables: tuple[Name, ...] = ()


def control(sql: str) -> Control | None:
    """Return the statement if it is one of these.

    >>> control("lock table SC_local_target  in exclusive mode nowait").sql
    'LOCK TABLE sc_local_target IN EXCLUSIVE MODE NOWAIT'

    Raises:
        OracleError: PL/SQL, or a setting that nobody needed so far.
    """
    text = " ".join(sql.split())
    for form, kind, template in _COMPILED:
        found = form.fullmatch(text)
        if found:
            words = {name: (word or "").upper() for name, word in found.groupdict().items()}
            table = _folded(found["table"]) if "table" in words else ""
            tables = (_name(table),) if table else ()
            return Control(kind, template.format(**words | {"table": table}), tables)
    first = text.partition(" ")[0].upper()
    if first in {"BEGIN", "DECLARE", "CALL"}:
        raise OracleError(6550)
    if text.upper().startswith("ALTER SESSION"):
        raise OracleError(2248)
    return None


def _folded(name: str) -> str:
    """Turn a table's name into PostgreSQL's case: see translate."""
    return name.lower() if '"' not in name else name.swapcase()


def _name(table: str) -> Name:
    schema, _, name = table.replace('"', "").rpartition(".")
    return schema, name
