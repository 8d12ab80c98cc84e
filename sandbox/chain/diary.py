"""The chain's blocks in a file: a sandbox that is started again goes on with the same chain.

The ledger of payout outlives the sandbox's processes and must find its jobs on the chain again. What waited in the
mempool is gone, as with a node that is restarted: who sent it sends it again. To repeat a day of empty blocks takes 2 s,
100,000 recipients 3 s.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sandbox.chain.block import Block
from sandbox.chain.chain import Chain, Change, Remade
from sandbox.chain.transaction import decode
from sandbox.service import SandboxError


class Diary:
    """One line for each change: how many blocks left, those that joined, the head's hash afterwards.

    The first line is the chain's beginning, block 0 included.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def born_s(self) -> int | None:
        """Unix time of block 0; None where nothing is written yet."""
        _, blocks, _ = next(self._lines(), (0, [[None]], ""))
        born_s: int | None = blocks[0][0]
        return born_s

    def repeat(self, chain: Chain) -> Iterator[Change]:
        """Bring a chain that was born at `born_s` to where it was, change by change.

        Raises:
            SandboxError: what comes out is another chain.
        """
        for removed, blocks, head_hash in self._lines():
            added = blocks if removed or chain.head.number else blocks[1:]
            change = chain.repeat(removed, map(_remade, added))
            if chain.head.hash != head_hash:
                raise SandboxError(
                    f"{self._path} does not fit this sandbox any more: remove {self._path.parent}"
                )
            yield change

    def write(self, change: Change) -> None:
        entry = (len(change.removed), [_written(block) for block in change.added], change.added[-1].hash)
        with self._path.open("ab", buffering=0) as file:
            file.write(json.dumps(entry, separators=(",", ":")).encode() + b"\n")

    def _lines(self) -> Iterator[Any]:
        """Half a line is left by a kill in the middle of writing: nobody was told of it, and it is cut off."""
        if not self._path.exists():
            return
        whole_bytes = 0
        with self._path.open("rb") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    os.truncate(self._path, whole_bytes)
                    return
                whole_bytes += len(line)
                yield json.loads(line)


def _written(block: Block) -> tuple[int, int, int, list[str]]:
    raws = [receipt.transaction.raw.hex() for receipt in block.receipts]
    return block.timestamp_s, block.base_fee_wei, block.salt, raws


def _remade(written: tuple[int, int, int, list[str]]) -> Remade:
    timestamp_s, base_fee_wei, salt, raws = written
    return Remade(timestamp_s, base_fee_wei, salt, [decode(bytes.fromhex(raw)) for raw in raws])
