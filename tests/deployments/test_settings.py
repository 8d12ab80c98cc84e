"""The mandatory settings of pyproject.toml reach the server, the worker and its flows."""

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from prefect.settings import Settings
from pydantic import BaseModel

from deployments.stack import Stack
from deployments.surroundings import REPOSITORY


def _leaves(table: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*path, key))
        else:
            yield (*path, key), value


PYPROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))
LEAVES = list(_leaves(PYPROJECT["tool"]["prefect"]))
_PLAIN = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
_HANDED_DOWN = """
import json
from prefect.settings import get_current_settings
print(json.dumps(get_current_settings().to_environment_variables(exclude_unset=True)))
"""


@pytest.mark.parametrize("path", [path for path, _ in LEAVES], ids=".".join)
def test_every_key_is_one_that_the_engine_knows(path: tuple[str, ...]) -> None:
    """The engine ignores a key that it does not know: a slip of the pen would switch a setting off."""
    model: type[BaseModel] = Settings
    for key in path:
        assert key in model.model_fields, f"[tool.prefect] {'.'.join(path)}: there is no {key!r}"
        annotation = model.model_fields[key].annotation
        model = (
            annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else BaseModel
        )


def test_the_server_uses_them(stack: Stack) -> None:
    """What the running server says of its settings is what pyproject.toml says."""
    seen = httpx.get(f"{stack.api_url}/admin/settings").raise_for_status().json()
    for path, wanted in LEAVES:
        value = seen
        for key in path:
            value = value[key]
        # Durations are shown as ISO 8601, and a set in any order.
        alike = sorted(value) == sorted(wanted) if isinstance(value, list) else value == wanted
        assert alike or str(value).startswith("P"), ".".join(path)


def test_a_worker_hands_them_to_its_flows() -> None:
    """A worker gives its flows, which run elsewhere, every setting that it found in the file."""
    # A process of its own: this one's settings are what other tests made of them.
    told = subprocess.run(
        [sys.executable, "-c", _HANDED_DOWN], cwd=REPOSITORY, env=_PLAIN, capture_output=True, check=True
    )
    missing = {
        path for path, _ in LEAVES if f"PREFECT_{'_'.join(path).upper()}" not in json.loads(told.stdout)
    }
    assert not missing
