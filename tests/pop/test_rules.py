"""Pop's decisions: who, in which order, until when."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.pop import rules
from flows.pop.models import Facts, Outcome, Wish

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
names = st.text("abcdef0123456789", min_size=1, max_size=6)
histories = st.dictionaries(
    names, st.datetimes(datetime(2026, 2, 20), datetime(2026, 3, 1, 11), timezones=st.just(UTC))
)


def make_plan(accounts, history=None, **wish):
    return rules.plan(Facts(NOON, accounts, history or {}), Wish(**wish))


@given(st.lists(names, min_size=1), histories)
def test_everybody_is_served_today_or_queued_once(accounts, history):
    """Nobody is lost, nobody is twice in the queue."""
    plan = make_plan(accounts, history)
    served = {name for name, at in history.items() if at.date() == NOON.date()}
    assert len(set(plan.queue)) == len(plan.queue)
    assert set(plan.queue) == set(accounts) - served
    assert plan.served_before == len(served & set(accounts))
    assert plan.dropped == len(accounts) - len(set(accounts))


@given(st.lists(names, min_size=1), histories)
def test_the_least_recently_served_is_first(accounts, history):
    """Never served before ever served, older before newer."""
    never = datetime.min.replace(tzinfo=UTC)
    times = [history.get(name, never) for name in make_plan(accounts, history).queue]
    assert times == sorted(times)


def test_ties_are_broken_anew_each_day():
    """With more accounts than fit, nobody is the one who always misses."""
    accounts = {f"0x{number}" for number in range(100)}
    facts = Facts(NOON, list(accounts), {})
    orders = {rules.order(accounts, facts, date(2026, 3, day)) for day in (1, 2, 3)}
    assert len(orders) == 3
    assert rules.order(accounts, facts, NOON.date()) == rules.order(set(accounts), facts, NOON.date())


def test_rows_without_an_address_are_dropped_and_counted():
    """A blank or missing address is no account."""
    plan = make_plan(["0xa", None, "  ", " 0xa "])
    assert (plan.queue, plan.dropped) == (("0xa",), 3)


def test_no_account_at_all_is_an_error():
    """An empty table would mean a silently idle day."""
    with pytest.raises(rules.NobodyToServe, match="idle"):
        make_plan([None])


def test_the_window_ends_before_midnight_utc():
    """A run that touches midnight would cancel tomorrow's."""
    assert rules.window_end(NOON, Wish()) == datetime(2026, 3, 1, 23, 58, 30, tzinfo=UTC)


@pytest.mark.parametrize("asked", [NOON, NOON - timedelta(seconds=1), NOON + timedelta(hours=12)])
def test_a_window_without_time_is_refused(asked):
    """The error names the field, its problem and the remedy in one line."""
    with pytest.raises(rules.WindowPast, match=r"^window_end .* must be after now .*leave it empty[^\n]*$"):
        rules.window_end(NOON, Wish(window_end=asked))


def test_a_trial_without_a_window_is_over_soon():
    """Somebody waits for it; spread over the day, the first of ten would come after hours."""
    assert make_plan(["0xa"], limit=10).end_utc == NOON + timedelta(seconds=40)


def test_a_window_in_another_zone_or_without_one_is_understood():
    """No zone means UTC."""
    assert make_plan(["0xa"], window_end=datetime(2026, 3, 1, 13)).end_utc == datetime(
        2026, 3, 1, 13, tzinfo=UTC
    )
    almaty = datetime(2026, 3, 1, 18, tzinfo=timezone(timedelta(hours=5)))
    assert make_plan(["0xa"], window_end=almaty).end_utc == datetime(2026, 3, 1, 13, tzinfo=UTC)


def test_the_plan_says_how_many_fit():
    """A short window, a large gap: coverage is known before anything is sent."""
    plan = make_plan([f"0x{n}" for n in range(100)], window_end=NOON + timedelta(seconds=20), min_gap_s=1.0)
    assert (plan.fits, plan.gap_s, plan.expected_end_utc) == (20, 1.0, plan.end_utc)


def test_a_limit_takes_the_first_of_the_order():
    """A trial serves those who would be next anyway."""
    accounts = [f"0x{n}" for n in range(10)]
    assert make_plan(accounts, limit=3).queue == make_plan(accounts).queue[:3]


@given(st.datetimes(datetime(2026, 3, 1), datetime(2026, 3, 1, 23, 58), timezones=st.just(UTC)))
def test_slots_cover_the_window_without_holes(start):
    """96 a day, each within one quarter of an hour."""
    end = rules.window_end(start, Wish())
    slots = list(rules.slots(start, end))
    assert slots[0].start_utc == start
    assert slots[-1].end_utc == end
    assert all(one.end_utc == two.start_utc for one, two in pairwise(slots))
    assert all(slot.end_utc - slot.start_utc <= rules.SLOT for slot in slots)
    assert len(list(rules.slots(datetime(2026, 3, 1, tzinfo=UTC), end))) == 96


def test_a_pass_that_served_nobody_fails():
    """Idle for a day is the one thing that must not look like success."""
    plan = make_plan(["0xa"])
    with pytest.raises(rules.NobodyAnswered, match="2 overwhelmed"):
        rules.summarise(plan, Counter({Outcome.OVERWHELMED: 2}), None)
    assert rules.summarise(plan, Counter(), None).served == 0


def test_who_never_answers_does_not_undo_a_day_that_is_done():
    """Running pop again after 99 of 100 were served is no failure."""
    plan = make_plan(["0xa", "0xb"], {"0xb": NOON - timedelta(hours=1)})
    assert rules.summarise(plan, Counter({Outcome.BAD_REPLY: 1}), None).unserved == 1


def test_a_plan_made_after_midnight_is_not_made_under_yesterdays_lock():
    """The duty that is held and the day that is planned are the same, or the run starts again."""
    with pytest.raises(rules.WindowPast, match="Midnight UTC passed"):
        rules.plan(Facts(NOON, ["0xa"], {}, day=date(2026, 2, 28)), Wish())


def test_exhausted_counts_as_served():
    """The server has nothing left to give today."""
    summary = rules.summarise(make_plan(["0xa", "0xb"]), Counter({Outcome.EXHAUSTED: 1}), None)
    assert (summary.served, summary.unserved) == (1, 1)


@pytest.mark.parametrize(
    ("wish", "left", "done"),
    [
        (Wish(), 0, True),
        (Wish(), 7, True),  # the day is over: who did not fit is first tomorrow
        (Wish(window_end=NOON), 0, True),
        (Wish(window_end=NOON), 7, False),  # the window was short: the guard goes on
        (Wish(limit=5), 0, False),
    ],
)
def test_the_duty_is_done_when_everybody_had_their_turn_or_the_day_is_over(wish, left, done):
    """A trial never counts; a short window counts only if everybody fitted."""
    assert rules.is_duty_done(wish, left) is done
