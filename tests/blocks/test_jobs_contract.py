"""The Block: what it takes, what it refuses, what Prefect keeps of it, and that its secrets are seen nowhere."""

import asyncio
import json
import logging
from collections.abc import Awaitable
from typing import Any

import pytest
from eth_utils import to_checksum_address
from prefect.blocks.system import Secret
from prefect.client.orchestration import PrefectClient
from pydantic import ValidationError

from blocks.evm_chain import EvmChain
from blocks.jobs import Jobs
from blocks.jobs_contract import JobsContract
from blocks.jobs_problem import ChainUnreachable, JobsProblem, KeyLocked
from blocks.store import BlockMissing, load
from deployments.surroundings import free_port
from sandbox.chain.accounts import JOBS, OPERATOR, TOKEN
from sandbox.chain.node import Node
from sandbox.chain.server import ChainServer
from tests.blocks.conftest import PASSPHRASE, block, keystore, settings
from tests.blocks.gateway import Gateway
from tests.secrecy import hearing

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # the engine's client leaves its sockets

URL = "https://node.example/v3/provider-key-8Hq2Zt"
VARIABLE = "JOBS_TEST_PASSPHRASE"
WRONG = "wrong-passphrase-2Nv6"
CHECKED = to_checksum_address(JOBS)
SEALED = {"kind": "keystore", "keystore": keystore(), "passphrase_variable": VARIABLE}


# ── Fields ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("contract", [JOBS, "0x" + JOBS[2:].upper(), CHECKED])
def test_an_address_is_kept_with_its_checksum(contract: str) -> None:
    """In lower case, in upper case, or with its checksum already."""
    assert block(URL, contract=contract).chain.contract == CHECKED


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"contract": CHECKED.replace("F", "f", 1)}, r"contract\n.*wrong checksum \(EIP-55\)"),
        ({"token": JOBS[:-1]}, r"token\n.*0x and 40 hex digits"),
        ({"token": "0x" + "0" * 40}, r"token\n.*zero address"),
        ({"token": CHECKED}, "contract and token are the same address"),
        ({"rpc_url": "ws://127.0.0.1:8545"}, r"rpc_url\n.*see JOBS_RPC_URL"),
        ({"rpc_url": "https://"}, r"rpc_url\n.*see JOBS_RPC_URL"),
        ({"rpc_url": "http://h:99999999"}, r"rpc_url\n.*see JOBS_RPC_URL"),
        ({"ws_url": "https://127.0.0.1"}, r"ws_url\n.*see JOBS_WS_URL"),
        ({"chain_id": 0}, r"chain_id\n.*greater than 0"),
        (
            {"chain_id": 424242, "signer": SEALED},
            r"chain 424242 is not in blocks/chains.py: give confirmations",
        ),
        ({"chain_id": 1}, "a raw key is for chain 31337 only: put the key into a keystore"),
        ({"batch_size": 1025}, r"batch_size\n.*less than or equal to 1024"),
        ({"confirmations": -1}, r"confirmations\n"),
        ({"gas_price": 1}, r"gas_price\n.*not permitted"),
        ({"signer": {"kind": "kms"}}, "signer"),
    ],
)
def test_a_field_that_is_wrong_is_named_with_its_remedy(wrong: dict[str, Any], told: str) -> None:
    """And none of the secrets that stand beside it is told."""
    with pytest.raises(ValidationError, match=told) as caught:
        JobsContract.model_validate({"chain": settings(URL, **wrong)})
    for part in (OPERATOR.key[-8:], "ciphertext", "provider-key", "input_value"):
        assert part not in f"{caught.value} {caught.value!r}"


@pytest.mark.parametrize(
    ("others", "finality"),
    [
        ({}, 4),
        ({"confirmations": 9}, 9),
        ({"chain_id": 1, "signer": SEALED}, 0),
        ({"chain_id": 424242, "confirmations": 30, "signer": SEALED}, 30),
    ],
)
def test_finality_is_the_chains_unless_given(others: dict[str, Any], finality: int) -> None:
    """A chain that is not known must have it given."""
    assert block(URL, **others).chain.finality == finality


def test_the_explorer_is_the_chains() -> None:
    """None where the chain has none, or is not known."""
    assert block(URL, chain_id=1, signer=SEALED).chain.explorer == "https://etherscan.io"
    assert block(URL).chain.explorer is None
    assert block(URL, chain_id=424242, confirmations=1, signer=SEALED).chain.explorer is None


# ── The Block on a server ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("signer", [settings(URL)["signer"], SEALED], ids=["raw", "keystore"])
async def test_a_saved_block_comes_back_whole(prefect: PrefectClient, signer: dict[str, Any]) -> None:
    """Through the server and its encryption, secrets in their nested places included."""
    made = block(URL, ws_url="wss://node.example/v3/ws-key-5Yt1", signer=signer)
    await made.save("jobs-round-trip", overwrite=True)
    assert (await load(JobsContract, "jobs-round-trip")).chain == made.chain


