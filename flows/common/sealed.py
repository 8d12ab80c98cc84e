"""What leaves a process that handles identifiers: our own exceptions, and of others only a redacted line."""

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from blocks.problem import Problem
from flows.common.redaction import one_line

P = ParamSpec("P")
R = TypeVar("R")


class Unexpected(RuntimeError):
    """An error that nobody foresaw: its kind, and its text as far as it may be shown."""


def is_ours(error: BaseException) -> bool:
    """Tell whether an exception is one that we wrote: by its making it holds no identifier."""
    return isinstance(error, Problem) or hasattr(error, "heals")


def heals(error: BaseException) -> bool:
    """Tell whether trying again can help; what does not heal waits for a person."""
    return bool(getattr(error, "heals", True))


def safe(error: Exception) -> Exception:
    """Return the exception as it may be shown."""
    if is_ours(error) or isinstance(error, Unexpected):
        return error
    return Unexpected(f"{type(error).__name__}: {one_line(str(error))}")


def sealed(
    function: Callable[P, Coroutine[Any, Any, R]],
) -> Callable[P, Coroutine[Any, Any, R]]:
    """Let no library's exception text reach a state, a log or a mail."""

    @wraps(function)
    async def within(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return await function(*args, **kwargs)
        except Exception as error:  # noqa: BLE001
            raise safe(error) from None

    return within
