"""A stand-in for Oracle: the unmodified driver talks to it over the wire, and PostgreSQL does the work.

What it proves: the driver's calls, transactions and errors, the SQL's words. What it does not: how a real Oracle
locks, plans, and how fast it is.

  protocol    wire, packets, number, moment, binds, columns, requests, answers
  session     server, reception, login, o5logon, session, cursors, work, faults, mishap, database (and its log)
  execution   control, written, grammar, adapt, translate, backend, interruptible, arrays, rights, errors,
              dialect.sql
"""

from sandbox.oracle.database import Database, Entry, Login
from sandbox.oracle.faults import Fault
from sandbox.oracle.grammar import DIALECT
from sandbox.oracle.server import OracleServer

__all__ = ["DIALECT", "Database", "Entry", "Fault", "Login", "OracleServer"]
