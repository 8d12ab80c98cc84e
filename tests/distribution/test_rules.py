"""Distribution's decisions: which users, who may start it, and when it is done."""

import hmac
import json
import re
from dataclasses import asdict
from datetime import date, datetime, timedelta
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.distribution import iin, permission, rules, split
from flows.distribution.cohort import Block
from flows.distribution.days import LedgerDay, PastDay, TableState
from flows.distribution.models import Campaign, Group, Remainder, Skip, Status, Wish
from tests.distribution import results

DAY = date(2030, 5, 17)
SALT = "salt of the tests"
NOBODY = np.array([], dtype="S12")
ONE_DAY = timedelta(days=1)
NIGHT, NINE = datetime(2030, 5, 17, 8, 59, 59), datetime(2030, 5, 17, 9)
blanks = st.text(" \t\xa0", max_size=2)
numbers = st.from_regex(r"[0-9]{1,12}", fullmatch=True)


def array(values):
    return np.array([value.encode() for value in values], dtype="S") if values else NOBODY


# ── users ──


@given(st.lists(st.tuples(blanks, numbers | st.just(""), blanks)), st.lists(numbers))
def test_every_row_is_accounted_for(rows, assigned):
    """Each row is blank, a duplicate, excluded or a user; the users are unique, trimmed and sorted."""
    cohort = rules.cohort(array(["".join(row) for row in rows]), array(assigned), SALT)
    named = [number for _, number, _ in rows if number]
    expected = sorted({number.encode() for number in set(named) - set(assigned)})
    assert cohort.iins.tolist() == expected
    assert cohort.blank == len(rows) - len(named)
    assert cohort.duplicates == len(named) - len(set(named))
    assert cohort.read == cohort.blank + cohort.duplicates + cohort.excluded + len(cohort)
    assert cohort.malformed == sum(len(each) != 12 for each in expected)


def test_an_iin_is_text():
    """Leading zeros stay, an IIN with one zero less is another; what is not digits is kept and counted."""
    cohort = rules.cohort(array(["000000000012", "00000000012", "12", "ИИН"]), NOBODY, SALT)
    assert cohort.iins.tolist() == [b"000000000012", b"00000000012", b"12", "ИИН".encode()]
    assert cohort.malformed == 3


def test_blanks_of_all_kinds_are_trimmed():
    """Spaces, tabs, line ends and no-break spaces, on both sides and in those already assigned too."""
    raw = array([" 012\t", "\r\n012", "\xa0012\u2003", "  ", "\xa0", "34"])
    cohort = rules.cohort(raw, array(["\t34 "]), SALT)
    assert cohort.iins.tolist() == [b"012"]
    assert (cohort.read, cohort.blank, cohort.duplicates, cohort.excluded) == (6, 2, 2, 1)


def test_an_iin_that_no_table_holds_is_left_out():
    """More than 12 bytes, by however many rows: neither distributed nor part of the digest, counted and told."""
    rows = ["850101300123", "8501013001234", "8501013001234", " 850101300124 ", "ИИН ИИН ИИН", "1" * 30]
    cohort = rules.cohort(array(rows), NOBODY, SALT)
    assert cohort.iins.tolist() == [b"850101300123", b"850101300124"]
    assert (cohort.read, cohort.too_long, cohort.blank, cohort.duplicates) == (6, 4, 0, 0)
    assert cohort.digest == rules.cohort(cohort.iins, NOBODY, SALT).digest
    (warning,) = rules.oddities(cohort)
    assert (warning.name, warning.ok) == ("iin length", False)
    assert warning.told.endswith("4 rows")
    assert rules.oddities(rules.cohort(cohort.iins, NOBODY, SALT)) == ()


def test_bytes_that_are_no_text_are_kept():
    """Whatever the source holds is somebody's key; nothing of it may get lost or raise."""
    odd = np.array([b"\xff\xfe1", b"1\xc2", b"\xa01"], dtype="S12")
    assert rules.cohort(odd, NOBODY, SALT).iins.tolist() == sorted(odd.tolist())


@given(st.lists(numbers, min_size=1), st.randoms(use_true_random=False))
def test_the_digest_is_of_the_users_and_nothing_else(users, random):
    """Order, duplicates, blanks and the exclusion do not change it; one user more does."""
    shuffled = random.sample(users, len(users))
    one = rules.cohort(array(users), NOBODY, SALT)
    two = rules.cohort(array([*shuffled, users[0] + " ", ""]), array(users[:1]), SALT)
    assert one.digest == two.digest
    assert rules.cohort(array([*users, "x"]), NOBODY, SALT).digest != one.digest


def test_the_digest_is_keyed():
    """Without the salt nobody can try who is in it; it is HMAC-SHA-256 over a line for each user."""
    users = [f"{number:012}" for number in range(iin.CHUNK + 10)]
    lines = "".join(f"{user}\n" for user in users).encode()
    cohort = rules.cohort(array(users), NOBODY, SALT)
    assert cohort.digest == hmac.digest(SALT.encode(), lines, "sha256").hex()
    assert rules.cohort(array(users), NOBODY, "another").digest != cohort.digest


