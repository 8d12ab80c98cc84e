"""A node of each kind for the whole session, and the Jobs contract's Block in front of it."""

import json
import secrets
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from eth_account import Account

from blocks.evm_chain import EvmChain
from blocks.jobs import Jobs
from blocks.jobs_contract import JobsContract
from sandbox.chain.accounts import JOBS, OPERATOR, TOKEN
from tests.blocks.gateway import Gateway
from tests.blocks.nodes import AnvilNode, Node, SandboxNode

NODES = {"sandbox": SandboxNode, "anvil": AnvilNode}
PASSPHRASE = "passphrase-5Rw9Kd"


@pytest.fixture(scope="session", params=NODES)
def node(request: pytest.FixtureRequest) -> Iterator[Node]:
    node = NODES[request.param]()
    try:
        yield node
    finally:
        node.stop()


@pytest.fixture
async def road(node: Node) -> AsyncIterator[Gateway]:
    async with Gateway(node.url) as road:
        yield road


@pytest.fixture
async def jobs(node: Node) -> AsyncIterator[Jobs]:
    """The contract as it is meant to be used, by the operator."""
    async with block(node.url).open() as jobs:
        yield jobs


@pytest.fixture
def job_id() -> bytes:
    return secrets.token_bytes(32)


def settings(url: str, **others: Any) -> dict[str, Any]:
    signer = {"kind": "raw", "key": OPERATOR.key}
    usual = {"rpc_url": url, "chain_id": 31337, "contract": JOBS, "token": TOKEN, "signer": signer}
    return usual | others


def block(url: str, **others: Any) -> JobsContract:
    return JobsContract(chain=EvmChain.model_validate(settings(url, **others)))


def keystore(passphrase: str = PASSPHRASE) -> str:
    """The operator's, made to open quickly: a wallet's takes a second each time."""
    return json.dumps(Account.encrypt(OPERATOR.key, passphrase, kdf="pbkdf2", iterations=1_000))
