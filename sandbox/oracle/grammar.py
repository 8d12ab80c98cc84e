"""What can be parsed and is not Oracle's all the same, or is, and this stand-in does not speak it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlglot import exp

from sandbox.oracle.errors import OracleError

DIALECT = Path(__file__).with_name("dialect.sql")
LONGEST_LIST = 1000
# Functions that mean the same in both.
SHARED = frozenset({
    "COUNT", "SUM", "MIN", "MAX", "AVG", "STDDEV", "VARIANCE", "ROW_NUMBER", "RANK", "DENSE_RANK", "NTILE", "LAG",
    "LEAD", "FIRST_VALUE", "LAST_VALUE", "UPPER", "LOWER", "INITCAP", "LENGTH", "LPAD", "RPAD",
    "REGEXP_LIKE", "ABS", "CEIL", "FLOOR", "MOD", "POWER", "ROUND", "SIGN", "SQRT", "COALESCE", "NULLIF", "TO_CHAR",
})  # fmt: skip
FUNCTIONS = SHARED | {name.upper() for name in re.findall(r"function oracle\.(\w+)", DIALECT.read_text())}


@dataclass(frozen=True)
class Rule:
    """Nodes of these kinds to which `broken` applies raise `code`, which is about `about`."""

    kinds: tuple[type[exp.Expr], ...]
    broken: Callable[[Any], object]
    code: int
    about: str = ""


def _always(_: exp.Expr) -> bool:
    return True


def _has(*arguments: str) -> Callable[[exp.Expr], bool]:
    return lambda node: any(node.args.get(argument) for argument in arguments)


def _many_rows(values: exp.Values) -> bool:
    return len(values.expressions) > 1 or not isinstance(values.parent, exp.Insert)


def _locks_what_has_no_rows(lock: exp.Lock) -> bool:
    query = lock.parent
    return query is not None and _has("limit", "distinct", "group")(query)


def _is_unknown(kind: exp.DataType) -> bool:
    return kind.this == exp.DataType.Type.USERDEFINED and str(kind.args.get("kind")).upper() != "RAW"


RULES = (
    Rule((exp.Select,), lambda select: not select.args.get("from_"), 923),
    Rule((exp.Select,), lambda select: _has("on")(select.args.get("distinct") or select), 933, "DISTINCT ON"),
    Rule((exp.Values,), _many_rows, 933, "VALUES with several rows"),
    Rule((exp.Insert,), _has("conflict"), 933, "ON CONFLICT"),
    Rule((exp.Update,), _has("from_"), 933, "UPDATE with FROM"),
    Rule((exp.Delete,), _has("using"), 933, "DELETE with USING"),
    Rule((exp.Filter,), _always, 923),
    Rule((exp.Mod,), _always, 911),
    Rule((exp.In,), lambda test: not _has("expressions", "query", "field")(test), 936),
    Rule((exp.In,), lambda test: len(test.expressions) > LONGEST_LIST, 1795),
    Rule((exp.Lock,), _locks_what_has_no_rows, 2014),
    Rule(
        (exp.Lock,), lambda lock: not isinstance(lock.args.get("wait"), bool | None), 3001, "FOR UPDATE WAIT"
    ),
    Rule((exp.Column,), _has("join_mark"), 3001, "the outer join operator (+)"),
    Rule((exp.Returning,), _always, 3001, "RETURNING"),
    Rule((exp.Connect,), _always, 3001, "CONNECT BY"),
    Rule((exp.DataType,), _is_unknown, 902),
    Rule((exp.Command,), _always, 900, "not known here"),
)


def check(tree: exp.Expr) -> None:
    """Let pass what Oracle would take.

    Raises:
        OracleError: with the code that Oracle would give, or ORA-03001.
    """
    for node in tree.walk():
        if isinstance(node, exp.Anonymous) and node.name.upper() not in FUNCTIONS:
            raise OracleError(904, f'"{node.name.upper()}"')
        for rule in RULES:
            if isinstance(node, rule.kinds) and rule.broken(node):
                raise OracleError(rule.code, rule.about)
