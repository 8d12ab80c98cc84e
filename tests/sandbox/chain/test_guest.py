"""The chain's own process: comes with its holder and goes with it; what its clients do to themselves is theirs."""

import asyncio
import json
import socket
import sys
from pathlib import Path

import psutil
import pytest
from web3 import HTTPProvider, Web3

import sandbox
from sandbox.chain import ChainGuest
from sandbox.service import SandboxError
from sandbox.state import State
from tests.sandbox.chain.payer import ALICE, signed, until

REPOSITORY = Path(sandbox.__file__).parents[1]
HOLDER = """
import asyncio, sys
from sandbox.chain import ChainGuest
async def hold():
    guest = ChainGuest(port={port}, interval_s=0.05)
    await guest.start()
    print(guest._process.pid, flush=True)
    await asyncio.sleep(60)
asyncio.run(hold())
"""


@pytest.fixture
def port(tmp_path: Path) -> int:
    return State(tmp_path).port("chain")


def client(port: int) -> Web3:
    return Web3(HTTPProvider(f"http://127.0.0.1:{port}"))


async def python(program: str, *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, *arguments, cwd=REPOSITORY, stdout=asyncio.subprocess.PIPE
    )


async def test_it_starts_mines_and_stops(port: int) -> None:
    """Its place says how to reach it, with addresses and key; a second start is a new chain."""
    guest, alice = ChainGuest(port=port, interval_s=0.05), Web3.to_checksum_address(ALICE)
    for _ in range(2):
        await guest.start()
        env = guest.describe().env
        web3 = Web3(HTTPProvider(env["JOBS_RPC_URL"]))
        assert web3.eth.chain_id == int(env["JOBS_CHAIN_ID"])
        for contract in (env["JOBS_CONTRACT"], env["JOBS_TOKEN"]):
            assert web3.eth.get_code(Web3.to_checksum_address(contract))
        assert web3.eth.account.from_key(env["JOBS_OPERATOR_KEY"]).address.startswith("0x7099")
        assert web3.eth.get_balance(alice) == 0
        web3.eth.send_raw_transaction(signed(value=9))
        await until(lambda web3=web3: web3.eth.get_balance(alice) == 9)
        await guest.stop()
        assert not web3.is_connected()
    await guest.stop()


async def test_a_kept_chain_survives_a_kill(port: int, tmp_path: Path) -> None:
    """With a home the next start finds what was mined, although the process was killed at its work."""
    guest, alice = ChainGuest(port=port, interval_s=0.05, home=tmp_path), Web3.to_checksum_address(ALICE)
    await guest.start()
    web3 = client(port)
    web3.eth.send_raw_transaction(signed(value=9))
    await until(lambda: web3.eth.get_balance(alice) == 9)
    head = web3.eth.get_block("latest")
    guest._process.kill()
    await guest._process.wait()
    await guest.start()
    assert client(port).eth.get_balance(alice) == 9
    assert client(port).eth.get_block(head.number).hash == head.hash
    await guest.stop()


async def test_a_taken_port_is_told(port: int) -> None:
    """The start fails with a sentence, and leaves no process behind."""
    guest = ChainGuest(port=port)
    with socket.create_server(("127.0.0.1", port)), pytest.raises(SandboxError, match="does not come up"):
        await guest.start()
    assert guest._process is not None
    assert guest._process.returncode


async def test_it_ends_with_its_holder(port: int) -> None:
    """kill -9 of the process that holds it ends the chain, too."""
    holder = await python(HOLDER.format(port=port))
    assert holder.stdout is not None
    pid = int(await holder.stdout.readline())
    assert client(port).is_connected()
    holder.kill()
    await holder.wait()
    await until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


async def test_a_payer_that_is_killed_does_not_disturb_it(port: int) -> None:
    """kill -9 in the middle of a request: what was sent is mined, and the chain goes on."""
    guest = ChainGuest(port=port, interval_s=0.05)
    await guest.start()
    program = (
        "import sys; from urllib.request import Request, urlopen\n"
        "while True: urlopen(Request(sys.argv[1], sys.argv[2].encode())).read(); print('sent', flush=True)\n"
    )
    asked = {"id": 1, "method": "eth_sendRawTransaction", "params": ["0x" + signed(value=9).hex()]}
    payer = await python(program, f"http://127.0.0.1:{port}", json.dumps(asked))
    assert payer.stdout is not None
    await payer.stdout.readline()
    payer.kill()
    await payer.wait()
    web3 = client(port)
    await until(lambda: web3.eth.get_balance(Web3.to_checksum_address(ALICE)) == 9)
    await guest.stop()
