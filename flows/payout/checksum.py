"""EIP-55: the case of an address's letters is its checksum. Pure; a million in about two seconds.

Source  EIP-55; FIPS 202, section 3 (Keccak-f[1600]) with Keccak's own padding
"""

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]
Bytes = NDArray[np.uint8]

DIGITS = 40
PREFIX = 2  # 0x
RATE = 136
AT_ONCE = 2_048  # addresses; their 200 bytes each stay in the processor's cache
LOWER = np.uint8(0x20)  # the bit by which ASCII's cases differ
NIBBLE_UPPER = 8

_ONE, _ALL = np.uint64(1), np.uint64(64)
ROUNDS = np.array([
    0x0000000000000001, 0x0000000000008082, 0x800000000000808A, 0x8000000080008000,
    0x000000000000808B, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
    0x000000000000008A, 0x0000000000000088, 0x0000000080008009, 0x000000008000000A,
    0x000000008000808B, 0x800000000000008B, 0x8000000000008089, 0x8000000000008003,
    0x8000000000008002, 0x8000000000000080, 0x000000000000800A, 0x800000008000000A,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
], np.uint64)  # fmt: skip
# By the lane's old place, x + 5 y: how far it is rotated.
_TURNS = (
    0, 1, 62, 28, 27, 36, 44, 6, 55, 20, 3, 10, 43, 25, 39, 41, 45, 15, 21, 8, 18, 2, 61, 56, 14,
)  # fmt: skip
# Lanes stand at [x, y]. By the new place: the old one, for what stands at (x, y) moves to (y, 2 x + 3 y).
_FROM = [(x + 3 * y) % 5 * 5 + x for x in range(5) for y in range(5)]
_LEFT = np.array([_TURNS[old // 5 + old % 5 * 5] for old in _FROM], np.uint64).reshape(5, 5, 1)
_RIGHT = _ALL - _LEFT


def misspelt(wallets: NDArray[np.bytes_]) -> NDArray[np.bool_]:
    """Tell which of the wallets have a letter in the wrong case.

    Args:
        wallets: 0x and 40 hexadecimal digits each.

    >>> misspelt(np.array([b"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", b"0x5aaeb6053F3E94C9b9A09f33669435E7Ef1BeAed"]))
    array([False,  True])
    """
    characters = np.ascontiguousarray(wallets).view(np.uint8).reshape(-1, PREFIX + DIGITS)
    digits = characters[:, PREFIX : PREFIX + DIGITS]
    parts = [_misspelt(digits[start : start + AT_ONCE]) for start in range(0, len(digits), AT_ONCE)]
    return np.concatenate([np.array([], np.bool_), *parts])


def _misspelt(digits: Bytes) -> NDArray[np.bool_]:
    lower = digits | LOWER  # leaves 0-9 as they are
    nibbles = keccak256(lower)[:, : DIGITS // 2]
    wants_upper = np.stack([nibbles >> 4, nibbles & 15], axis=2).reshape(-1, DIGITS) >= NIBBLE_UPPER
    is_letter = lower >= ord("a")
    right = np.where(is_letter & wants_upper, lower ^ LOWER, lower)
    wrong: NDArray[np.bool_] = (right != digits).any(axis=1)
    return wrong


def keccak256(messages: Bytes) -> Bytes:
    """Return the digest of each row: 32 bytes.

    Args:
        messages: rows of one length, less than 136 bytes.
    """
    rows, length = messages.shape
    block = np.zeros((rows, RATE), np.uint8)
    block[:, :length] = messages
    block[:, length] ^= 0x01
    block[:, -1] ^= 0x80
    lanes = np.zeros((5, 5, rows), np.uint64)
    for place, lane in enumerate(block.view("<u8").T):
        lanes[place % 5, place // 5] = lane
    _permute(lanes)
    return np.ascontiguousarray(lanes[:4, 0].T).astype("<u8").view(np.uint8)


def _permute(lanes: Words) -> None:
    """Apply Keccak-f[1600] in place to states with lane (x, y) at [x, y]."""
    moved, rest = np.empty_like(lanes), np.empty_like(lanes)
    for constant in ROUNDS:
        column = np.bitwise_xor.reduce(lanes, axis=1)
        turned = (column << _ONE) | (column >> (_ALL - _ONE))
        for x in range(5):
            lanes[x] ^= column[x - 1] ^ turned[(x + 1) % 5]
        np.take(lanes.reshape(25, -1), _FROM, axis=0, out=moved.reshape(25, -1), mode="clip")
        np.right_shift(moved, _RIGHT, out=rest)
        moved <<= _LEFT
        moved |= rest
        np.invert(moved, out=rest)
        for x in range(5):
            np.bitwise_and(rest[(x + 1) % 5], moved[(x + 2) % 5], out=lanes[x])
        lanes ^= moved
        lanes[0, 0] ^= constant
