"""The split as the steps that a person looks at: the order, the campaigns, and each campaign's groups."""

import asyncio
from collections.abc import Sequence

from prefect import task

from flows.common.retries import EFFECT
from flows.common.sealed import sealed
from flows.distribution import split
from flows.distribution.cohort import Block, Iins, Range
from flows.distribution.models import Campaign, Remainder


@task(**EFFECT)
@sealed
async def rank_users(iins: Iins, seed: str) -> Iins:
    """Put the users in the day's order; in a thread, for a million take a second and the heart must beat on."""
    return await asyncio.to_thread(split.rank, iins, seed)


@task(**EFFECT)
@sealed
async def split_over_campaigns(
    ranked: Iins, campaigns: Sequence[Campaign], policy: Remainder, day_ordinal: int
) -> tuple[Range, ...]:
    """Give each campaign its equal share."""
    return split.over_campaigns(ranked, campaigns, policy, day_ordinal)


@task(task_run_name="split {part.campaign.id} over A-E", **EFFECT)
@sealed
async def split_over_groups(part: Range, policy: Remainder) -> tuple[Block, ...]:
    """Give each group of the campaign its equal share."""
    return split.over_groups(part, policy)
