"""Packing recipients into words and taking them apart again."""

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import recipients
from contracts.recipients import AMOUNT_LIMIT, pack, unpack

ADDRESSES = st.binary(min_size=20, max_size=20).map(lambda octets: "0x" + octets.hex())
AMOUNTS = st.integers(1, AMOUNT_LIMIT - 1)


@given(st.lists(st.tuples(ADDRESSES, AMOUNTS), max_size=50))
def test_what_is_packed_comes_out_again(pairs: list[tuple[str, int]]) -> None:
    """Any recipients survive, in their order; each takes one word."""
    assert list(unpack(pack(pairs))) == pairs
    assert len(pack(pairs)) == 32 * len(pairs)


@given(st.tuples(ADDRESSES, AMOUNTS))
def test_a_word_is_the_number_that_the_contract_reads(pair: tuple[str, int]) -> None:
    """The address is above the amount's 96 bits."""
    address, amount = pair
    assert int.from_bytes(pack([pair])) == int(address, 16) << 96 | amount


@given(ADDRESSES, st.one_of(st.integers(max_value=0), st.integers(min_value=AMOUNT_LIMIT)))
def test_an_amount_that_does_not_fit_is_refused(address: str, amount: int) -> None:
    """Nought, negative and 2^96 and above never get into a word."""
    with pytest.raises(ValueError, match="above 0 and below"):
        pack([(address, amount)])


@pytest.mark.parametrize(
    "address",
    [
        "",
        "0x",
        "0x" + "a" * 39,
        "0x" + "a" * 41,
        "a" * 42,
        "0x" + " a" * 20,
        "0x" + "g" * 40,
        "0X" + "a" * 40,
    ],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    """Length, prefix and digits all count; the checksum is the payer's own business."""
    with pytest.raises(ValueError):
        pack([(address, 1)])


@given(st.binary().filter(lambda octets: len(octets) % 32))
def test_a_ragged_payload_is_refused(octets: bytes) -> None:
    """Half a word is none."""
    with pytest.raises(ValueError, match="no whole number"):
        list(unpack(octets))


def test_the_examples_are_true() -> None:
    """Every example in the docstrings gives what it says."""
    failed, tried = doctest.testmod(recipients)
    assert (failed, tried > 0) == (0, True)
