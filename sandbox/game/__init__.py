"""The game as pop sees it, with a switch for everything that can go wrong."""

from sandbox.game.capacity import Capacity
from sandbox.game.counters import Arrival, Counters
from sandbox.game.faults import Fault, Faults
from sandbox.game.server import GameServer

__all__ = ["Arrival", "Capacity", "Counters", "Fault", "Faults", "GameServer"]
