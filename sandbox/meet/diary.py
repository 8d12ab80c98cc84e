"""A Meet's changes in a file: after a restart the rooms are there, and who was inside still is."""

import json
from pathlib import Path
from typing import Any

from sandbox.meet.rooms import Rooms


class Diary:
    """One line for each change of `rooms`.

    Args:
        folder: keeps the file; without one nothing is kept.
    """

    def __init__(self, rooms: Rooms, folder: Path | None) -> None:
        self._rooms = rooms
        self._path = folder and folder / "rooms.jsonl"

    def change(self, what: str, **facts: Any) -> None:
        """Do it, then write it down.

        Raises:
            MeetRefusal: it cannot be done; nothing is written.
        """
        getattr(self._rooms, what)(**facts)
        if self._path is not None:
            with self._path.open("a") as file:
                file.write(json.dumps([what, facts]) + "\n")

    def repeat(self) -> None:
        """Do what is written; half a line, left by a kill in the middle of writing, is cut off."""
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.touch()
        text = self._path.read_text()
        whole = text[: text.rfind("\n") + 1]
        if whole != text:
            self._path.write_text(whole)
        for line in whole.splitlines():
            what, facts = json.loads(line)
            getattr(self._rooms, what)(**facts)
