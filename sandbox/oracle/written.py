"""Reads Oracle's SQL as it is written: only Oracle's words, and a call of a function stays what it is.

sqlglot reads every dialect at once on purpose, so that it takes `LIMIT`, `DATE(x)` and `FROM t AS x` for Oracle's.
"""

import re
from collections.abc import Callable, Collection
from typing import Any, ClassVar

import sqlglot
from sqlglot import exp
from sqlglot.dialects.oracle import Oracle
from sqlglot.errors import SqlglotError
from sqlglot.parsers.oracle import OracleParser
from sqlglot.tokenizer_core import TokenType

from sandbox.oracle.errors import OracleError

Parsers = dict[str, Callable[..., Any]]

ELSEWHERES = frozenset({
    "LIMIT", "EXCEPT", "QUALIFY", "TOP", "RECURSIVE", "UNNEST", "STRAIGHT_JOIN", "SEMI", "ANTI", "ASOF",
    "ILIKE", "RLIKE", "REGEXP", "GLOB", "SIMILAR TO", "OVERLAPS", "ISNULL", "NOTNULL", "DIV", "XOR", "TRUE", "FALSE",
    "TEXT", "STRING", "STR", "BOOL", "BOOLEAN", "BIGINT", "TINYINT", "DATETIME", "UUID", "JSONB", "BYTEA",
})  # fmt: skip
# Oracle's, but read as columns, as SYSDATE is: see adapt.
CLOCKS = frozenset({"CURRENT_DATE", "CURRENT_TIMESTAMP", "LOCALTIMESTAMP", "SYSTIMESTAMP"})
OPERATORS = frozenset({"!=", "<>", "^=", "<=", ">=", "||", "(+)", "/*+", "=>", ":="})
# What a bind may not be looked for in, binds, and what no statement has.
PIECES = re.compile(
    r"""[qQ]'(?:\[.*?\]|\{.*?\}|\(.*?\)|<.*?>)'|'(?:[^']|'')*'|"[^"]*"|--[^\n]*|/\*.*?\*/"""
    r"""|:\s*(?P<bind>\w+|"[^"]+")|(?P<odd>[`;])""",
    re.DOTALL,
)


def _is_oracles(word: str) -> bool:
    return word in OPERATORS or (word[0].isalpha() and word not in ELSEWHERES | CLOCKS)


class _Parser(OracleParser):
    FUNCTIONS: ClassVar[Parsers] = {}
    NO_PAREN_FUNCTIONS: ClassVar[dict[TokenType, Any]] = {}
    FUNCTION_PARSERS: ClassVar[Parsers] = {
        name: OracleParser.FUNCTION_PARSERS[name] for name in ("CAST", "EXTRACT", "TRIM")
    }
    NO_PAREN_FUNCTION_PARSERS: ClassVar[Parsers] = {
        name: OracleParser.NO_PAREN_FUNCTION_PARSERS[name] for name in ("ANY", "CASE", "PRIOR")
    }

    def _parse_table_alias(self, alias_tokens: Collection[TokenType] | None = None) -> exp.TableAlias | None:
        """Refuse AS before a table's alias; a common table expression has its AS behind the name."""
        if self._curr and self._curr.token_type == TokenType.ALIAS:
            raise OracleError(933, "AS before a table's alias")
        return super()._parse_table_alias(alias_tokens)


class Written(Oracle):
    """The dialect for `sqlglot.parse_one`."""

    class Tokenizer(Oracle.Tokenizer):
        KEYWORDS: ClassVar[dict[str, TokenType]] = {
            word: kind for word, kind in Oracle.Tokenizer.KEYWORDS.items() if _is_oracles(word)
        }

    Parser = _Parser


def parse(sql: str) -> tuple[exp.Expr, tuple[str, ...]]:
    """Return the statement's tree, whose binds are b1, b2, …, and their names: a name may stand in several places.

    Raises:
        OracleError: ORA-00933 or ORA-00911, it is not Oracle's SQL.
    """
    names: list[str] = []

    def numbered(piece: re.Match[str]) -> str:
        if piece["odd"]:
            raise OracleError(911)
        if not piece["bind"]:
            return piece[0]
        names.append(piece["bind"])
        return f":b{len(names)}"

    try:
        return sqlglot.parse_one(PIECES.sub(numbered, sql), read=Written), tuple(names)
    except SqlglotError as error:
        raise OracleError(933, str(error).splitlines()[0]) from None
