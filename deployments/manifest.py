"""prefect.yaml, read strictly: the engine itself ignores an unknown key in silence."""

import importlib
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from deployments.surroundings import REPOSITORY

OURS = "metronome"
FILE = REPOSITORY / "prefect.yaml"


class ManifestError(Exception):
    """prefect.yaml says something that the engine would ignore or refuse."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Limit(_Strict):
    """One run at a time; `grace_period_seconds` is how long a slot waits for its run to start."""

    limit: Literal[1]
    collision_strategy: Literal["CANCEL_NEW", "ENQUEUE"]
    grace_period_seconds: int = Field(ge=60)


class Schedule(_Strict):
    """The slug keeps an operator's pause through a change of the cron; `active` would undo it."""

    slug: str
    cron: str
    timezone: str
    parameters: dict[str, Any] = {}


class WorkPool(_Strict):
    """Which workers run it, and what they are told beside the pool's own template."""

    name: str
    job_variables: dict[str, Any] = {}


class Deployment(_Strict):
    """One entry; its description is the flow's docstring."""

    name: str
    entrypoint: str = Field(pattern=r"^\w+(\.\w+)+$")
    tags: list[str] = Field(min_length=2)
    parameters: dict[str, Any] = {}
    schedules: list[Schedule] = []
    concurrency_limit: Limit
    work_pool: WorkPool

    @model_validator(mode="after")
    def _is_ours(self) -> "Deployment":
        if OURS not in self.tags:
            raise ValueError(f"needs the tag {OURS!r}, by which `make apply` knows what it may remove")
        return self

    def flow(self) -> Any:
        """Return the flow, imported by its name.

        Raises:
            ManifestError: it cannot be imported.
        """
        module, _, name = self.entrypoint.rpartition(".")
        try:
            return getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError) as error:
            raise ManifestError(f"prefect.yaml: {self.entrypoint} cannot be loaded: {error}") from error


class Manifest(_Strict):
    """The whole file; top-level keys that begin with `x-` hold anchors."""

    pull: list[Any] = Field(max_length=0)
    deployments: list[Deployment]


def read(file: Path = FILE) -> Manifest:
    """Return what the file declares.

    Raises:
        ManifestError: a key is unknown or missing, or a value is not what it must be.
    """
    document = yaml.safe_load(file.read_text("utf-8"))
    declared = {key: value for key, value in document.items() if not key.startswith("x-")}
    try:
        return Manifest.model_validate(declared)
    except ValidationError as error:
        lines = (f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise ManifestError(f"{file.name}: " + "; ".join(lines)) from None