def test_nobody_at_all():
    """No row, or only blank ones, is no user and no error."""
    assert len(rules.cohort(NOBODY, array(["1"]), SALT)) == 0
    assert len(rules.cohort(array(["", " "]), NOBODY, SALT)) == 0


def test_a_cohort_tells_no_iin():
    """Printed by a logger or a debugger, it is a number."""
    assert repr(rules.cohort(array(["850101300123"]), NOBODY, SALT)) == "<Cohort of 1 users>"


@pytest.mark.parametrize(
    ("campaigns", "users", "expected"),
    [
        ([], None, Skip.NO_CAMPAIGNS),
        ([], ["1"], Skip.NO_CAMPAIGNS),
        (["SC1"], None, None),
        (["SC1"], [], Skip.NO_USERS),
        (["SC1"], ["1"], None),
    ],
)
def test_why_a_day_is_skipped(campaigns, users, expected):
    """Campaigns first: without any, nobody needs to ask SPSS."""
    found = [Campaign(base, "", DAY, DAY) for base in campaigns]
    cohort = None if users is None else rules.cohort(array(users), NOBODY, SALT)
    assert rules.skip(found, cohort) is expected


@given(st.integers(0, 40), st.integers(0, 20))
def test_tokens_stand_for_users_and_tell_nothing(users, sample):
    """As many as asked for, as far as there are users; keyed, so that the same user has the same one."""
    cohort = rules.cohort(array([f"{number:012}" for number in range(users)]), NOBODY, SALT)
    tokens = rules.tokens(cohort, SALT, sample)
    assert len(tokens) == min(users, sample) == len(set(tokens))
    assert rules.tokens(cohort, SALT, sample) == tokens
    assert not {*tokens} & {*rules.tokens(cohort, "another", sample)}
    assert not any(re.search(r"\d{12}", token) for token in tokens)


# ── approval, date, reconciling ──


@pytest.mark.parametrize(
    ("requested_by", "approved_by"),
    [("", ""), ("Aigerim", ""), ("", "Daniyar"), ("  ", "Daniyar"), ("Aigerim", "Aigerim"),
     ("Aigerim S.", " aigerim  s."), ("Айгерим", "АЙГЕРИМ"), ("Ай", "Аи\u0306"),
     ("Aigerim", "Aige\u200brim"), ("\u200b", "\u200c"), ("Aigerim", "\u2060")],
)  # fmt: skip
def test_a_real_run_by_hand_needs_two_people(requested_by, approved_by):
    """A missing name, or one name in two spellings, is refused, and a retry would not help."""
    with pytest.raises(
        permission.ApprovalMissing, match=r"^A real run by hand needs .* dry_run[^\n]*$"
    ) as refused:
        permission.check_approval(
            is_scheduled=False, dry_run=False, requested_by=requested_by, approved_by=approved_by
        )
    assert not refused.value.heals


@pytest.mark.parametrize(
    ("is_scheduled", "dry_run", "names"),
    [(True, False, ("", "")), (False, True, ("", "")), (False, False, ("Aigerim", "Daniyar"))],
)
def test_what_needs_no_approval_or_has_it(is_scheduled, dry_run, names):
    """The schedule and the guard, a dry run, and two different people."""
    permission.check_approval(
        is_scheduled=is_scheduled, dry_run=dry_run, requested_by=names[0], approved_by=names[1]
    )


def test_a_day_that_has_not_come_is_refused():
    """Today and the days before may be run; a typing mistake in the year may not."""
    permission.check_date(DAY, DAY)
    permission.check_date(DAY - ONE_DAY, DAY)
    with pytest.raises(permission.DateInFuture, match="2031-05-17 has not come yet, today is 2030-05-17"):
        permission.check_date(date(2031, 5, 17), DAY)


def test_who_runs_today_before_nine_must_say_so():
    """At night SPSS still has yesterday's users: by hand the day is named, or waited for."""
    with pytest.raises(permission.DateInFuture, match=r"now it is 08:59: .* give business_date=2030-05-17 "):
        permission.check_hour(NIGHT, is_by_hand=True, is_dated=False)
    permission.check_hour(NIGHT, is_by_hand=True, is_dated=True)
    permission.check_hour(NIGHT, is_by_hand=False, is_dated=False)
    permission.check_hour(NINE, is_by_hand=True, is_dated=False)


def test_what_is_due_is_todays_work_from_nine_on():
    """That is what the guard starts again."""
    assert permission.is_due(DAY, NINE)
    assert not permission.is_due(DAY, NIGHT)
    assert not permission.is_due(DAY - ONE_DAY, NINE)


def test_tables_that_differ_are_named_with_their_counts():
    """Those that are right are not mentioned."""
    tables = [
        TableState("DSSB", "SC_local_control", 10, 10),
        TableState("DSSB", "SC_local_target", 41, 40),
        TableState("SPSS", "SC_theory_users", 0, 1040),
    ]
    told = r"DSSB SC_local_target has 41 of 40 rows; SPSS SC_theory_users has 0 of 1,040 rows\."
    with pytest.raises(rules.NotReconciled, match=told) as refused:
        rules.check_reconciled(tables)
    assert "control" not in str(refused.value)
    rules.check_reconciled(tables[:1])


