"""Two nodes with token and Jobs contract on them: the sandbox's chain, and anvil, which nobody here wrote.

Blocks come on demand, the worker is played by hand, everything happens by ordinary transactions.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
from eth_abi.abi import encode
from eth_account import Account
from eth_account.signers.local import LocalAccount

from contracts import artifact
from contracts.recipients import pack
from deployments.surroundings import free_port
from sandbox.chain.accounts import JOBS, OPERATOR, OWNER, TOKEN, WORKER, DevAccount
from sandbox.chain.deployment import COIN, Terms, calldata

REPOSITORY = Path(__file__).parents[2]
ANVIL = REPOSITORY / "tests" / "anvil" / "node_modules" / "@foundry-rs"
FAR_S = 4_000_000_000
ALICE, BOB = "0x" + "a1" * 20, "0x" + "b0" * 20
PAIRS = [(ALICE, 5), (BOB, 7)]
GWEI = 10**9


class Node:
    """A node by its JSON-RPC. What differs between the two is in their classes below."""

    prefix: str
    url: str

    @property
    def ws_url(self) -> str:
        return self.url.replace("http:", "ws:")

    def ask(self, method: str, *params: Any) -> Any:
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer = self._client.post(self.url, json=request).raise_for_status().json()
        assert "error" not in answer, (method, answer["error"])
        return answer["result"]

    def mine(self, blocks: int = 1) -> int:
        """Return the head's number."""
        raise NotImplementedError

    def reorganise(self, depth: int) -> None:
        """Replace the last blocks by empty ones; their transactions are forgotten."""
        raise NotImplementedError

    def elapse(self, seconds: int) -> None:
        """Put the chain's clock forward."""
        self.ask(f"{self.prefix}_increaseTime", seconds)

    @property
    def number(self) -> int:
        return int(self.ask("eth_blockNumber"), 16)

    def act(self, account: DevAccount, signature: str, *values: Any, to: str | None = JOBS) -> Any:
        """Send a transaction, mine it, and return its receipt."""
        receipt = self.create(account, to, calldata(signature, *values))
        assert int(receipt["status"], 16) == 1, (signature, receipt)
        return receipt

    def create(self, account: DevAccount, to: str | None, data: bytes) -> Any:
        nonce = int(self.ask("eth_getTransactionCount", account.address, "latest"), 16)
        fees = {"maxFeePerGas": 100 * GWEI, "maxPriorityFeePerGas": 2 * GWEI, "type": 2, "value": 0}
        fields = {**fees, "chainId": 31337, "nonce": nonce, "gas": 8_000_000, "data": data}
        if to:
            fields["to"] = bytes.fromhex(to[2:])
        raw = signer(account.key).sign_transaction(fields).raw_transaction
        sent = self.ask("eth_sendRawTransaction", "0x" + raw.hex())
        self.mine()
        return self.ask("eth_getTransactionReceipt", sent)

    def deploy(self, terms: Terms) -> None:
        """As anybody would."""
        limits = (terms.max_per_job, terms.max_per_day)
        roles = encode(["address"] * 3 + ["uint256"] * 2, [TOKEN, OPERATOR.address, WORKER.address, *limits])
        places = [
            self.create(OWNER, None, data)["contractAddress"]
            for data in (artifact("Coin").bytecode, artifact("Jobs").bytecode + roles)
        ]
        assert places == [TOKEN, JOBS]
        self.act(OWNER, "mint(address,uint256)", JOBS, terms.budget, to=TOKEN)

    def submit(self, job_id: bytes, pairs: list[tuple[str, int]] = PAIRS) -> Any:
        return self.act(OPERATOR, "submitJob(bytes32,bytes,uint256)", job_id, pack(pairs), FAR_S)

    def complete(self, job_id: bytes, pairs: list[tuple[str, int]] = PAIRS) -> Any:
        return self.act(WORKER, "completeJob(bytes32,bytes)", job_id, pack(pairs))

    @contextmanager
    def paused(self) -> Iterator[None]:
        self.act(OWNER, "setPaused(bool)", True)
        try:
            yield
        finally:
            self.act(OWNER, "setPaused(bool)", False)

    def start(self, *command: str) -> None:
        self._client = httpx.Client(trust_env=False, timeout=30)
        self.process = subprocess.Popen(
            command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def stop(self) -> None:
        self._client.close()
        self.process.terminate()
        self.process.communicate(timeout=20)


class SandboxNode(Node):
    prefix = "sandbox"

    def __init__(self) -> None:
        self.start(sys.executable, "-m", "sandbox.chain", "--port", "0", "--interval", "3600", "--held")
        self.url = self.process.stdout.readline().split()[0]
        self.ask("sandbox_setInterval", None)
        self.ask("sandbox_worker", {"deed": "stall"})

    def mine(self, blocks: int = 1) -> int:
        self.ask("sandbox_mine", blocks)
        return self.number

    def reorganise(self, depth: int) -> None:
        self.ask("sandbox_reorg", depth, True)


class AnvilNode(Node):
    prefix = "evm"

    def __init__(self) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.start(
            str(anvil()), "--port", str(port), "--chain-id", "31337", "--hardfork", "prague",
            "--no-mining", "--slots-in-an-epoch", "2", "--quiet",
        )  # fmt: skip
        self._wait()
        self.deploy(Terms(budget=10**9 * COIN))
        self.mine(8)

    def mine(self, blocks: int = 1) -> int:
        for _ in range(blocks):
            self.ask("evm_mine")
        return self.number

    def reorganise(self, depth: int) -> None:
        self.ask("anvil_reorg", depth, [])
        self.ask("anvil_dropAllTransactions")

    def _wait(self) -> None:
        while True:
            assert self.process.poll() is None, "anvil ended"
            with suppress(httpx.ConnectError):
                self.ask("eth_chainId")
                return


def anvil() -> Path:
    """Return the program, or skip the test where it is not installed."""
    found = sorted(ANVIL.glob("anvil-*/bin/anvil"))
    if not found or not os.access(found[0], os.X_OK):
        pytest.skip("no anvil here: `npm ci` in tests/anvil (needs Node.js)")
    return found[0]


@cache
def signer(key: str) -> LocalAccount:
    return Account.from_key(key)
