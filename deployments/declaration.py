"""A Block as it is declared: a document's name, and the environment variables that fill it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from prefect.blocks.core import Block
from pydantic import ValidationError

REMEDY = "set it in .env (see .env.example) and run `make apply` again"


@dataclass(frozen=True)
class Declaration:
    """A Block document: `variables` says which field comes from which environment variable."""

    document: str
    variables: Mapping[str, str]
    make: Callable[[Mapping[str, str]], Block]
    optional: frozenset[str] = frozenset()

    def missing(self, env: Mapping[str, str]) -> list[str]:
        needed = (name for field, name in self.variables.items() if field not in self.optional)
        return [name for name in needed if not env.get(name, "").strip()]

    def build(self, env: Mapping[str, str]) -> Block:
        """Return the Block, filled; call `missing` first."""
        return self.make({field: env.get(name, "").strip() for field, name in self.variables.items()})

    def explain(self, error: ValidationError, env: Mapping[str, str]) -> Iterator[str]:
        """Say which variable is wrong and why, without its value."""
        for each in error.errors():
            # A field within a field comes last; a kind before it may have the name of another field.
            field = next((str(part) for part in reversed(each["loc"]) if part in self.variables), "")
            name = self.variables.get(field, ".".join(map(str, each["loc"])))
            reason = each["msg"].replace(env.get(name, "") or "\0", "(value)")
            yield f"{name} is wrong, for block {self.document!r}: {reason}; {REMEDY}"


def from_given(kind: type[Block]) -> Callable[[Mapping[str, str]], Block]:
    """Return what makes such a Block of the values that are not empty; the others take its defaults."""
    return lambda values: kind.model_validate({name: value for name, value in values.items() if value})
