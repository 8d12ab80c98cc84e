"""The examples in the broker's modules are true."""

import doctest

from sandbox.amqp import faults


def test_the_examples_are_true() -> None:
    """Every example gives what it says, and there is one."""
    failed, tried = doctest.testmod(faults)
    assert (failed, tried > 0) == (0, True)
