"""What a listener has to offer: databases, their users, and what was asked of them."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Login:
    """An Oracle user's password, and the PostgreSQL role whose rights he has."""

    password: str
    role: str
    role_password: str


@dataclass(frozen=True)
class Database:
    """A PostgreSQL database that poses as an Oracle one; dialect.sql must have been run in it.

    Attributes:
        conninfo: PostgreSQL's, without user: "host=127.0.0.1 port=5432 dbname=dssb".
        service: the service name; the SID is the key in the server's `databases`.
        users: by name in upper case; an unqualified table is looked up in the schema of that name, in lower case.
        variables: prefix of the environment variables that point a Block at it as its first user, if any.
    """

    conninfo: str
    service: str
    users: Mapping[str, Login]
    variables: str = ""


@dataclass(frozen=True)
class Entry:
    """One thing that a client had done; values never.

    Attributes:
        session: a number for each login.
        kind: login, select, dml, ddl, lock, savepoint, rollback to, set, session, commit, rollback, logoff; or
            refused, for what is no SQL of Oracle's, or not spoken here.
        bound: rows of values that came with it.
        rows: affected, or found.
        error: the ORA code, 0 for none; of array DML with batch errors 24381.
    """

    database: str
    user: str
    session: int
    kind: str
    sql: str = ""
    bound: int = 0
    rows: int = 0
    error: int = 0


Log = list[Entry]
