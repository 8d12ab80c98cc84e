"""A stand-in for Oracle: the unmodified driver talks to it over the wire, and PostgreSQL does the work.

It proves the driver's calls, the words of the SQL, transactions, errors and rights as they look from outside.
It does not prove how a real Oracle locks, plans and performs. Known differences: SYSDATE is UTC; UPDATE and
DELETE with a condition, and FOR UPDATE, need PostgreSQL's rights; a VARCHAR2's length counts characters.
Refused, loudly: PL/SQL, RETURNING, LOB locators, scrollable cursors, two-phase commit, intervals, national texts.

  protocol    wire, packets, number, moment, binds, columns, requests, answers
  session     server, reception, login, o5logon, session, cursors, work, faults, mishap, database (and its log)
  execution   control, written, grammar, adapt, translate, backend, interruptible, arrays, rights, errors,
              explain, dialect.sql
"""

from sandbox.oracle.database import Database, Entry, Login
from sandbox.oracle.faults import Fault
from sandbox.oracle.grammar import DIALECT
from sandbox.oracle.server import OracleServer

__all__ = ["DIALECT", "Database", "Entry", "Fault", "Login", "OracleServer"]
