"""IIN: what is known of the bank's personal identifiers, in arrays of bytes. Pure and vectorised.

An IIN is 12 digits: YYMMDD, then century and sex, then a number and a check digit. Whatever else the source
holds in its place is kept as it is: it is still somebody's key.
"""

import hmac
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from flows.distribution.cohort import Iins

LENGTH = 12
CENTURY_MAX = 6  # of the seventh digit
CHUNK = 32_768  # users that exist as Python objects at one time
NOT_ASCII = 0x80

Integers = NDArray[np.int64]


def chunks(iins: Iins) -> Iterator[list[bytes]]:
    """Yield them as Python's bytes, some at a time: a million at once would be 53 MB."""
    for at in range(0, len(iins), CHUNK):
        yield iins[at : at + CHUNK].tolist()


def trimmed(iins: Iins) -> Iins:
    r"""Return them without blanks at either end, no-break spaces included.

    >>> trimmed(np.array([b"012 ", b" 34", "\u00a05".encode()])).tolist()
    [b'012', b'34', b'5']
    """
    bare = np.strings.strip(iins)
    letters = np.ascontiguousarray(bare).view(np.uint8).reshape(len(bare), bare.itemsize)
    for place in np.flatnonzero((letters >= NOT_ASCII).any(axis=1)):
        told = bare[place].decode("utf-8", "surrogateescape").strip()
        bare[place] = told.encode("utf-8", "surrogateescape")
    return bare


def unique(iins: Iins) -> Iins:
    """Return each once, sorted by bytes; five times as fast as numpy's own (1 million: 0.2 s)."""
    ordered = np.sort(iins)
    is_first = np.ones(len(ordered), np.bool_)
    is_first[1:] = ordered[1:] != ordered[:-1]
    return ordered[is_first]


def well_formed(iins: Iins) -> NDArray[np.bool_]:
    """Return of each whether it is 12 digits.

    >>> well_formed(np.array([b"000000000000", b"00000000000", b"0000000000-0"])).tolist()
    [True, False, False]
    """
    is_right: NDArray[np.bool_] = np.strings.isdigit(iins) & (np.strings.str_len(iins) == LENGTH)
    return is_right


def births(iins: Iins) -> tuple[Integers, Integers]:
    """Return decade of birth and whether male (1) or not (0), of those whose IIN tells it.

    The seventh digit is 1 or 2 for the 1800s, 3 or 4 for the 1900s, 5 or 6 for the 2000s, odd for men.

    >>> births(np.array([b"950131300000", b"050131600000", b"950131000000", b"?"]))
    (array([199, 200]), array([1, 0]))
    """
    digits = iins[well_formed(iins)].astype(f"S{LENGTH}").view(np.uint8).reshape(-1, LENGTH)
    tens, sevenths = digits[:, [0, 6]].T.astype(np.int64) - ord("0")
    is_told = (sevenths > 0) & (sevenths <= CENTURY_MAX)
    return ((17 + (sevenths + 1) // 2) * 10 + tens)[is_told], (sevenths % 2)[is_told]


def digest(iins: Iins, salt: str) -> str:
    """Return HMAC-SHA-256 over the users, each with a newline: who has not the salt cannot try users out."""
    mac = hmac.new(salt.encode(), digestmod="sha256")
    for chunk in chunks(iins):
        mac.update(b"\n".join(chunk) + b"\n")
    return mac.hexdigest()
