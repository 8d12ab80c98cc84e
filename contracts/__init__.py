"""The Jobs contract and the game's coin: Vyper sources beside what they compile to."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
NAMES = ("Coin", "Jobs")


@dataclass(frozen=True)
class Artifact:
    """A compiled contract.

    Attributes:
        bytecode: what a deploying transaction carries, before the constructor's arguments.
        deployed_bytecode: what lies on the chain, before the immutables that the compiler puts behind it.
        compiler: name and version, such as `vyper 0.4.3`.
    """

    name: str
    abi: list[dict[str, Any]]
    bytecode: bytes
    deployed_bytecode: bytes
    compiler: str


def artifact(name: str) -> Artifact:
    """Read the committed artifact; needs no compiler."""
    stored = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    return Artifact(
        name,
        stored["abi"],
        bytes.fromhex(stored["bytecode"][2:]),
        bytes.fromhex(stored["deployedBytecode"][2:]),
        stored["compiler"],
    )
