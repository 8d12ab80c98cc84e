"""The changes that turn a tree of Oracle's SQL into one of PostgreSQL's, one function each, in their order.

Names: Oracle folds to upper case and PostgreSQL to lower, so every name changes its case on the way, a quoted
one too: what is distinct there stays distinct here.
"""

from collections.abc import Sequence

from sqlglot import exp

from sandbox.oracle.errors import OracleError

CLOCKS = {
    "SYSDATE": "SYSDATE", "CURRENT_DATE": "SYSDATE",
    "SYSTIMESTAMP": "SYSTIMESTAMP", "CURRENT_TIMESTAMP": "SYSTIMESTAMP", "LOCALTIMESTAMP": "SYSTIMESTAMP",
}  # fmt: skip


def _type(text: str) -> exp.DataType:
    return exp.DataType.build(text, dialect="postgres")


def number_binds(tree: exp.Expr, names: Sequence[str]) -> tuple[int, ...]:
    """Return for each place of a bind its number: each place has its own, or GROUP BY names one several times.

    Oracle knows by its name that it is the same one there. Elsewhere PostgreSQL would have to find a type for it
    that suits all places.
    """
    grouping = any(group.find(exp.Placeholder) for group in tree.find_all(exp.Group))
    keys = [
        name.upper() if grouping and not name.isdigit() else str(place) for place, name in enumerate(names)
    ]
    numbers = {key: number for number, key in enumerate(dict.fromkeys(keys), start=1)}
    places = tuple(numbers[key] for key in keys)
    for bind in tree.find_all(exp.Placeholder):
        bind.set("this", f"b{places[int(bind.name.removeprefix('b')) - 1]}")
    return places


def adapt(tree: exp.Expr, moments: frozenset[int]) -> None:
    """Change the tree in place; `moments` are the numbers of binds that hold a date."""
    _clocks(tree)
    _row_numbers(tree)
    _delete_from(tree)
    _set_without_table(tree)
    _lock_tables(tree)
    _types(tree)
    _calculate(tree)
    _empty_is_null(tree)
    _texts_end_empty(tree)
    _bind(tree, moments)
    _fold_names(tree)


def _clocks(tree: exp.Expr) -> None:
    for column in list(tree.find_all(exp.Column)):
        function = CLOCKS.get(column.name.upper())
        if function and not column.table and not column.this.quoted:
            kind = "timestamp(0)" if function == "SYSDATE" else "timestamp"
            column.replace(exp.Cast(this=exp.Anonymous(this=function), to=_type(kind)))


def _row_numbers(tree: exp.Expr) -> None:
    """Turn `WHERE ROWNUM <= n` into FETCH FIRST where both mean the same: before an order they do not."""
    for select in list(tree.find_all(exp.Select)):
        for test in _conditions(select):
            if isinstance(test, exp.LTE) and _is_row_number(test.this) and not _orders(select):
                select.set("limit", exp.Fetch(direction="FIRST", count=test.expression.copy()))
                test.replace(exp.true())
    if any(_is_row_number(column) for column in tree.find_all(exp.Column)):
        raise OracleError(3001, "ROWNUM other than in WHERE ROWNUM <= n without ORDER BY")


def _conditions(select: exp.Select) -> list[exp.Expr]:
    where = select.args.get("where")
    if where is None:
        return []
    return list(where.this.flatten()) if isinstance(where.this, exp.And) else [where.this]


def _orders(select: exp.Select) -> bool:
    return any(select.args.get(clause) for clause in ("order", "group", "distinct", "limit"))


def _is_row_number(node: exp.Expr) -> bool:
    return isinstance(node, exp.Column) and node.name.upper() == "ROWNUM" and not node.table


def _delete_from(tree: exp.Expr) -> None:
    """Give `DELETE t` the FROM that Oracle leaves to taste."""
    for delete in tree.find_all(exp.Delete):
        if not delete.this:
            (table,) = delete.args["tables"]
            delete.set("tables", None)
            delete.set("this", table)


def _set_without_table(tree: exp.Expr) -> None:
    for update in tree.find_all(exp.Update):
        for assignment in update.expressions:
            assignment.this.set("table", None)


def _lock_tables(tree: exp.Expr) -> None:
    """Lock by table where Oracle says FOR UPDATE OF a column; all of them if it does not say whose."""
    for lock in tree.find_all(exp.Lock):
        owners = {column.db: column.args["db"] for column in lock.expressions if column.args.get("db")}
        lock.set("expressions", [exp.Table(this=owner) for owner in owners.values()])


def _types(tree: exp.Expr) -> None:
    kinds = {
        exp.DataType.Type.DATE: "timestamp(0)",
        exp.DataType.Type.FLOAT: "numeric",  # Oracle's is a NUMBER
        exp.DataType.Type.USERDEFINED: "bytea",  # RAW(n)
    }
    for kind in list(tree.find_all(exp.DataType)):
        if kind.this in kinds:
            kind.replace(_type(kinds[kind.this]))
    for date in list(tree.find_all(exp.DateStrToDate)):
        date.replace(exp.Cast(this=date.this, to=_type("timestamp(0)")))
    for moment in list(tree.find_all(exp.StrToTime)):
        moment.replace(exp.Cast(this=moment.this, to=_type("timestamp")))


def _calculate(tree: exp.Expr) -> None:
    """Calculate with NUMBER: a product of whole numbers may be large, and a quotient has decimals."""
    for operation in list(tree.find_all(exp.Mul, exp.Div)):
        operation.set("typed", True)
        operation.set("this", exp.Cast(this=operation.this, to=_type("numeric")))


def _empty_is_null(tree: exp.Expr) -> None:
    for literal in list(tree.find_all(exp.Literal)):
        if literal.is_string and not literal.this:
            literal.replace(exp.null())


def _texts_end_empty(tree: exp.Expr) -> None:
    """Let NULL vanish in `||`, and an empty result be NULL."""
    for pipe in [pipe for pipe in tree.find_all(exp.DPipe) if not isinstance(pipe.parent, exp.DPipe)]:
        parts = exp.Anonymous(this="CONCAT", expressions=list(pipe.flatten()))
        pipe.replace(_null_if_empty(parts))
    for trim in list(tree.find_all(exp.Trim)):
        trim.replace(_null_if_empty(trim.copy()))


def _null_if_empty(text: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this="NULLIF", expressions=[text, exp.Literal.string("")])


def _bind(tree: exp.Expr, moments: frozenset[int]) -> None:
    for bind in list(tree.find_all(exp.Placeholder)):
        number = int(bind.name.removeprefix("b"))
        parameter: exp.Expr = exp.Parameter(this=exp.Literal.number(number))
        if number in moments:
            parameter = exp.Cast(this=parameter, to=_type("timestamp"))
        elif _takes_any_type(bind.parent):
            parameter = exp.Cast(this=parameter, to=_type("text"))
        bind.replace(parameter)


def _takes_any_type(node: exp.Expr | None) -> bool:
    """Whether the node tells PostgreSQL nothing about the type of what is in it."""
    return isinstance(node, exp.Is) or (isinstance(node, exp.Anonymous) and node.name == "CONCAT")


def _fold_names(tree: exp.Expr) -> None:
    for name in tree.find_all(exp.Identifier):
        name.set("this", name.this.swapcase() if name.quoted else name.this.lower())
        name.set("quoted", True)
