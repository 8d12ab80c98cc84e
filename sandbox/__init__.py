"""The outside world on localhost: real protocols, for the demo and the tests; never in the wheel."""

from sandbox.service import Place, SandboxError
from sandbox.world import World, down, status, up

__all__ = ["Place", "SandboxError", "World", "down", "status", "up"]
