"""Oracle's DATE, 7 bytes to the second, and its TIMESTAMP, 4 more for the nanoseconds."""

from datetime import datetime
from functools import lru_cache

from sandbox.oracle.errors import OracleError

DATE_BYTES = 7
TIMESTAMP_BYTES = 11
NANOSECONDS = 1000


@lru_cache(maxsize=65_536)
def decode(raw: bytes) -> datetime:
    """Return a naive time; the driver sends no other offset than zero.

    >>> decode(bytes((120, 124, 2, 29, 24, 60, 1)))
    datetime.datetime(2024, 2, 29, 23, 59)
    """
    century, year, month, day, hour, minute, second = raw[:DATE_BYTES]
    microsecond = int.from_bytes(raw[DATE_BYTES:TIMESTAMP_BYTES], "big") // NANOSECONDS
    whole_year = (century - 100) * 100 + year - 100
    return datetime(whole_year, month, day, hour - 1, minute - 1, second - 1, microsecond)  # noqa: DTZ001


@lru_cache(maxsize=65_536)
def encode(text: str) -> bytes:
    """Return a time, written in ISO as PostgreSQL writes it; without a fraction 7 bytes are enough.

    >>> encode("2024-02-29 23:59:00").hex(), encode("2024-02-29").hex()
    ('787c021d183c01', '787c021d010101')

    Raises:
        OracleError: ORA-01841, the year is none of 1 to 9999.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise OracleError(1841) from None
    century, year = divmod(moment.year, 100)
    clock = (moment.hour + 1, moment.minute + 1, moment.second + 1)
    date = bytes((century + 100, year + 100, moment.month, moment.day, *clock))
    if not moment.microsecond:
        return date
    return date + (moment.microsecond * NANOSECONDS).to_bytes(4, "big")
