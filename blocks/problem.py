"""What an operator can mend: an exception whose docstring is its message."""

from inspect import cleandoc
from typing import ClassVar


class Problem(Exception):
    """Something outside is not as it must be."""

    heals: ClassVar[bool] = True
    """Whether trying again can help; False when a person must mend it first."""

    def __init__(self, **facts: object) -> None:
        """Fill the docstring's `{names}` from `facts`; never pass a secret or an identifier."""
        super().__init__(" ".join(cleandoc(self.__doc__ or "").format(**facts).split()))
        self.facts = facts

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.facts))


def _rebuild(kind: type[Problem], facts: dict[str, object]) -> Problem:
    return kind(**facts)
