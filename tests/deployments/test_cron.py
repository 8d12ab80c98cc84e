"""With the locked versions a cron schedule really yields runs: the first thing that breaks in silence."""

import asyncio
from datetime import UTC
from itertools import pairwise

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.schedules import CronSchedule


async def test_nine_in_almaty_is_four_utc(prefect: PrefectClient) -> None:
    """`0 9 * * *` in Asia/Almaty is scheduled for 04:00 UTC, for several days ahead."""
    nine = DeploymentScheduleCreate(
        schedule=CronSchedule(cron="0 9 * * *", timezone="Asia/Almaty"), active=True
    )
    flow_id = await prefect.create_flow_from_name("cron-proof")
    deployment_id = await prefect.create_deployment(flow_id, "almaty", schedules=[nine])
    ours = DeploymentFilter(id=DeploymentFilterId(any_=[deployment_id]))
    try:
        async with asyncio.timeout(60):
            runs = await _scheduled(prefect, ours)
    finally:
        await prefect.delete_deployment(deployment_id)
    times = sorted(run.expected_start_time.astimezone(UTC) for run in runs if run.expected_start_time)
    assert [(time.hour, time.minute) for time in times] == [(4, 0)] * len(times)
    assert [(later - earlier).days for earlier, later in pairwise(times)] == [1, 1]


async def _scheduled(prefect: PrefectClient, ours: DeploymentFilter) -> list[FlowRun]:
    while True:
        if len(runs := await prefect.read_flow_runs(deployment_filter=ours)) >= 3:
            return runs
        await asyncio.sleep(1)
