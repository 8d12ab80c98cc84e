"""One statement of Oracle's SQL as something to run on PostgreSQL, checked, adapted, remembered."""

from dataclasses import dataclass
from functools import lru_cache

from sqlglot import exp
from sqlglot.errors import ErrorLevel

from sandbox.oracle.adapt import adapt, number_binds
from sandbox.oracle.control import control
from sandbox.oracle.errors import OracleError
from sandbox.oracle.grammar import check
from sandbox.oracle.rights import Name
from sandbox.oracle.written import parse

DDL = exp.Create | exp.Drop | exp.Alter | exp.TruncateTable | exp.Grant | exp.Revoke | exp.Comment


@dataclass(frozen=True)
class Copy:
    """How to load the rows of an INSERT that has nothing but binds; `order` are the numbers of the $s, from 0."""

    sql: str
    order: tuple[int, ...]


@dataclass(frozen=True)
class Statement:
    """`kind` is the log's word for it, `sql` is PostgreSQL's with $1 for the first bind.

    Attributes:
        verb: the statement's first word; empty for those about transactions and locks.
        binds: for each place where a value is bound, which of the $s it is.
        locks: a query that needs a transaction as a change does.
        tables: all that it names, with their schemas if they have any.
    """

    kind: str
    sql: str
    verb: str = ""
    binds: tuple[int, ...] = ()
    locks: bool = False
    tables: tuple[Name, ...] = ()
    copy: Copy | None = None


@lru_cache(maxsize=1024)
def translate(sql: str, moments: frozenset[int] = frozenset()) -> Statement:
    """Return what to run instead.

    Args:
        sql: one statement, as the client sent it.
        moments: places of the binds that hold a date; a NULL there would tell PostgreSQL no type.

    Raises:
        OracleError: it is not Oracle's SQL, or not spoken here.
    """
    controlled = control(sql)
    if controlled:
        return Statement(controlled.kind, controlled.sql, tables=controlled.tables)
    tree, names = parse(sql)
    check(tree)
    binds = number_binds(tree, names)
    adapt(tree, frozenset(number for place, number in enumerate(binds) if place in moments))
    verb, tables = tree.key.upper(), _tables(tree)
    if isinstance(tree, exp.Query):
        locks = any(tree.find_all(exp.Lock))
        return Statement("select", _written(tree), "SELECT", binds, locks, tables)
    if isinstance(tree, exp.DML):
        return Statement("dml", _written(tree), verb, binds, tables=tables, copy=_copy(tree))
    if not isinstance(tree, DDL):
        raise OracleError(900, "not known here")
    if binds:
        raise OracleError(1027)
    return Statement("ddl", _written(tree), verb, tables=tables)


def _written(tree: exp.Expr) -> str:
    return tree.sql("postgres", unsupported_level=ErrorLevel.IGNORE)


def _tables(tree: exp.Expr) -> tuple[Name, ...]:
    return tuple(dict.fromkeys((table.db, table.name) for table in tree.find_all(exp.Table)))


def _copy(tree: exp.Expr) -> Copy | None:
    """Return the faster way for `INSERT INTO t (a, b) VALUES (:a, :b)`, and nothing for anything else."""
    values = tree.args.get("expression")
    if not isinstance(tree, exp.Insert) or not isinstance(values, exp.Values):
        return None
    parameters = [_parameter(value) for value in values.expressions[0].expressions]
    if not all(parameters) or _alias(tree):
        return None
    order = tuple(int(parameter.name) - 1 for parameter in parameters if parameter)
    return Copy(f"COPY {_written(tree.this)} FROM STDIN", order)


def _parameter(value: exp.Expr) -> exp.Parameter | None:
    inner = value.this if isinstance(value, exp.Cast) else value
    return inner if isinstance(inner, exp.Parameter) else None


def _alias(insert: exp.Insert) -> str:
    table = insert.find(exp.Table)
    return table.alias if table else ""
