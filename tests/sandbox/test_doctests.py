"""The examples in the pure modules are true."""

import doctest
from types import ModuleType

import pytest

from sandbox import players
from sandbox.game import capacity, faults, protocol, quota, wire


@pytest.mark.parametrize(
    "module", [capacity, faults, players, protocol, quota, wire], ids=lambda m: m.__name__
)
def test_the_examples_are_true(module: ModuleType) -> None:
    """Every example in the module's docstrings gives what it says, and there is one."""
    failed, tried = doctest.testmod(module)
    assert (failed, tried > 0) == (0, True)
