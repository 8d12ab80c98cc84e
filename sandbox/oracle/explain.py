"""Which of Oracle's errors a PostgreSQL error stands for."""

import logging
import re

import psycopg

from sandbox.oracle.errors import OracleError

LOG = logging.getLogger("sandbox.oracle")
LINE_LOST, NOT_THOUGHT_OF = 3113, 600
BY_SQLSTATE = {
    "0A000": 3001,  # feature_not_supported
    "21000": 1427,  # cardinality_violation
    "22001": 12899,  # string_data_right_truncation
    "22003": 1438,  # numeric_value_out_of_range
    "22007": 1861,  # invalid_datetime_format
    "22008": 1861,  # datetime_field_overflow
    "22012": 1476,  # division_by_zero
    "22P02": 1722,  # invalid_text_representation
    "23502": 1400,  # not_null_violation
    "23503": 2291,  # foreign_key_violation
    "23505": 1,  # unique_violation
    "23514": 2290,  # check_violation
    "25006": 1456,  # read_only_sql_transaction
    "3B001": 1086,  # invalid_savepoint_specification
    "3F000": 942,  # invalid_schema_name
    "40001": 8177,  # serialization_failure
    "40P01": 60,  # deadlock_detected
    "42501": 1031,  # insufficient_privilege
    "42601": 900,  # syntax_error
    "42701": 957,  # duplicate_column
    "42702": 918,  # ambiguous_column
    "42703": 904,  # undefined_column
    "42710": 955,  # duplicate_object
    "42725": 932,  # ambiguous_function
    "42803": 979,  # grouping_error
    "42804": 932,  # datatype_mismatch
    "42846": 932,  # cannot_coerce
    "42883": 932,  # undefined_function: unknown ones are refused before, so the types do not fit
    "42P01": 942,  # undefined_table
    "42P08": 932,  # ambiguous_parameter
    "42P07": 955,  # duplicate_table
    "42P18": 932,  # indeterminate_datatype
    "55P03": 54,  # lock_not_available
    "57014": 1013,  # query_canceled
    "P0002": 1403,  # no_data_found
}
BY_VERB = {("23502", "UPDATE"): 1407, ("23503", "DELETE"): 2292}


def explain(error: psycopg.Error, verb: str) -> OracleError:
    """Return the error that Oracle would have raised.

    Args:
        error: PostgreSQL's.
        verb: first word of the statement that failed.
    """
    state = error.sqlstate or ""
    code = BY_VERB.get((state, verb)) or BY_SQLSTATE.get(state)
    if code is None and (state[:2] in {"08", "57"} or isinstance(error, psycopg.OperationalError)):
        return OracleError(LINE_LOST)
    if code is None:
        LOG.error("PostgreSQL's SQLSTATE %s has no counterpart: add it to sandbox/oracle/explain.py", state)
        return OracleError(NOT_THOUGHT_OF, f"PostgreSQL {state}")
    if state == "23505":
        return OracleError(code, text=_duplicate(error.diag))
    return OracleError(code, _subject(state, error.diag))


def _duplicate(diag: psycopg.errors.Diagnostic) -> str:
    """Two lines, as from 23 on: the second holds the key's values, and whoever logs it betrays them."""
    schema, table, constraint = map(_named, (diag.schema_name, diag.table_name, diag.constraint_name))
    columns, values = _key(diag.message_detail or "")
    on = f"on table {schema}.{table} columns ({', '.join(columns)})"
    first = f"unique constraint ({schema}.{constraint}) violated {on}"
    if not values:  # PostgreSQL does not tell who may not read the table
        return first
    shown = ", ".join(f"{column}:'{value}'" for column, value in zip(columns, values, strict=True))
    return f"{first}\nORA-03301: (ORA-00001 details) row with column values ({shown}) already exists"


def _key(detail: str) -> tuple[list[str], list[str]]:
    """Return columns and values of a duplicate key.

    >>> _key("Key (iin, theory_id)=(000101, SC1) already exists.")
    (['IIN', 'THEORY_ID'], ['000101', 'SC1'])
    """
    found = re.fullmatch(r"Key \((.*?)\)=\((.*)\) already exists\.", detail, re.DOTALL)
    if not found:
        return [], []
    columns = found[1].swapcase().split(", ")
    return columns, found[2].split(", ", len(columns) - 1)


def _subject(state: str, diag: psycopg.errors.Diagnostic) -> str:
    message = diag.message_primary or ""
    if state == "23502":
        return _quoted(diag.schema_name, diag.table_name, diag.column_name)
    if state in {"23503", "23514"}:
        return f"{_named(diag.schema_name)}.{_named(diag.constraint_name)}"
    if state == "22001":
        return _too_large(message, diag.context or "")
    if state == "42703":
        return _quoted(*message.split(" ")[1].replace('"', "").split("."))
    if state == "3B001":
        return _named(message.split('"')[1])
    return message


def _too_large(message: str, context: str) -> str:
    """Name the column where PostgreSQL tells it, which it does for INSERT with binds only.

    >>> _too_large("value too long for type character varying(3)", 'COPY t, line 1, column a: "long"')
    '"T"."A" (maximum: 3)'
    """
    limit = re.search(r"\((\d+)\)", message)
    place = re.search(r"COPY (\w+), line \d+, column (\w+)", context)
    column = _quoted(place[1], place[2]) + " " if place else ""
    return f"{column}(maximum: {limit[1] if limit else '?'})"


def _quoted(*names: str | None) -> str:
    return ".".join(f'"{_named(name)}"' for name in names)


def _named(name: str | None) -> str:
    """Return Oracle's name for it: see adapt."""
    return (name or "").swapcase()
