"""What is committed is what the sources compile to, and what lies on the chain."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from contracts import FOLDER, NAMES, artifact
from contracts.build import build, compiled
from sandbox.chain.accounts import JOBS, TOKEN
from tests.contracts.desk import Desk

# Immutables lie behind the code: Jobs has owner and token, Coin its owner.
ON_CHAIN = {"Jobs": (JOBS, 64), "Coin": (TOKEN, 32)}


@pytest.mark.parametrize("name", NAMES)
def test_the_artifact_is_what_the_source_compiles_to(name: str) -> None:
    """A source that was changed without `python -m contracts.build` is found here."""
    assert (FOLDER / f"{name}.json").read_text("utf-8") == compiled(name)


@pytest.mark.parametrize("name", NAMES)
def test_the_artifact_names_its_compiler(name: str) -> None:
    """The pragma of the source is the compiler that the artifact was made by."""
    version = (FOLDER / f"{name}.vy").read_text("utf-8").splitlines()[0].removeprefix("# pragma version ")
    assert artifact(name).compiler == f"vyper {version}"


def test_the_build_is_the_same_in_another_place(tmp_path: Path) -> None:
    """Neither the folder nor the hash seed of the process that builds is in the artifact."""
    program = "from contracts.build import compiled; print(compiled('Jobs'), end='')"
    env = {**os.environ, "PYTHONPATH": str(FOLDER.parent), "PYTHONHASHSEED": "7"}
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=env, capture_output=True, check=True
    )
    assert run.stdout == (FOLDER / "Jobs.json").read_bytes()


def test_every_source_has_its_artifact(tmp_path: Path) -> None:
    """The build writes one file for each source, and the same are committed."""
    build(tmp_path)
    written = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert written == {path.name: path.read_bytes() for path in FOLDER.glob("*.json")}
    assert {path.stem for path in FOLDER.glob("*.vy")} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_chain_holds_the_artifact(desk: Desk, name: str) -> None:
    """What lies at the well-known address is the deployed bytecode and its immutables, byte for byte."""
    address, immutables = ON_CHAIN[name]
    code, deployed = desk.node.view().state("latest").code(address), artifact(name).deployed_bytecode
    assert code.startswith(deployed)
    assert len(code) == len(deployed) + immutables
