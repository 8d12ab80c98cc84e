"""Whose wallets have a wrong checksum, found beside the stream of players, in threads: numpy lets others work meanwhile."""

import asyncio
from collections import deque

import numpy as np

from flows.payout.checksum import DIGITS, LOWER, PREFIX, Bytes, misspelt

PIECE_BYTES = 1 << 20  # of COPY text, looked at together
PIECES = 64  # in memory at once: the players of a million, so that the databases need not wait
THREADS = 2
TAB, NEWLINE = ord("\t"), ord("\n")
WALLET = np.arange(PREFIX + DIGITS)


class Spelling:
    """Looks at COPY text of three columns, a player's id, coins and wallet, as it comes by."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._threads = asyncio.Semaphore(THREADS)
        self._looking: deque[asyncio.Task[list[bytes]]] = deque()
        self._users: list[bytes] = []

    async def look(self, piece: bytes) -> None:
        """Take in what comes next; a piece may end anywhere."""
        self._rest += piece
        if len(self._rest) >= PIECE_BYTES:
            await self._check(self._rest.rfind(b"\n") + 1)

    async def wrong(self) -> list[bytes]:
        """Return the ids, when all has come by; a wallet that is malformed anyway may be among them."""
        await self._check(len(self._rest))
        while self._looking:
            self._users += await self._looking.popleft()
        return self._users

    async def _check(self, end: int) -> None:
        if len(self._looking) == PIECES:
            self._users += await self._looking.popleft()
        rows = bytes(self._rest[:end])
        del self._rest[:end]
        self._looking.append(asyncio.create_task(self._misspelt(rows)))

    async def _misspelt(self, rows: bytes) -> list[bytes]:
        async with self._threads:
            return await asyncio.to_thread(misspelt_users, rows)


def misspelt_users(rows: bytes) -> list[bytes]:
    r"""Return the ids of those whose wallets are in mixed case, and in the wrong one.

    >>> misspelt_users(b"1\t5\t0x5aaeb6053F3E94C9b9A09f33669435E7Ef1BeAed\n2\t5\t\\N\n")
    [b'1']
    """
    text = np.frombuffer(rows, np.uint8)
    # Within a value both are escaped, so that each row has two tabs and one newline.
    tabs, ends = np.flatnonzero(text == TAB), np.flatnonzero(text == NEWLINE)
    first, last = tabs[::2], tabs[1::2] + 1
    begins = np.concatenate([[0], ends[:-1] + 1])
    long_enough = np.flatnonzero(ends - last == len(WALLET))
    wallets = text[last[long_enough, np.newaxis] + WALLET]
    mixed = np.flatnonzero(_is_mixed(wallets[:, PREFIX:]))
    wrong = long_enough[mixed[misspelt(wallets[mixed])]]
    return [rows[begins[row] : first[row]] for row in wrong]


def _is_mixed(digits: Bytes) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Tell where there are both cases: all lower or all upper has no checksum."""
    letters = digits >= ord("A")
    lower = letters & (digits & LOWER != 0)
    mixed: np.ndarray[tuple[int], np.dtype[np.bool_]] = lower.any(axis=1) & (letters & ~lower).any(axis=1)
    return mixed