async def test_a_document_shows_no_secret(prefect: PrefectClient) -> None:
    """What the API tells who does not ask for secrets: the UI, `prefect block inspect`."""
    secrets = {"url": "provider-key-8Hq2Zt", "ws": "ws-key-5Yt1", "key": OPERATOR.key[2:]}
    await block(URL, ws_url="wss://node.example/v3/ws-key-5Yt1").save("jobs-shown", overwrite=True)
    document = await prefect.read_block_document_by_name("jobs-shown", "jobs-contract", include_secrets=False)
    shown = document.model_dump_json()
    assert json.loads(shown)["data"]["chain"]["chain_id"] == 31337
    assert not [name for name, secret in secrets.items() if secret in shown]
    await block(URL, signer=SEALED).save("jobs-shown", overwrite=True)
    document = await prefect.read_block_document_by_name("jobs-shown", "jobs-contract", include_secrets=False)
    assert "ciphertext" not in document.model_dump_json()


@pytest.mark.parametrize("passphrase", [PASSPHRASE, "12345678"])
async def test_a_passphrase_may_lie_in_a_secret_block(prefect: PrefectClient, passphrase: str) -> None:
    """One of digits only is a text all the same; what goes wrong names the Block that was opened."""
    await Secret(value=passphrase).save("jobs-passphrase", overwrite=True)
    opened = {"kind": "keystore", "keystore": keystore(passphrase=passphrase)}
    async with ChainServer(Node()) as chain:
        there = block(chain.url, signer={**opened, "passphrase_block": "jobs-passphrase"})
        await there.save("jobs-elsewhere", overwrite=True)
        async with (await load(JobsContract, "jobs-elsewhere")).open() as jobs:
            await jobs.check()
    with pytest.raises(BlockMissing, match="no-such-passphrase"):
        async with block(URL, signer={**opened, "passphrase_block": "no-such-passphrase"}).open():
            pass


# ── Secrets ──────────────────────────────────────────────────────────────────────────────────────


def forms(key: str) -> list[str]:
    """A key as somebody might print it."""
    raw = bytes.fromhex(key[2:])
    return [key[2:], key[2:].upper(), str(int(key, 16)), repr(raw)[2:-1]]


async def fail_in_every_way(made: JobsContract, road: Gateway) -> list[BaseException]:
    """Everything that a flow does, on a road where everything goes wrong; return what was raised."""
    problems: list[BaseException] = []
    for fault in ("cut", "lost", "nonsense", 401, 429, 503):
        for method in ("eth_call", "eth_getBlockByNumber", "eth_sendRawTransaction", "eth_chainId"):
            road.fail(method, fault)
        async with made.open() as jobs:
            questions = jobs.head(), jobs.check(), jobs.treasury(), jobs.send(b"\2")
            await asyncio.gather(*(_told(question, jobs, problems) for question in questions))
    return problems


async def _told(question: Awaitable[object], jobs: Jobs, problems: list[BaseException]) -> None:
    """As a careless flow would."""
    try:
        await question
    except JobsProblem as problem:
        logging.getLogger("metronome").exception("the chain of %r %s", jobs, jobs.account)
        problems.append(problem)


async def test_no_secret_is_told_whatever_goes_wrong(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Key, passphrase, keystore and the provider's key: in no text of the Block, no log at DEBUG, no exception."""
    monkeypatch.setenv(VARIABLE, PASSPHRASE)
    with hearing("web3", "aiohttp", "eth_account") as said:
        async with ChainServer(Node()) as chain, Gateway(chain.url) as road:
            socket = road.url.replace("http:", "ws:")
            made = [block(road.url, ws_url=socket), block(road.url, ws_url=socket, signer=SEALED)]
            async with made[1].open() as jobs:
                await jobs.check()
                await jobs.woken(0.3)
            failing = (fail_in_every_way(each, road) for each in made)
            problems = [problem for each in await asyncio.gather(*failing) for problem in each]
            monkeypatch.setenv(VARIABLE, WRONG)
            with pytest.raises(KeyLocked) as locked:
                async with made[1].open():
                    pass
    printed = capfd.readouterr()
    texts = [f"{each!r} {each} {each.model_dump()} {each.model_dump_json()} {each.chain!r}" for each in made]
    texts += [f"{problem!r} {problem} {problem.__dict__}" for problem in (*problems, locked.value)]
    everything = "\n".join([*said, *texts, printed.out, printed.err])
    assert len(problems) > 30
    assert "\n".join(said).count("Traceback") == len(problems)
    secrets = [*forms(OPERATOR.key), PASSPHRASE, WRONG, "ciphertext", "provider-key-8Hq2Zt"]
    assert [secret for secret in secrets if secret in everything] == []


async def test_nothing_is_asked_before_somebody_asks() -> None:
    """Opening reads the key only: a dry run that fails does so with a sentence of its own."""
    async with block(f"http://127.0.0.1:{free_port()}").open() as jobs:
        assert jobs.token == to_checksum_address(TOKEN)
        with pytest.raises(ChainUnreachable):
            await jobs.head()


def test_the_chain_alone_can_be_validated() -> None:
    """Its kind has a default, and another one is refused."""
    with pytest.raises(ValidationError, match="evm"):
        EvmChain.model_validate(settings(URL, kind="move"))
