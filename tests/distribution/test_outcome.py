"""What a written day came to: the tables' counts, the ledger's word, and the registry's names."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from flows.distribution import outcome
from flows.distribution.days import LedgerDay
from flows.distribution.models import NO_NUMBERS, Numbers, Skip, Status, Theory
from tests.distribution import results

FIRST, LAST = date(2030, 5, 1), date(2030, 5, 31)
COUNTS = ({"SC1.1": 1}, {"SC1.2": 2, "SC3.5": 1}, {"SC1.2": 2, "SC3.5": 1})
IDS = ("SC1", "SC2", "SC3")


def theory(theory_id: str) -> Theory:
    return Theory(theory_id, f"about {theory_id}", FIRST, LAST)


def test_a_campaign_without_users_is_told_too() -> None:
    """With two users for three campaigns, the mail is about three."""
    found = outcome.shares(IDS, COUNTS, [theory(f"{base}.1") for base in IDS])
    assert [(share.campaign.id, share.counts) for share in found] == [
        ("SC1", (1, 2, 0, 0, 0)), ("SC2", (0, 0, 0, 0, 0)), ("SC3", (0, 0, 0, 0, 1)),
    ]  # fmt: skip
    assert [share.campaign.name for share in found] == ["about SC1.1", "about SC2.1", "about SC3.1"]


def test_a_row_without_a_group_names_its_campaign() -> None:
    """Where the registry has no others, it is what the campaign is known by."""
    (share,) = outcome.shares(("SC1",), COUNTS, [theory("SC1")])
    assert (share.campaign.name, share.campaign.start, share.campaign.end) == ("about SC1", FIRST, LAST)


def test_a_campaign_that_the_registry_has_lost_keeps_its_id() -> None:
    """Its name and days are not known any more."""
    (share,) = outcome.shares(("SC1",), COUNTS, [])
    assert (share.campaign.id, share.campaign.name, share.campaign.start) == ("SC1", "", date.min)


@pytest.mark.parametrize(("completed_s", "took_s"), [(3, 3.0), (-3600, 0.0), (None, 1.0)])
def test_a_day_takes_as_long_as_until_it_is_completed(completed_s: int | None, took_s: float) -> None:
    """Never less than nothing, even if the clock was set back meanwhile."""
    began = results.MOMENT - timedelta(seconds=1)
    ended = None if completed_s is None else began + timedelta(seconds=completed_s)
    day = LedgerDay(
        results.DAY, results.RUN_ID, Status.COMPLETED, 5,
        insert_datetime=results.MOMENT, planned_at=began, completed_at=ended,
    )  # fmt: skip
    assert outcome.result(day, COUNTS, [], (), was_resumed=False).took_s == took_s


def test_a_skip_is_told_as_the_ledger_has_it() -> None:
    """With campaigns it was for want of users, whom SPSS was asked for; without, nobody asked."""
    day = LedgerDay(
        results.DAY, results.RUN_ID, Status.SKIPPED, 5,
        campaign_ids=("SC1", "SC2"), numbers=Numbers(9, 0, 0, 9, 0, 0), checks=results.CHECKS,
    )  # fmt: skip
    found = outcome.skipped(day, [theory("SC1.1"), theory("SC1.2")])
    assert (found.reason, found.numbers, found.checks) == (Skip.NO_USERS, day.numbers, results.CHECKS)
    assert [(one.id, one.name, one.end) for one in found.campaigns] == [
        ("SC1", "about SC1.1", LAST), ("SC2", "", date.min),
    ]  # fmt: skip
    bare = outcome.skipped(replace(day, campaign_ids=(), numbers=NO_NUMBERS), [])
    assert (bare.reason, bare.numbers, bare.campaigns) == (Skip.NO_CAMPAIGNS, None, ())
