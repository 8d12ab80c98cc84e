"""Lets things happen, or go wrong on purpose."""

from collections.abc import Iterator
from contextlib import contextmanager

from sandbox.oracle.errors import OracleError
from sandbox.oracle.faults import Fault
from sandbox.oracle.packets import HungUp, Line


@contextmanager
def suffering(fault: Fault | None, line: Line) -> Iterator[None]:
    """Do what is inside as the fault would have it.

    Raises:
        OracleError: instead of doing it.
        HungUp: the line is to be cut, before or after.
        Interrupted: the client had not the patience for a delay; nothing was done.
    """
    if fault is None:
        yield
        return
    if fault.kind == "error":
        raise OracleError(fault.code)
    if fault.kind == "drop_before":
        raise HungUp
    if fault.kind == "delay":
        line.attend(fault.delay_s)
    yield
    if fault.kind == "drop_after":
        raise HungUp
