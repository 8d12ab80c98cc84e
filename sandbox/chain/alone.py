"""A chain of somebody's own, for as long as he needs it: tests that put its clock forward, measurements from block 1 on."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from sandbox.chain.guest import REPOSITORY
from sandbox.service import SandboxError


@contextmanager
def alone(port: int, interval_s: float) -> Iterator[None]:
    """Run `python -m sandbox.chain` with the contracts and nothing else on it; nothing is kept.

    Raises:
        SandboxError: it does not come up.
    """
    command = [sys.executable, "-m", "sandbox.chain", "--held", "--port", str(port)]
    process = subprocess.Popen(
        [*command, "--interval", str(interval_s)],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        if not process.stdout.readline():
            raise SandboxError("the chain does not come up")
        yield
    finally:
        process.communicate()  # it ends when its input does
