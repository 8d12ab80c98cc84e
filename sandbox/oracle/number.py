"""Oracle's NUMBER: an exponent of 100 and up to 20 digits to the base of 100; a negative one is its complement."""

from decimal import Context, Decimal
from functools import lru_cache

from sandbox.oracle.errors import OracleError

ZERO = b"\x80"
POSITIVE = 0x80
SMALLEST_EXPONENT, LARGEST_EXPONENT = -65, 62
TERMINATOR = 102  # ends a negative number that has less than 20 digits, so that numbers sort as bytes
DIGITS = 20
_precision = Context(prec=38)


@lru_cache(maxsize=65_536)
def decode(raw: bytes) -> int | Decimal:
    r"""Return a whole number as int.

    >>> decode(b"\xc2\x02\x18"), decode(b"\xc0\x33"), decode(b"\x3e\x60\x66"), decode(b"\x80")
    (123, Decimal('0.50'), -5, 0)
    """
    if raw == ZERO:
        return 0
    if raw[0] & POSITIVE:
        sign, exponent, digits = 1, raw[0] - 0xC1, [byte - 1 for byte in raw[1:]]
    else:
        body = raw[1:].removesuffix(bytes((TERMINATOR,)))
        sign, exponent, digits = -1, 0x3E - raw[0], [101 - byte for byte in body]
    mantissa = 0
    for digit in digits:
        mantissa = mantissa * 100 + digit
    places = exponent - len(digits) + 1
    if places >= 0:
        return sign * mantissa * int(100**places)
    return Decimal(sign * mantissa).scaleb(2 * places)


@lru_cache(maxsize=65_536)
def encode(text: str) -> bytes:
    """Return a decimal number, written as PostgreSQL writes it, rounded to the 38 digits that Oracle keeps.

    >>> [encode(text).hex() for text in ("0", "123", "-5", "0.50")]
    ['80', 'c20218', '3e6066', 'c033']

    Raises:
        OracleError: ORA-01426, the number is out of Oracle's range, or none.
    """
    number = _precision.create_decimal(text)
    if not number.is_finite():
        raise OracleError(1426)
    sign, digits, places = number.as_tuple()
    assert isinstance(places, int)
    pairs, exponent = _in_hundreds("".join(map(str, digits)), places)
    if not pairs:
        return ZERO
    if not SMALLEST_EXPONENT <= exponent <= LARGEST_EXPONENT:
        raise OracleError(1426)
    if not sign:
        return bytes((0xC1 + exponent, *(pair + 1 for pair in pairs)))
    end = (TERMINATOR,) if len(pairs) < DIGITS else ()
    return bytes((0x3E - exponent, *(101 - pair for pair in pairs), *end))


def _in_hundreds(digits: str, places: int) -> tuple[list[int], int]:
    """Return the digits to the base of 100 without zeros at the ends, and the exponent of the first."""
    if places % 2:
        digits, places = digits + "0", places - 1
    if len(digits) % 2:
        digits = "0" + digits
    pairs = [int(digits[at : at + 2]) for at in range(0, len(digits), 2)]
    exponent = len(pairs) + places // 2 - 1
    while pairs and not pairs[0]:
        pairs, exponent = pairs[1:], exponent - 1
    while pairs and not pairs[-1]:
        pairs.pop()
    return pairs, exponent
