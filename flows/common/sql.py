"""Named SQL statements: `-- name: some_statement` above each, in the process's own .sql file."""

import re
from importlib import resources

from sqlalchemy import TextClause, text

_NAME = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


def statements(package: str, file: str = "queries.sql") -> dict[str, TextClause]:
    """Return the statements of `package`'s file by name; parameters are bound, written `:name`.

    Raises:
        ValueError: the file has no named statement, or a name twice.
    """
    _, *parts = _NAME.split(script(package, file))
    names, bodies = parts[::2], parts[1::2]
    if not names or len(set(names)) != len(names):
        raise ValueError(f"{package}/{file}: every statement needs a name of its own (`-- name: …`)")
    return {name: text(body.strip().rstrip(";")) for name, body in zip(names, bodies, strict=True)}


def script(package: str, file: str = "schema.sql") -> str:
    """Return the text of an SQL file that is shipped with `package`."""
    return (resources.files(package) / file).read_text("utf-8")
