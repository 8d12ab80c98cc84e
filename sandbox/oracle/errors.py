"""Oracle's errors: numbers and texts, as version 19 words them."""

# `{}` is what the error is about.
TEXTS = {
    54: "resource busy and acquire with NOWAIT specified or timeout expired",
    60: "deadlock detected while waiting for resource",
    600: "internal error code, arguments: [{}]",
    900: "invalid SQL statement: {}",
    902: "invalid datatype",
    904: "{}: invalid identifier",
    911: "invalid character",
    918: "column ambiguously defined",
    923: "FROM keyword not found where expected",
    932: "inconsistent datatypes: {}",
    933: "SQL command not properly ended: {}",
    936: "missing expression",
    942: "table or view does not exist",
    955: "name is already used by an existing object",
    957: "duplicate column name",
    979: "not a GROUP BY expression",
    1000: "maximum open cursors exceeded",
    1001: "invalid cursor",
    1008: "not all variables bound",
    1013: "user requested cancel of current operation",
    1017: "invalid username/password; logon denied",
    1027: "bind variables not allowed for data definition operations",
    1031: "insufficient privileges",
    1033: "ORACLE initialization or shutdown in progress",
    1034: "ORACLE not available",
    1086: "savepoint '{}' never established in this session or is invalid",
    1400: "cannot insert NULL into ({})",
    1403: "no data found",
    1407: "cannot update ({}) to NULL",
    1426: "numeric overflow",
    1427: "single-row subquery returns more than one row",
    1438: "value larger than specified precision allowed for this column",
    1453: "SET TRANSACTION must be first statement of transaction",
    1456: "may not perform insert, delete, update operation inside a READ ONLY transaction",
    1476: "divisor is equal to zero",
    1722: "invalid number",
    1795: "maximum number of expressions in a list is 1000",
    1841: "(full) year must be between -4713 and +9999, and not be 0",
    1861: "literal does not match format string",
    2014: "cannot select FOR UPDATE from view with DISTINCT, GROUP BY, etc.",
    2248: "invalid option for ALTER SESSION",
    2290: "check constraint ({}) violated",
    2291: "integrity constraint ({}) violated - parent key not found",
    2292: "integrity constraint ({}) violated - child record found",
    3001: "unimplemented feature: {}",
    3113: "end-of-file on communication channel",
    3115: "unsupported network datatype or representation",
    6550: "line 1, column 1: PL/SQL is not spoken here",
    8177: "can't serialize access for this transaction",
    12899: "value too large for column {}",
    24381: "error(s) in array DML",
}


class OracleError(Exception):
    """What the client gets to see instead of a result.

    Args:
        code: 942 for ORA-00942.
        about: what its text is about.
        text: another text than the usual one.
    """

    def __init__(self, code: int, about: str = "", *, text: str = "") -> None:
        wording = text or TEXTS.get(code, "made up by the sandbox").format(about)
        super().__init__(f"ORA-{code:05}: {wording}")
        self.code = code
