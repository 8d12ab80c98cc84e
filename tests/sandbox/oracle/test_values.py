"""Every value comes back as it was sent, on the driver's own word."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import oracledb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.oracle import moment, number
from sandbox.oracle.errors import OracleError

numbers = st.one_of(
    st.integers(-(10**38) + 1, 10**38 - 1),
    st.decimals(allow_nan=False, allow_infinity=False, places=8, min_value=-(10**20), max_value=10**20),
    st.builds(
        lambda digits, places: Decimal(digits).scaleb(places),
        st.integers(-999_999, 999_999),
        st.integers(-60, 60),
    ),
)
moments = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999_999))
on_one_connection = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=100
)


@given(numbers)
def test_a_number_is_decoded_to_what_was_encoded(value: Decimal | int) -> None:
    """Our own two directions agree, for every number of up to 38 digits."""
    assert number.decode(number.encode(str(value))) == value


@given(numbers, numbers)
def test_numbers_sort_as_bytes(one: Decimal | int, other: Decimal | int) -> None:
    """As Oracle's do: it is what the odd encoding is for."""
    if one < other:
        assert number.encode(str(one)) < number.encode(str(other))


@given(numbers)
@on_one_connection
def test_the_driver_agrees_about_numbers(cursor: oracledb.Cursor, value: Decimal | int) -> None:
    """What the driver encodes and what it decodes is the same number."""
    cursor.outputtypehandler = as_decimal
    assert cursor.execute("select :1 as x from dual", [value]).fetchone() == (value,)


@given(moments)
@on_one_connection
def test_the_driver_agrees_about_timestamps(cursor: oracledb.Cursor, value: datetime) -> None:
    """To the microsecond."""
    cursor.setinputsizes(oracledb.DB_TYPE_TIMESTAMP)
    assert cursor.execute("select :1 as x from dual", [value]).fetchone() == (value,)


@given(moments)
@on_one_connection
def test_the_driver_agrees_about_dates(cursor: oracledb.Cursor, value: datetime) -> None:
    """A DATE has no fraction of a second."""
    cursor.setinputsizes(oracledb.DB_TYPE_DATE)
    assert cursor.execute("select :1 as x from dual", [value]).fetchone() == (value.replace(microsecond=0),)


@given(moments)
def test_a_moment_is_decoded_to_what_was_encoded(value: datetime) -> None:
    """Our own two directions agree."""
    assert moment.decode(moment.encode(str(value))) == value


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=300))
@on_one_connection
def test_a_text_comes_back(cursor: oracledb.Cursor, value: str) -> None:
    """Any characters, short and long ones; the empty text is NULL."""
    cursor.execute("insert into everything (long_text) values (:1)", [value])
    assert cursor.execute("select long_text from everything").fetchone() == (value or None,)
    cursor.connection.rollback()


@given(st.floats(allow_nan=False, allow_infinity=False))
@on_one_connection
def test_a_double_comes_back(cursor: oracledb.Cursor, value: float) -> None:
    """Bit by bit."""
    cursor.setinputsizes(oracledb.DB_TYPE_BINARY_DOUBLE)
    cursor.execute("insert into everything (double_) values (:1)", [value])
    assert cursor.execute("select double_ from everything").fetchone() == (value,)
    cursor.connection.rollback()


@pytest.mark.parametrize("size", [1, 252, 253, 1000, 4000, 4001, 40_000])
def test_long_texts_and_bytes_come_back(cursor: oracledb.Cursor, size: int) -> None:
    """Also those that go in pieces, and those that go after all the others."""
    row = ("я" * size, b"\x00\xff" * size, "last")
    cursor.execute("insert into everything (long_text, raw_, varchar2) values (:1, :2, :3)", row)
    assert cursor.execute("select long_text, raw_, varchar2 from everything").fetchone() == row


@pytest.mark.parametrize("wrong", ["NaN", "Infinity", "1e126", "1e-133"])
def test_what_is_no_oracle_number_overflows(wrong: str) -> None:
    """ORA-01426, as PostgreSQL has numbers that Oracle has not."""
    with pytest.raises(OracleError, match="ORA-01426"):
        number.encode(wrong)


@pytest.mark.parametrize("wrong", ["infinity", "0044-03-15 12:00:00 BC"])
def test_what_is_no_oracle_date_is_refused(wrong: str) -> None:
    """ORA-01841, as PostgreSQL has dates that Oracle has not."""
    with pytest.raises(OracleError, match="ORA-01841"):
        moment.encode(wrong)


def test_all_types_are_described(cursor: oracledb.Cursor) -> None:
    """The driver learns type, size, precision and scale of a column as Oracle would tell them."""
    cursor.execute("select * from everything")
    described = {name: (kind.name, *sizes) for name, kind, *sizes, _ in cursor.description}
    assert described["VARCHAR2"] == ("DB_TYPE_VARCHAR", 50, 200, None, None)
    assert described["CHAR_"][:2] == ("DB_TYPE_CHAR", 5)
    assert described["NUMBER_"][3:] == (0, -127)
    assert described["MONEY"][3:] == (10, 2)
    assert described["ID"][3:] == (38, 0)
    assert [described[name][0] for name in ("DATE_", "TIMESTAMP_", "RAW_", "DOUBLE_")] == [
        "DB_TYPE_DATE", "DB_TYPE_TIMESTAMP", "DB_TYPE_RAW", "DB_TYPE_BINARY_DOUBLE",
    ]  # fmt: skip


def test_one_row_of_everything(cursor: oracledb.Cursor) -> None:
    """Each of Oracle's types, and NULL in each of them."""
    row = ("x", "y" * 5, 5, Decimal("1.25"), datetime(2024, 2, 29, 1, 2, 3), b"\x01", 1.5)
    columns = "varchar2, char_, number_, money, date_, raw_, double_"
    cursor.outputtypehandler = as_decimal
    cursor.execute(f"insert into everything ({columns}) values (:1, :2, :3, :4, :5, :6, :7)", row)
    cursor.execute(f"insert into everything ({columns}) values (:1, :2, :3, :4, :5, :6, :7)", [None] * 7)
    cursor.execute(f"select {columns} from everything order by varchar2")
    assert cursor.fetchall() == [row, (None,) * 7]


def test_a_date_is_bound_as_midnight(cursor: oracledb.Cursor) -> None:
    """A Python date without a time."""
    assert cursor.execute("select :1 as x from dual", [date(2024, 1, 2)]).fetchone() == (
        datetime(2024, 1, 2),
    )


def test_a_flag_is_a_number(cursor: oracledb.Cursor) -> None:
    """Oracle 19 has no boolean: the driver binds 0 and 1."""
    assert cursor.execute("select :1 as x, :2 as y from dual", [True, False]).fetchone() == (1, 0)


def as_decimal(cursor: oracledb.Cursor, metadata: Any) -> Any:
    if metadata.type_code is oracledb.DB_TYPE_NUMBER:
        return cursor.var(Decimal, arraysize=cursor.arraysize)
    return None
