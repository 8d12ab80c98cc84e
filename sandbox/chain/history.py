"""The state at the head, and at every height of the last blocks."""

from collections import deque

from sandbox.chain.evm import Diff, State


class HistoryGoneError(Exception):
    """Nobody keeps the state of so old a block."""


class History:
    """Two states: one at the head, and one that is moved to whatever older height is asked for.

    Moving it costs as much as the blocks between changed, so that asking for the same height, or for one that
    follows the head at a distance, costs next to nothing.

    Attributes:
        kept: how many blocks back one can look, and reorganise.
    """

    def __init__(self, chain_id: int, kept: int = 128) -> None:
        self.head, self._past = State(chain_id), State(chain_id)
        self.kept = kept
        self._blocks: deque[list[Diff]] = deque()
        self._number = self._past_number = 0

    @property
    def oldest(self) -> int:
        return self._number - len(self._blocks)

    def start(self, genesis: Diff) -> None:
        for state in (self.head, self._past):
            state.apply(genesis)

    def push(self, diffs: list[Diff]) -> None:
        """Remember what the block above the head changed; the head has it already."""
        self._blocks.append(diffs)
        self._number += 1
        if len(self._blocks) > self.kept:
            self._go(max(self._past_number, self.oldest + 1))
            self._blocks.popleft()

    def pop(self) -> None:
        """Take the head's block back; not below `oldest`."""
        self._go(min(self._past_number, self._number - 1))
        _undo(self.head, self._blocks.pop())
        self._number -= 1

    def at(self, number: int) -> State:
        """Return the state after the block `number`; good until the next call.

        Raises:
            HistoryGoneError: too old.
        """
        if number == self._number:
            return self.head
        if not self.oldest <= number < self._number:
            raise HistoryGoneError(f"state of block {number} is not kept, only from {self.oldest} on")
        self._go(number)
        return self._past

    def _go(self, number: int) -> None:
        while self._past_number < number:
            for diff in self._diffs(self._past_number + 1):
                self._past.apply(diff)
            self._past_number += 1
        while self._past_number > number:
            _undo(self._past, self._diffs(self._past_number))
            self._past_number -= 1

    def _diffs(self, number: int) -> list[Diff]:
        return self._blocks[number - self.oldest - 1]


def _undo(state: State, diffs: list[Diff]) -> None:
    for diff in reversed(diffs):
        state.undo(diff)
