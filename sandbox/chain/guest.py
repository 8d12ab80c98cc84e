"""The chain in the sandbox: a process of its own, held by the sandbox's background process.

Of its own, because executing a block of jobs keeps an interpreter busy for up to a second, and the game's server
counts gaps of milliseconds on the background process's loop. Held, because it must end when its holder does,
however that ends: it listens on a pipe whose other end nobody else has.
"""

import asyncio
import sys
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from sandbox.chain.accounts import CHAIN_ID, JOBS, OPERATOR, TOKEN
from sandbox.service import Place, SandboxError
from sandbox.state import LOOPBACK

REPOSITORY = Path(__file__).parents[2]
START_PATIENCE_S, STOP_PATIENCE_S = 60.0, 20.0


class ChainGuest:
    """Starts and stops `python -m sandbox.chain`; the addresses are always the same.

    Args:
        home: folder that keeps the chain until the next start; without one every start is a new chain.
    """

    def __init__(self, *, port: int, interval_s: float = 1.0, home: Path | None = None) -> None:
        self.port, self.interval_s, self.home = port, interval_s, home
        self._process: asyncio.subprocess.Process | None = None

    @staticmethod
    def is_possible() -> bool:
        """Tell whether this machine has an EVM: there is none for some."""
        return find_spec("pyrevm") is not None

    def describe(self) -> Place:
        url = f"http://{LOOPBACK}:{self.port}"
        env = {
            "JOBS_RPC_URL": url,
            "JOBS_WS_URL": f"ws://{LOOPBACK}:{self.port}",
            "JOBS_CHAIN_ID": str(CHAIN_ID),
            "JOBS_CONTRACT": JOBS,
            "JOBS_TOKEN": TOKEN,
            "JOBS_OPERATOR_KEY": OPERATOR.key,
        }
        return Place("chain", url, env)

    async def start(self) -> None:
        """Return when it says that it listens.

        Raises:
            SandboxError: pyrevm is missing, or the process does not come up.
        """
        import_module("sandbox.chain.evm")
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "sandbox.chain", "--port", str(self.port),
            "--interval", str(self.interval_s), "--held", *(("--home", self.home) if self.home else ()),
            cwd=REPOSITORY, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert self._process.stdout is not None
        introduction = asyncio.wait_for(self._process.stdout.readline(), START_PATIENCE_S)
        with suppress(TimeoutError):
            if await introduction:
                return
        await self.stop()
        raise SandboxError("the chain's process does not come up: see the sandbox's serve.log")

    async def stop(self) -> None:
        if self._process is None or self._process.returncode is not None:
            return
        self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), STOP_PATIENCE_S)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
