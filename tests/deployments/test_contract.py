"""The Jobs contract's Block out of plain variables: every kind of key, and complaints that name the variable."""

import json

import pytest

from blocks.jobs_contract import JobsContract
from deployments import blocks
from deployments.blocks import VariablesWrong
from sandbox import World

KEYSTORE = json.dumps({"version": 3, "crypto": {}, "address": "70997970c51812dc3a010c7d01b50e0d17dc79c8"})


def made(world: World, **variables: str) -> JobsContract:
    block = blocks.build(world.env | variables)["jobs-contract"]
    assert isinstance(block, JobsContract)
    return block


def test_the_sandbox_fills_it(world: World) -> None:
    """With nothing set beside what the sandbox gives, the usual values hold."""
    chain = made(world).chain
    assert chain.rpc_url.get_secret_value() == world.env["JOBS_RPC_URL"]
    assert chain.contract.lower() == world.env["JOBS_CONTRACT"]
    assert (chain.signer.kind, chain.batch_size, chain.finality) == ("raw", 500, 4)


def test_a_keystore_and_where_its_passphrase_is(world: World) -> None:
    """On another chain than the development one the key comes encrypted, its passphrase from elsewhere."""
    chain = made(
        world, JOBS_CHAIN_ID="8453", JOBS_OPERATOR_KEY="", JOBS_OPERATOR_KEYSTORE=KEYSTORE, JOBS_WS_URL="",
        JOBS_OPERATOR_PASSPHRASE_VARIABLE="OPENING_WORDS", JOBS_CONFIRMATIONS="7", JOBS_BATCH_SIZE="20",
    ).chain  # fmt: skip
    assert (chain.chain_id, chain.finality, chain.batch_size, chain.ws_url) == (8453, 7, 20, None)
    assert chain.signer.kind == "keystore"
    assert chain.signer.passphrase_variable == "OPENING_WORDS"


WRONG = {
    "no key at all": ({"JOBS_OPERATOR_KEY": ""}, "JOBS_OPERATOR_KEYSTORE"),
    "a raw key elsewhere": ({"JOBS_CHAIN_ID": "1"}, "chain"),
    "no key": ({"JOBS_OPERATOR_KEY": "0x12"}, "JOBS_OPERATOR_KEY"),
    "both keys": (
        {"JOBS_OPERATOR_KEYSTORE": KEYSTORE, "JOBS_OPERATOR_PASSPHRASE_BLOCK": "opening-words"},
        "JOBS_OPERATOR_KEY",
    ),
    "no keystore": (
        {"JOBS_OPERATOR_KEY": "", "JOBS_OPERATOR_KEYSTORE": "{}", "JOBS_OPERATOR_PASSPHRASE_BLOCK": "x"},
        "JOBS_OPERATOR_KEYSTORE",
    ),
    "no chain id": ({"JOBS_CHAIN_ID": "sepolia"}, "JOBS_CHAIN_ID"),
    "no address": ({"JOBS_CONTRACT": "0x5fbdb2315678"}, "JOBS_CONTRACT"),
    "a wrong checksum": ({"JOBS_TOKEN": "0x5FbDB2315678afecb367f032d93F642f64180aA3"}, "JOBS_TOKEN"),
    "a large batch": ({"JOBS_BATCH_SIZE": "1025"}, "JOBS_BATCH_SIZE"),
    "negative confirmations": ({"JOBS_CONFIRMATIONS": "-1"}, "JOBS_CONFIRMATIONS"),
    "another protocol": ({"JOBS_RPC_URL": "ftp://somewhere/hush"}, "JOBS_RPC_URL"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_complaint_names_the_variable(world: World, case: str) -> None:
    """One line for it, and neither the key nor any other value in it."""
    variables, named = WRONG[case]
    with pytest.raises(VariablesWrong) as caught:
        made(world, **variables)
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{named} is wrong, for block 'jobs-contract': ")
    assert world.env["JOBS_OPERATOR_KEY"] not in line
    assert not any(len(value) > 8 and value in line for value in variables.values())
