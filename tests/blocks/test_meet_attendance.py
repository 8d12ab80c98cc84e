"""People and their time together, against counting second by second."""

from hypothesis import given
from hypothesis import strategies as st

from blocks.meet_attendance import Attendance, Stay, attendance

MOMENT = st.integers(0, 60)
STAYS = st.lists(
    st.tuples(st.sampled_from("abc"), MOMENT, MOMENT).map(
        lambda each: Stay(each[0], min(each[1:]), max(each[1:]))
    ),
    max_size=8,
)


@given(stays=STAYS)
def test_as_counted_second_by_second(stays: list[Stay]) -> None:
    """Two different people are there in as many seconds as the rule says."""
    seconds = 0
    for second in range(60):
        there = {stay.person for stay in stays if stay.since_s <= second < stay.until_s}
        seconds += len(there) > 1
    assert attendance(stays) == Attendance(len({stay.person for stay in stays}), seconds)


def test_one_person_with_two_devices_is_alone() -> None:
    """Being there twice is not being together."""
    assert attendance([Stay("a", 0, 60), Stay("a", 10, 50)]) == Attendance(1, 0)


def test_an_end_before_its_beginning_counts_for_nothing() -> None:
    """Clocks differ: who is inside by the server's clock may have come after our now."""
    assert attendance([Stay("a", 100, 99), Stay("b", 0, 200)]) == Attendance(2, 0)
