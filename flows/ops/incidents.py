"""A flow run in trouble, read through the engine's API."""

from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import ObjectNotFound
from prefect.utilities.urls import url_for

from flows.common.upcoming import next_runs
from flows.ops.letter import Incident

JANITOR = "janitor/every-5-min"


async def read(client: PrefectClient, flow_run_id: UUID, event: str) -> Incident:
    """Return what is known of the run, which is little when it was deleted."""
    try:
        run = await client.read_flow_run(flow_run_id)
        deployment = await _name(client, run)
    except ObjectNotFound:
        return Incident(flow_run_id, event)
    return Incident(
        flow_run_id=flow_run_id,
        event=event,
        deployment=deployment,
        run_name=run.name,
        url=url_for("flow-run", obj_id=flow_run_id),
        state=(run.state and run.state.name) or "",
        message=(run.state and run.state.message) or "",
        expected_utc=run.expected_start_time,
        started_utc=run.start_time,
        ended_utc=run.end_time,
        parameters=run.parameters,
        tags=tuple(run.tags),
        is_guarded=not run.parameters.get("dry_run") and deployment in await _guarded(client),
        next_utc=next(iter(await next_runs(client, run.deployment_id, most=1)), None),
    )


async def _name(client: PrefectClient, run: FlowRun) -> str:
    """Return `flow/deployment`; the flow's name alone where there is no deployment (any more)."""
    flow = await client.read_flow(run.flow_id)
    if run.deployment_id is None:
        return flow.name
    try:
        return f"{flow.name}/{(await client.read_deployment(run.deployment_id)).name}"
    except ObjectNotFound:
        return flow.name


async def _guarded(client: PrefectClient) -> set[str]:
    """Return the deployments that the janitor restarts: those among its parameters."""
    try:
        janitor = await client.read_deployment_by_name(JANITOR)
    except ObjectNotFound:
        return set()
    return {duty["deployment"] for duty in janitor.parameters.get("duties", ())}
