"""The examples in the modules are true."""

import doctest
import importlib
import pkgutil

import pytest

from sandbox import oracle

MODULES = [
    importlib.import_module(f"sandbox.oracle.{found.name}") for found in pkgutil.iter_modules(oracle.__path__)
]
WITH_EXAMPLES = [
    module for module in MODULES if any(test.examples for test in doctest.DocTestFinder().find(module))
]


@pytest.mark.parametrize("module", WITH_EXAMPLES, ids=lambda module: module.__name__)
def test_the_examples_are_true(module: object) -> None:
    """Every example in a docstring gives what it says."""
    assert doctest.testmod(module).failed == 0


def test_there_are_examples() -> None:
    """The pure modules have some."""
    assert {module.__name__.rpartition(".")[2] for module in WITH_EXAMPLES} >= {
        "wire",
        "number",
        "moment",
        "explain",
    }
