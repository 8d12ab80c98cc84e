"""What a flow shows in the UI: one task for each kind of artifact."""

from typing import Any

from prefect import task
from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact

from flows.common.retries import PATIENT


@task(task_run_name="publish {key}", **PATIENT)
async def publish(key: str, markdown: str) -> None:
    """Show a report; its first line becomes the description."""
    await acreate_markdown_artifact(markdown, key=key, description=markdown.splitlines()[0].lstrip("# "))


@task(task_run_name="publish {key}", **PATIENT)
async def publish_table(key: str, rows: list[dict[str, Any]], description: str) -> None:
    """Show a table."""
    await acreate_table_artifact(rows, key=key, description=description)
