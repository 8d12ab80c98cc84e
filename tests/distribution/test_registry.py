"""Which campaigns run on a day, and what is odd about the registry's rows."""

from datetime import date, timedelta

import pytest

from flows.distribution import registry
from flows.distribution.models import Campaign, Check, Group, Theory

DAY = date(2030, 5, 17)
ONE_DAY = timedelta(days=1)


def theory(theory_id, start=DAY, end=DAY, name=""):
    return Theory(theory_id, name, start, end)


def complete(base, start=DAY, end=DAY):
    return [theory(f"{base}.{group:d}", start, end, f"{base} {group.name}") for group in Group]


def test_a_campaign_is_one_however_many_rows_it_has():
    """The registry has a row for each group; base ids come out once, in order, without a word of warning."""
    campaigns, warnings = registry.active(complete("SC00000002") + complete("SC00000001"), DAY)
    assert [campaign.id for campaign in campaigns] == ["SC00000001", "SC00000002"]
    assert campaigns[0] == Campaign("SC00000001", "SC00000001 A", DAY, DAY)
    assert warnings == ()


@pytest.mark.parametrize(
    ("day", "runs"),
    [(DAY - ONE_DAY, False), (DAY, True), (DAY + ONE_DAY, True), (DAY + 2 * ONE_DAY, False)],
)
def test_the_first_and_the_last_day_count(day, runs):
    """Calendar days, both included: the last day is not lost, as it was when midnights were compared."""
    campaigns, warnings = registry.active(complete("SC1", DAY, DAY + ONE_DAY), day)
    assert (len(campaigns), warnings) == (int(runs), ())


def test_rows_that_differ_in_dates_make_the_longest_campaign_and_a_warning():
    """From the first day of any active row to the last of any; somebody should look at the registry."""
    rows = [*complete("SC1")[:4], theory("SC1.5", DAY - ONE_DAY, DAY + 3 * ONE_DAY), *complete("SC2")]
    campaigns, (warning,) = registry.active(rows, DAY)
    assert (campaigns[0].start, campaigns[0].end) == (DAY - ONE_DAY, DAY + 3 * ONE_DAY)
    assert (warning.name, warning.ok) == ("registry dates", False)
    assert "SC1" in warning.told
    assert "SC2" not in warning.told


def test_a_group_without_an_active_row_is_told():
    """The campaign runs with all five groups; the one that is missing or over is named."""
    over = theory("SC1.4", DAY - 5 * ONE_DAY, DAY - ONE_DAY)
    campaigns, (warning,) = registry.active([*complete("SC1")[:2], over, theory("SC1.5")], DAY)
    assert len(campaigns) == 1
    assert warning == Check("registry groups", ok=False, told="no active row for SC1.3, SC1.4")


def test_a_row_without_a_group_is_its_campaigns():
    """Alone it makes a campaign, whose groups are missing; beside the groups it changes nothing."""
    campaigns, (warning,) = registry.active([theory("SC1", name="base")], DAY)
    assert campaigns == (Campaign("SC1", "base", DAY, DAY),)
    assert warning.told == "no active row for SC1.1, SC1.2, SC1.3, SC1.4, SC1.5"
    campaigns, warnings = registry.active([theory("SC2"), *complete("SC2")], DAY)
    assert ([campaign.id for campaign in campaigns], warnings) == (["SC2"], ())


@pytest.mark.parametrize(
    "odd", ["SC1.0", "SC1.6", "SC1.22", "SC1.x", "SC1.", ".1", "", "S C.1", "S,C.1", "a.b.1"]
)
def test_an_id_of_another_form_is_reported_and_ignored(odd):
    """It makes no campaign: its users would go to a theory that nobody knows."""
    campaigns, (warning,) = registry.active([theory(odd), *complete("SC1")], DAY)
    assert [campaign.id for campaign in campaigns] == ["SC1"]
    assert (warning.name, warning.ok) == ("registry ids", False)
    assert repr(odd) in warning.told


def test_an_odd_id_that_is_over_is_nobodys_business():
    """Only rows that run on the day are looked at."""
    assert registry.active([theory("???", DAY - ONE_DAY, DAY - ONE_DAY)], DAY) == ((), ())


def test_an_id_too_long_for_its_groups_is_reported():
    """THEORY_ID holds 50 characters, the dot and the group among them."""
    campaigns, warnings = registry.active([theory("S" * 49), *complete("S" * 48)], DAY)
    assert [campaign.id for campaign in campaigns] == ["S" * 48]
    assert [warning.name for warning in warnings] == ["registry ids"]


def test_rows_that_are_blank_are_told():
    """Whoever left a date out would else wonder why nobody is in the campaign."""
    campaigns, (warning,) = registry.active(complete("SC1"), DAY, ["SC2.1", "a row without an id"])
    assert [campaign.id for campaign in campaigns] == ["SC1"]
    told = "ignored, no id or no dates: SC2.1, a row without an id"
    assert warning == Check("registry blanks", ok=False, told=told)


def test_of_many_odd_rows_the_first_are_told():
    """A hundred campaigns with one row each are a line, not a page."""
    _, (warning,) = registry.active([theory(f"SC{n:03}.1") for n in range(100)], DAY)
    assert warning.told.startswith("no active row for SC000.2, SC000.3")
    assert warning.told.endswith(" and 390 more")


@pytest.mark.parametrize("bases", [[f"SC{n}" for n in range(201)], [f"{n:026}" for n in range(160)]])
def test_more_campaigns_than_can_be_named_are_refused(bases):
    """By their number, for Oracle's IN list; by the length of their ids, for the ledger's column."""
    fewer = [theory(f"{base}.1") for base in bases[:-20]]
    assert len(registry.active(fewer, DAY)[0]) == len(fewer)
    with pytest.raises(registry.TooManyCampaigns, match=rf"^{len(bases)} campaigns are active") as refused:
        registry.active([theory(f"{base}.1") for base in bases], DAY)
    assert not refused.value.heals
