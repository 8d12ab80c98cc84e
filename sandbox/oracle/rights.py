"""What a role may do with a table: Oracle does not say "not allowed" to somebody who may not know of it."""

from collections.abc import Sequence
from typing import Any

import psycopg

Name = tuple[str, str]  # schema, which is empty if it is not said, and table

_ANY_RIGHT = """
    select bool_or(has_schema_privilege(n.oid, 'usage')
        and (has_table_privilege(c.oid, 'select, insert, update, delete')
            or has_any_column_privilege(c.oid, 'select, insert, update')))
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relname = $1 and case when $2::text = '' then pg_table_is_visible(c.oid) else n.nspname = $2 end
"""


def may_know_of(connection: psycopg.Connection[Any], tables: Sequence[Name]) -> bool:
    """Whether the role has some right to each of the tables; names of subqueries are not looked at."""
    for schema, table in tables:
        row = connection.execute(_ANY_RIGHT, [table, schema]).fetchone()
        if row == (False,):
            return False
    return True
