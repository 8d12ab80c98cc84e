"""What several tests do to a running stack."""

import subprocess
import sys

from prefect.client.base import PrefectHttpxSyncClient

from deployments.stack import Stack
from deployments.surroundings import REPOSITORY


def apply(stack: Stack, **variables: str) -> str:
    """Run `python -m deployments.apply` and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "deployments.apply"],
        cwd=REPOSITORY,
        env={**stack.environment, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def pause_schedules(stack: Stack) -> None:
    """Pause every schedule as an operator does."""
    # This client waits for a server that is too busy to answer (503).
    with PrefectHttpxSyncClient(base_url=f"{stack.api_url}/", timeout=20) as api:
        for deployment in api.post("deployments/filter", json={}).raise_for_status().json():
            for schedule in deployment["schedules"]:
                address = f"deployments/{deployment['id']}/schedules/{schedule['id']}"
                api.patch(address, json={"active": False}).raise_for_status()