@pytest.mark.parametrize(("there", "missing"), [(0, 134), (134, 0), (100, 34), (134 + 7, 0)])
def test_a_mirror_is_filled_as_long_as_there_is_room(there, missing):
    """Nothing there, all, or a part; rows too many are the count's business, when nothing would be added."""
    rules.check_room("m", there=there, missing=missing, wanted=134)


@pytest.mark.parametrize(("there", "missing"), [(134, 134), (134, 1), (1, 134)])
def test_a_mirror_is_not_filled_beyond_the_day(there, missing):
    """It has no key: what is not recognised there would be written once more by every attempt."""
    with pytest.raises(
        rules.NotReconciled, match=rf"has {there} rows of the day, yet {missing} of its 134"
    ) as refused:
        rules.check_room("m", there=there, missing=missing, wanted=134)
    assert not refused.value.heals


def test_a_day_is_distributed_once():
    """The same COUNT_DAY is the same day, and nothing happens; another is refused, both are named."""
    known = LedgerDay(DAY, UUID(int=7), Status.COMPLETED, 6)
    permission.check_count_day(known, 6)
    with pytest.raises(
        permission.OtherCountDay, match=r"2030-05-17 .* COUNT_DAY = 6 by run .*7, .* COUNT_DAY = 5 "
    ) as refused:
        permission.check_count_day(known, 5)
    assert not refused.value.heals


# ── the plan ──


def planned(users=1000, past=(), policy=Remainder.LAST):
    cohort = rules.cohort(array([f"{number:012}" for number in range(users)]), NOBODY, SALT)
    campaigns = [Campaign(base, "", DAY, DAY) for base in ("SC1", "SC2")]
    seed = split.seed(DAY, ["SC1", "SC2"], SALT)
    blocks = results.blocks(split.rank(cohort.iins, seed), campaigns, policy, DAY.toordinal())
    return cohort, seed, blocks, rules.checks(DAY, cohort, blocks, past)


def test_the_plan_is_in_order_whichever_task_was_first():
    """By campaign and group; the users of all blocks are the cohort's."""
    cohort, seed, blocks, checks = planned()
    plan = rules.plan(Wish(DAY), seed, cohort, reversed(blocks), checks)
    assert [block.theory_id for block in plan.blocks] == [block.theory_id for block in blocks]
    assert (plan.users, plan.checks) == (1000, checks)
    assert [share.counts for share in plan.shares] == [(100,) * 5, (100,) * 5]


def test_a_lost_campaign_is_no_plan():
    """A block that did not arrive, or arrived twice, is a mistake of ours and stops the run."""
    cohort, seed, blocks, checks = planned()
    for wrong in (blocks[1:], (*blocks, blocks[0])):
        with pytest.raises(AssertionError, match="lost or doubled"):
            rules.plan(Wish(DAY), seed, cohort, wrong, checks)


def test_all_checks_are_told_passed_or_not():
    """Six of them, in plain types: they are kept as JSON, and hold no IIN."""
    *_, checks = planned()
    assert [check.name for check in checks] == [
        "sample ratio", "birth decade", "sex", "volume", "source", "control group",
    ]  # fmt: skip
    assert all(check.ok for check in checks)
    assert json.loads(json.dumps([asdict(check) for check in checks])) == [asdict(check) for check in checks]


def test_a_day_is_not_compared_with_itself():
    """A second try of a day finds its own plan in the ledger; that is no stale source."""
    cohort, *_ = planned()
    itself = PastDay(DAY, 1000, cohort.digest, (200,) * 5)
    *_, checks = planned(past=[itself])
    assert all(check.ok for check in checks)
    *_, checks = planned(past=[PastDay(DAY - ONE_DAY, 1000, cohort.digest, (200,) * 5), itself])
    assert [check.name for check in checks if not check.ok] == ["source"]


def test_a_block_tells_no_iin():
    """Printed, it is a theory and a number."""
    block = Block(Campaign("SC1", "", DAY, DAY), Group.B, array(["850101300123"]))
    assert repr(block) == "<Block SC1.2 of 1 users>"


@pytest.mark.parametrize("days_late", [1, 3])
def test_a_schedule_that_comes_a_day_late_is_a_missed_day(days_late: int) -> None:
    """Its users have come further by now: the line has both parameters of the run that makes it good."""
    due = date(2026, 11, 20)
    with pytest.raises(
        permission.DayMissed, match=f"business_date={due} .* here count_day={5 + days_late}\\."
    ):
        permission.check_punctual(due, due + timedelta(days=days_late))


@pytest.mark.parametrize("due", [None, date(2026, 11, 20)])
def test_a_run_by_hand_or_in_time_is_no_missed_day(due: date | None) -> None:
    """A run by hand has no schedule's day to miss."""
    permission.check_punctual(due, date(2026, 11, 20))
