"""The machine: each transaction starts cold, costs what it costs elsewhere, and can be undone."""

import subprocess
import sys

import pytest

from contracts import artifact
from sandbox.chain.accounts import OWNER, STRANGER
from sandbox.chain.deployment import calldata
from sandbox.chain.evm import Diff, Head, Message, State, account
from tests.sandbox.chain.payer import ALICE, BOB

GAS = 1 << 24
TRANSFER, MINT = "transfer(address,uint256)", "mint(address,uint256)"


@pytest.fixture
def state() -> State:
    state = State(31337)
    state.enter(Head(1, 1_800_000_000, 7))
    state.apply(Diff({OWNER.address: (account(0), account(10**18))}))
    return state


def run(state: State, to: str | None, data: bytes, value: int = 0, sender: str = OWNER.address) -> tuple:
    outcome, diff = state.execute(Message(sender, to, data, value, GAS))
    before, after = diff.accounts[sender]
    diff.accounts[sender] = before, account(after.balance, before.nonce + 1)
    state.apply(diff)
    return outcome, diff


@pytest.fixture
def coin(state: State) -> str:
    outcome, _ = run(state, None, artifact("Coin").bytecode)
    assert outcome.created is not None
    run(state, outcome.created, calldata(MINT, OWNER.address, 100))
    return outcome.created


def test_the_second_transaction_is_as_cold_as_the_first(state: State, coin: str) -> None:
    """The same transfer three times: a fresh wallet, then twice the price of a known one, to the gas."""
    used = [run(state, coin, calldata(TRANSFER, ALICE, 1))[0].gas_used for _ in range(3)]
    assert used[0] - used[1] == 17_100  # a slot that was nought, EIP-2200
    assert used[1] == used[2]


def test_a_slot_that_is_emptied_gives_gas_back(state: State, coin: str) -> None:
    """Refunds count from the value before this transaction, not before the first one ever."""
    outcome, _ = run(state, coin, calldata(TRANSFER, ALICE, 100))
    assert outcome.gas_refunded == 4_800  # EIP-3529


def test_running_changes_nothing(state: State, coin: str) -> None:
    """A call may write what it likes: afterwards all is as before."""
    for _ in range(2):
        assert state.run(Message(OWNER.address, coin, calldata(TRANSFER, ALICE, 100), 0, GAS)).succeeded
    assert balance(state, coin, ALICE) == 0


def test_executing_changes_nothing_before_it_is_applied(state: State, coin: str) -> None:
    """The changes wait in the diff, with their values before and after."""
    _, diff = state.execute(Message(OWNER.address, coin, calldata(TRANSFER, ALICE, 30), 0, GAS))
    assert balance(state, coin, ALICE) == 0
    assert sorted((before, after) for _, _, before, after in diff.slots) == [(0, 30), (100, 70)]
    state.apply(diff)
    assert balance(state, coin, ALICE) == 30
    state.undo(diff)
    assert (balance(state, coin, ALICE), balance(state, coin, OWNER.address)) == (0, 100)


def test_a_reverted_message_leaves_no_changes(state: State, coin: str) -> None:
    """But its gas, and its reason."""
    outcome, diff = run(state, coin, calldata(TRANSFER, ALICE, 101))
    assert (outcome.succeeded, outcome.halt, b"balance" in outcome.output, diff.slots) == (
        False,
        "",
        True,
        [],
    )
    assert outcome.logs == []


def test_a_machine_that_stops_says_why(state: State, coin: str) -> None:
    """Running out of gas is no revert: it has no data."""
    outcome = state.run(Message(OWNER.address, coin, calldata(TRANSFER, ALICE, 1), 0, 25_000))
    assert (outcome.succeeded, outcome.halt[:8], outcome.output) == (False, "OutOfGas", b"")


def test_ether_moves(state: State) -> None:
    """Value goes from account to account and comes back when undone."""
    _, diff = run(state, ALICE, b"", value=7)
    assert (state.account(ALICE).balance, state.account(OWNER.address).balance) == (7, 10**18 - 7)
    state.undo(diff)
    assert (state.account(ALICE).balance, state.account(OWNER.address).nonce) == (0, 0)


def test_a_contract_is_gone_when_its_creation_is_undone(state: State) -> None:
    """And the same creation gives it the same address again."""
    first, diff = run(state, None, artifact("Coin").bytecode)
    assert first.created
    assert state.code(first.created).startswith(artifact("Coin").deployed_bytecode)
    state.undo(diff)
    assert state.code(first.created) == b""
    assert run(state, None, artifact("Coin").bytecode)[0].created == first.created


def test_logs_are_those_of_the_message(state: State, coin: str) -> None:
    """Not of the ones before it."""
    for to in (ALICE, BOB):
        outcome, _ = run(state, coin, calldata(TRANSFER, to, 1))
        (log,) = outcome.logs
        assert (log.address, log.topics[2][-40:], int(log.data, 16)) == (coin, to[2:], 1)


def test_who_has_nothing_cannot_send_ether(state: State) -> None:
    """The message does not run at all."""
    assert not state.run(Message(STRANGER.address, ALICE, b"", 1, GAS)).succeeded


def test_without_the_wheel_the_import_says_what_to_do() -> None:
    """Machines that have no pyrevm get a sentence, not a traceback about a module."""
    program = (
        "import sys; sys.modules['pyrevm'] = None\n"
        "import sandbox.chain\n"
        "from sandbox.service import SandboxError\n"
        "try:\n    import sandbox.chain.server\nexcept SandboxError as error:\n    print(error)\n"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert told.startswith("the sandbox's chain needs pyrevm")
    assert "JOBS_RPC_URL" in told


def balance(state: State, coin: str, address: str) -> int:
    call = Message(STRANGER.address, coin, calldata("balanceOf(address)", address), 0, GAS)
    return int.from_bytes(state.run(call).output)
