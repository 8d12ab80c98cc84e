"""A chain that is kept: the same blocks, books and open jobs after a start as before it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.chain.diary import Diary
from sandbox.chain.node import Node
from sandbox.chain.worker import Orders
from sandbox.service import SandboxError
from tests.sandbox.chain.payer import ALICE, BOB, signed, submission

NOW_S = 1_800_000_000

Start = Callable[[], Node]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "chain.jsonl"


@pytest.fixture
def start(path: Path) -> Start:
    """Starts a node on what is kept, or a new chain the first time."""
    return lambda: Node(now_s=lambda: NOW_S, diary=Diary(path))


def told(node: Node) -> tuple[object, ...]:
    """What a client could have been told, and what the worker still has to do."""
    chain = node.chain
    return (
        [block.hash for block in chain.blocks],
        chain.places,
        node.counters.as_json(),
        dict(node.worker.open),
    )


def play(node: Node, first: int, jobs: int) -> None:
    """Submit jobs, one block for each; the operator's nonces and the jobs' ids count from `first`."""
    for number in range(first, first + jobs):
        node.chain.send(submission(number, [(ALICE, 5), (BOB, 7)], nonce=number))
        node.chain.mine()


def test_the_same_chain_after_a_start(start: Start) -> None:
    """Blocks with their hashes, receipts with their logs, balances, limits and counters are as they were."""
    node = start()
    play(node, 0, 3)
    again = start()
    assert told(again) == told(node)
    assert again.token_balance(ALICE) == node.token_balance(ALICE) == 10
    assert again.budget == node.budget
    assert again.chain.next_head == node.chain.next_head


def test_it_goes_on_from_there(start: Start) -> None:
    """What is mined after a start is kept, too, and so is what is mined after the next."""
    for number in range(3):
        play(start(), 2 * number, 2)
    node = start()
    for _ in range(2):  # the worker sees the job that is left, and then its payment is mined
        node.chain.mine()
    assert node.token_balance(ALICE) == 6 * 5


def test_open_jobs_are_taken_up(start: Start) -> None:
    """The worker finds the jobs that it had not come to."""
    node = start()
    node.worker.orders = Orders(deed="stall")
    play(node, 0, 2)
    again = start()
    assert list(again.worker.open) == list(node.worker.open)
    assert len(again.worker.open) == 2
    for _ in range(2):
        again.chain.mine()
    assert again.token_balance(ALICE) == 10


def test_reorganisations_are_kept(start: Start) -> None:
    """Blocks that were taken back stay away, those in their place have their hashes, and the next are new ones."""
    node = start()
    play(node, 0, 3)
    gone = node.chain.reorganise(2, drop=True).removed
    node.chain.mine()
    again = start()
    assert told(again) == told(node)
    assert not {block.hash for block in gone} & again.chain.numbers.keys()
    assert again.chain.reorganise(1).added[0].hash == node.chain.reorganise(1).added[0].hash


def test_what_waited_is_gone(start: Start) -> None:
    """The mempool is not kept: who sent a transaction sends it again."""
    node = start()
    node.chain.send(signed(value=9))
    again = start()
    assert len(again.chain.pool) == 0
    again.chain.send(signed(value=9))


def test_the_clock_goes_on(path: Path) -> None:
    """A clock that was put forward keeps its distance after a start, instead of waiting to be overtaken."""
    now_s = NOW_S
    for ahead_s in (3600, 0):
        node = Node(now_s=lambda: now_s, diary=Diary(path))
        node.chain.ahead_s += ahead_s
        node.chain.mine()
    now_s += 10
    assert node.chain.next_head.timestamp_s == NOW_S + 3600 + 10


def test_half_a_line_is_cut_off(start: Start, path: Path) -> None:
    """A kill while a block is written down costs that block, which nobody had been told of, and no more."""
    node = start()
    play(node, 0, 2)
    before = told(start())
    with path.open("ab") as file:
        file.write(b"[0,[[1800000000,1000")
    play(again := start(), 2, 1)
    assert told(again)[0][: len(before[0])] == before[0]
    assert told(start()) == told(again)


def test_half_a_beginning_is_a_new_chain(start: Start, path: Path) -> None:
    """A kill during the very first start leaves nothing behind."""
    path.write_bytes(b"[0,[[18")
    play(node := start(), 0, 1)
    assert told(start()) == told(node)


def test_another_chain_is_refused(start: Start, path: Path) -> None:
    """A file that does not lead to the blocks that it promises is told, with the remedy."""
    play(start(), 0, 1)
    path.write_bytes(path.read_bytes().replace(b"[1800000000", b"[1800000001"))
    with pytest.raises(SandboxError, match="does not fit this sandbox any more: remove"):
        start()


def test_other_contracts_are_refused(start: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A chain that began with other contracts than ours are now is told, with the remedy."""
    start()
    for name in ("Coin", "Jobs"):
        text = (Path("contracts") / f"{name}.json").read_text()
        (tmp_path / f"{name}.json").write_text(
            text.replace('"deployedBytecode": "0x', '"deployedBytecode": "0x00')
        )
    monkeypatch.setattr("contracts.FOLDER", tmp_path)
    with pytest.raises(SandboxError, match="has changed since this chain began: remove"):
        start()
