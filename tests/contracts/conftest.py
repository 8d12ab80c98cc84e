"""A fresh contract for every test: it takes 15 ms."""

import pytest

from tests.contracts.desk import Desk


@pytest.fixture
def desk() -> Desk:
    return Desk()
