"""Deployments: what prefect.yaml declares against what the server has.

Only entries that differ are deployed: an update deletes the runs scheduled ahead, and at 23:59:59 the
scheduler would not make the midnight run again.
"""

import os
import subprocess
import sys
import tempfile
from typing import Any

import yaml
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import DeploymentUpdate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags
from prefect.client.schemas.responses import DeploymentResponse
from prefect.utilities.callables import parameter_schema

from deployments.change import Change, Changed
from deployments.manifest import OURS, Deployment, Manifest
from deployments.surroundings import REPOSITORY

Known = dict[str, DeploymentResponse]


class DeployFailed(Exception):
    """`prefect deploy` refused an entry of prefect.yaml."""


async def apply(client: PrefectClient, manifest: Manifest, changed: Changed) -> Known:
    """Deploy what differs, remove what is gone, and return what is there now, by `flow/deployment`."""
    declared = {f"{entry.flow().name}/{entry.name}": entry for entry in manifest.deployments}
    before = await _known(client)
    stale = [name for name, entry in declared.items() if not _is_same(entry, before.get(name))]
    if stale:
        _deploy([_entry(declared[name], before.get(name)) for name in stale])
        await _close_forms(client, {name: declared[name] for name in stale})
    for name in declared:
        fresh = Change.UPDATED if name in before else Change.CREATED
        changed.note("deployment", name, fresh if name in stale else Change.UNCHANGED)
    await _prune(client, declared, before, changed)
    return await _known(client)


async def _known(client: PrefectClient) -> Known:
    ours = DeploymentFilter(tags=DeploymentFilterTags(all_=[OURS]))
    found = await client.read_deployments(deployment_filter=ours, limit=200)
    flows = {flow_id: await client.read_flow(flow_id) for flow_id in {each.flow_id for each in found}}
    return {f"{flows[each.flow_id].name}/{each.name}": each for each in found}


def _is_same(entry: Deployment, known: DeploymentResponse | None) -> bool:
    return known is not None and _declared(entry) == _found(entry, known)


def _declared(entry: Deployment) -> dict[str, Any]:
    flow = entry.flow()
    return {
        "entrypoint": entry.entrypoint,
        "description": flow.description,
        "tags": sorted(entry.tags),
        "parameters": entry.parameters,
        "form": _form(flow),
        "limit": entry.concurrency_limit.model_dump(),
        "pool": entry.work_pool.model_dump(),
        "schedules": {each.slug: each.model_dump() for each in entry.schedules},
    }


def _form(flow: Any) -> dict[str, Any]:
    # Without the last word the server takes a misspelt parameter, and the run ends Crashed without a reason.
    return {**parameter_schema(flow).model_dump(exclude_unset=True), "additionalProperties": False}


def _found(entry: Deployment, known: DeploymentResponse) -> dict[str, Any]:
    limit, options = known.global_concurrency_limit, known.concurrency_options
    declared = {each.slug for each in entry.schedules}
    return {
        "entrypoint": known.entrypoint,
        "description": known.description,
        "tags": sorted(known.tags),
        "parameters": known.parameters,
        "form": known.parameter_openapi_schema,
        "limit": {"limit": limit and limit.limit, **(options.model_dump(mode="json") if options else {})},
        "pool": {"name": known.work_pool_name, "job_variables": known.job_variables},
        # One that is not declared is pruned, without a deploy.
        "schedules": {each.slug: _schedule(each) for each in known.schedules if each.slug in declared},
    }


def _schedule(known: Any) -> dict[str, Any]:
    return {
        "slug": known.slug,
        "cron": getattr(known.schedule, "cron", None),
        "timezone": known.schedule.timezone,
        "parameters": known.parameters,
    }


def _entry(entry: Deployment, known: DeploymentResponse | None) -> dict[str, Any]:
    # The engine takes an entry that says nothing about a pause for one that ends it.
    return {**entry.model_dump(), **({"paused": known.paused} if known else {})}


def _deploy(entries: list[dict[str, Any]]) -> None:
    document = {"pull": [], "deployments": entries}
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
        yaml.safe_dump(document, file)
        file.flush()
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", file.name],
            cwd=REPOSITORY,
            env=dict(os.environ),
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise DeployFailed(f"prefect deploy: {' '.join((done.stdout + done.stderr).split())[-600:]}")


async def _close_forms(client: PrefectClient, stale: dict[str, Deployment]) -> None:
    """Say that there are no other parameters; `prefect deploy` leaves that open."""
    known = await _known(client)
    for name, entry in stale.items():
        closed = DeploymentUpdate(parameter_openapi_schema=_form(entry.flow()))
        await client.update_deployment(known[name].id, closed)


async def _prune(
    client: PrefectClient, declared: dict[str, Deployment], before: Known, changed: Changed
) -> None:
    for name, known in before.items():
        if name not in declared:
            await client.delete_deployment(known.id)
            changed.note("deployment", name, Change.PRUNED)
            continue
        slugs = {each.slug for each in declared[name].schedules}
        for schedule in known.schedules:
            if schedule.slug not in slugs:
                await client.delete_deployment_schedule(known.id, schedule.id)
                changed.note("schedule", f"{name}: {schedule.slug}", Change.PRUNED)
