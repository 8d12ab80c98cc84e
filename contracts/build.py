"""`python -m contracts.build`: compile the sources anew and write the artifacts."""

import json
from pathlib import Path

from vyper import __version__  # type: ignore[import-untyped]
from vyper.compiler import compile_code  # type: ignore[import-untyped]

from contracts import FOLDER, NAMES

OUTPUTS = ("abi", "bytecode", "bytecode_runtime")


def compiled(name: str) -> str:
    """Return the artifact's text: the same for the same source and compiler, wherever it runs."""
    output = compile_code((FOLDER / f"{name}.vy").read_text("utf-8"), f"{name}.vy", output_formats=OUTPUTS)
    stored = {
        "abi": output["abi"],
        "bytecode": output["bytecode"],
        "compiler": f"vyper {__version__.partition('+')[0]}",
        "contract": name,
        "deployedBytecode": output["bytecode_runtime"],
    }
    return json.dumps(stored, indent=1, sort_keys=True) + "\n"


def build(folder: Path = FOLDER) -> None:
    for name in NAMES:
        (folder / f"{name}.json").write_text(compiled(name), "utf-8")


if __name__ == "__main__":
    build()
