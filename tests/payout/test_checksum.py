"""EIP-55 in numpy says what the reference says."""

import numpy as np
from eth_utils import keccak, to_checksum_address
from hypothesis import given
from hypothesis import strategies as st

from flows.payout import checksum

addresses = st.binary(min_size=20, max_size=20).map(to_checksum_address)


@given(st.integers(0, 135), st.integers(1, 5), st.randoms(use_true_random=False))
def test_digests_are_those_of_keccak(length: int, rows: int, random) -> None:
    """Of every length that fits into one block, in any number."""
    messages = np.frombuffer(random.randbytes(rows * length), np.uint8).reshape(rows, length)
    digests = checksum.keccak256(messages)
    assert [digest.tobytes() for digest in digests] == [keccak(row.tobytes()) for row in messages]


@given(st.lists(addresses, min_size=1, max_size=30), st.data())
def test_one_letter_in_the_wrong_case_is_found(wallets: list[str], data) -> None:
    """In whichever of the wallets, and nowhere else; what eth_utils wrote is right."""
    assert not checksum.misspelt(as_array(wallets)).any()
    at = data.draw(st.integers(0, len(wallets) - 1))
    letters = [place for place, letter in enumerate(wallets[at]) if place > 1 and letter.isalpha()]
    if not letters:
        return
    place = data.draw(st.sampled_from(letters))
    wallets[at] = wallets[at][:place] + wallets[at][place].swapcase() + wallets[at][place + 1 :]
    assert checksum.misspelt(as_array(wallets)).tolist() == [number == at for number in range(len(wallets))]


def test_more_than_are_looked_at_at_once_are_all_looked_at() -> None:
    """The wrong one may be the last of many."""
    right = to_checksum_address(b"\xab" * 20)
    wallets = as_array([right] * (2 * checksum.AT_ONCE) + [right[:2] + right[2:].swapcase()])
    assert np.flatnonzero(checksum.misspelt(wallets)).tolist() == [2 * checksum.AT_ONCE]


def test_nobody_is_nobody() -> None:
    """No wallet is an empty answer, not an error."""
    assert checksum.misspelt(np.array([], "S42")).tolist() == []


def as_array(wallets: list[str]) -> np.ndarray:
    return np.array([wallet.encode() for wallet in wallets])
