"""How tasks are retried: what may heal by itself is tried again, what a person must mend is not."""

from typing import Any

from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import Task, exponential_backoff

from flows.common.sealed import heals


async def may_heal(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Return whether another try can help: an exception with `heals = False` waits for a person.

    The signature is Prefect's `retry_condition_fn`.
    """
    try:
        await state.aresult()
    except Exception as error:  # noqa: BLE001
        return heals(error)
    return False


# Nothing is cached or kept in files: results may be identifiers, and a re-run must look again.
EFFECT: dict[str, Any] = {"cache_policy": NO_CACHE, "persist_result": False, "retry_condition_fn": may_heal}

# About two minutes of patience: a database that restarts.
PATIENT: dict[str, Any] = {
    **EFFECT,
    "retries": 6,
    "retry_delay_seconds": exponential_backoff(backoff_factor=2),
    "retry_jitter_factor": 0.3,
}
