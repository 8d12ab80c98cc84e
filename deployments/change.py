"""What applying did to one thing."""

from enum import StrEnum


class Change(StrEnum):
    """The word that `make apply` prints in front of each thing."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    PRUNED = "pruned"


class Changed(dict[str, Change]):
    """What was done, thing by thing, printed as it happens."""

    def note(self, kind: str, name: str, change: Change) -> None:
        """Print a line: what happened, to which kind of thing, its name."""
        self[f"{kind} {name}"] = change
        print(f"{change:<10} {kind:<12} {name}", flush=True)
