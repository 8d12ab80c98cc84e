"""The examples in the chain's pure modules are true."""

import doctest
from types import ModuleType

import pytest

from sandbox.chain import deployment, faults, fees, forms, worker


@pytest.mark.parametrize("module", [deployment, faults, fees, forms, worker], ids=lambda m: m.__name__)
def test_the_examples_are_true(module: ModuleType) -> None:
    """Every example in the module's docstrings gives what it says, and there is one."""
    failed, tried = doctest.testmod(module)
    assert (failed, tried > 0) == (0, True)
