"""Google Meet as dating sees it: the REST API on loopback, and people who come and go."""

from sandbox.meet.server import MeetServer

__all__ = ["MeetServer"]
