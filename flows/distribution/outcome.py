"""What a written day came to: counts of three tables and the ledger's word -> states, shares, Result. Pure."""

from collections.abc import Iterable, Mapping
from datetime import date

from flows.distribution.days import LedgerDay, Result, Skipped, TableState
from flows.distribution.models import Campaign, Group, Share, Skip, Theory

Counts = tuple[Mapping[str, int], Mapping[str, int], Mapping[str, int]]
"""Rows of a day by theory id: control, target, mirror."""


def tables(day: LedgerDay, counts: Counts, names: tuple[str, str, str]) -> tuple[TableState, ...]:
    """Return the state of control, target and mirror; `names` as people know them."""
    control, target, mirror = counts
    told = zip(("DSSB", "DSSB", "SPSS"), names, (control, target, mirror), strict=True)
    wanted = (day.counts[0], sum(day.counts[1:]), sum(day.counts[1:]))
    return tuple(
        TableState(database, name, sum(rows.values()), expected)
        for (database, name, rows), expected in zip(told, wanted, strict=True)
    )


def unlike(counts: Counts, mirror_name: str) -> tuple[TableState, ...]:
    """Return the groups that are not mirrored row for row, as parts of the mirror."""
    _, target, mirror = counts
    both = ((id_, mirror.get(id_, 0), target.get(id_, 0)) for id_ in sorted({*target, *mirror}))
    return tuple(
        TableState("SPSS", f"{mirror_name} ({id_})", rows, expected)
        for id_, rows, expected in both
        if rows != expected
    )


def result(
    day: LedgerDay,
    counts: Counts,
    theories: Iterable[Theory],
    states: tuple[TableState, ...],
    *,
    was_resumed: bool,
) -> Result:
    """Return what a finished day came to: the ledger's word and the tables' own counts."""
    assert day.insert_datetime is not None, "a day that is finished was planned"
    began, ended = day.planned_at or day.insert_datetime, day.completed_at or day.insert_datetime
    return Result(
        business_date=day.business_date,
        run_id=day.run_id,
        count_day=day.count_day,
        shares=shares(day.campaign_ids, counts, theories),
        numbers=day.numbers,
        insert_datetime=day.insert_datetime,
        tables=states,
        checks=day.checks,
        was_resumed=was_resumed,
        requested_by=day.requested_by,
        approved_by=day.approved_by,
        took_s=max(0.0, (ended - began).total_seconds()),  # somebody may have set the clock back
    )


def shares(campaign_ids: Iterable[str], counts: Counts, theories: Iterable[Theory]) -> tuple[Share, ...]:
    """Return what each campaign of the day got, as the databases have it; nobody, perhaps."""
    control, target, _ = counts
    written = {**control, **target}
    found = []
    for campaign in campaigns(campaign_ids, theories):
        a, b, c, d, e = (written.get(campaign.theory_id(group), 0) for group in Group)
        found.append(Share(campaign, (a, b, c, d, e)))
    return tuple(found)


def skipped(day: LedgerDay, theories: Iterable[Theory]) -> Skipped:
    """Return a day that was skipped as the ledger tells it: it has campaigns where users were asked for."""
    asked = bool(day.campaign_ids)
    return Skipped(
        business_date=day.business_date,
        run_id=day.run_id,
        count_day=day.count_day,
        reason=Skip.NO_USERS if asked else Skip.NO_CAMPAIGNS,
        campaigns=campaigns(day.campaign_ids, theories),
        numbers=day.numbers if asked else None,
        checks=day.checks,
    )


def campaigns(campaign_ids: Iterable[str], theories: Iterable[Theory]) -> tuple[Campaign, ...]:
    """Return a day's campaigns, by their names and days in the registry."""
    known = {theory.theory_id: theory for theory in theories}
    ids = {base: (base, *(f"{base}.{group:d}" for group in Group)) for base in campaign_ids}
    return tuple(
        _campaign(base, [known[id_] for id_ in named if id_ in known]) for base, named in ids.items()
    )


def _campaign(base: str, rows: list[Theory]) -> Campaign:
    """A campaign that the registry does not know any more keeps its id."""
    if not rows:
        return Campaign(base, "", date.min, date.min)
    return Campaign(base, rows[0].name, min(row.start for row in rows), max(row.end for row in rows))
