"""What every part of the outside world has in common."""

from dataclasses import dataclass, field
from typing import Protocol


class SandboxError(Exception):
    """The sandbox cannot do what was asked; the message says what to do about it."""


@dataclass(frozen=True)
class Place:
    """Where a service is, and the variables that point a Block at it; `name` is its port's in `State`."""

    name: str
    address: str
    env: dict[str, str] = field(default_factory=dict)


class Service(Protocol):
    """Runs by itself once started, and outlives the command that started it."""

    def running(self) -> bool: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...
    def describe(self) -> list[Place]: ...


class Guest(Protocol):
    """Lives on the event loop of the one background process (see `host`)."""

    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    def describe(self) -> Place: ...
