"""Put what is declared on the server: pool, Blocks, our tables, deployments, automations; prune the rest.

`python -m deployments.apply` may be run at any time; a second run says `unchanged` throughout.
"""

import asyncio
import logging
import sys
from collections.abc import Mapping

import httpx
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.exceptions import ObjectNotFound
from prefect.workers.process import ProcessWorker

from blocks.problem import Problem
from deployments import automations, blocks, deployed, manifest, schemas
from deployments.change import Change, Changed
from deployments.surroundings import operator_environment

POOL = "metronome"
USAGE_ERROR = 2


async def apply(env: Mapping[str, str], declared: manifest.Manifest) -> Changed:
    """Apply everything in the order in which one thing needs the other.

    Raises:
        VariablesWrong: before anything was changed.
    """
    filled = blocks.build(env)
    changed = Changed()
    async with get_client() as client:
        changed.note("work pool", POOL, await _ensure_pool(client))
        for name, block in filled.items():
            changed.note("block", name, await blocks.save(client, name, block))
        await schemas.apply(changed)
        known = await deployed.apply(client, declared, changed)
        await automations.apply(client, known, changed)
    return changed


async def _ensure_pool(client: PrefectClient) -> Change:
    try:
        await client.read_work_pool(POOL)
    except ObjectNotFound:
        template = ProcessWorker.get_default_base_job_template()
        await client.create_work_pool(WorkPoolCreate(name=POOL, type="process", base_job_template=template))
        return Change.CREATED
    return Change.UNCHANGED


def main() -> int:
    """Return the exit code: 0, 1 where the outside is not as it must be, 2 where the input is wrong."""
    logging.getLogger("prefect").setLevel(logging.WARNING)
    try:
        asyncio.run(apply(operator_environment(), manifest.read()))
    except (blocks.VariablesWrong, manifest.ManifestError) as error:
        return _say(error, USAGE_ERROR)
    except (Problem, deployed.DeployFailed) as error:
        return _say(error, 1)
    except httpx.HTTPStatusError as error:
        return _say(
            f"The Prefect server refused {error.request.url.path}: HTTP {error.response.status_code}.", 1
        )
    except httpx.HTTPError as error:
        return _say(
            f"The Prefect server did not answer ({type(error).__name__}): start it with `make up`.", 1
        )
    return 0


def _say(what: object, code: int) -> int:
    print(what, file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
