"""What must not leave in a mail or a log: secrets and identifiers, found by their shape. Pure.

The first defence is that no exception's text holds one; this is the second, for what libraries write.
"""

import logging
import re
import traceback

HIDDEN = "***"

_NAMES = r"token|passw(?:or)?d|pwd|secret|api[_-]?key|private[_-]?key"
_VALUE = r"(?:\w+\()?'[^']*'|(?:\w+\()?\"[^\"]*\"|[^\s&'\",;)}\]]+"

_PATTERNS = tuple((re.compile(pattern, re.IGNORECASE), replacement) for pattern, replacement in (
    # scheme://user:password@host, the databases' URLs included; a raw password may hold @ and /
    (r"(\b[a-z][a-z0-9+.-]*://)(?:[^\s/@?#'\"]*:[^\s'\"]*|[^\s/?#'\"]*)@", rf"\1{HIDDEN}@"),
    # Authorization: Bearer …, Authorization: Basic …, and a bearer on its own
    (r"(authorization['\"]?\s*[=:]\s*['\"]?(?:bearer|basic)\s+|\bbearer\s+)[^\s,;'\"]{6,}", rf"\1{HIDDEN}"),
    # token=…, "password": "…", 'api_key': … in queries, JSON and Python's own writing
    (rf"(\b[\w-]{{0,40}}(?:{_NAMES})[\w-]{{0,40}}['\"]?\s*[=:]\s*)(?:{_VALUE})", rf"\1{HIDDEN}"),
    # private keys; a transaction's hash has the same shape and goes too
    (r"(?<![0-9a-z])(?:0x)?[0-9a-f]{64}(?![0-9a-z])", HIDDEN),
    # IINs; not the last group of a UUID
    (r"(?<![0-9a-z])(?<![0-9a-f]{4}-)\d{12}(?![0-9a-z])", HIDDEN),
))  # fmt: skip


def redact(text: str) -> str:
    """Hide what looks like a secret or an identifier.

    >>> redact("wss://game.example/?token=abc123&username=0x12")
    'wss://game.example/?token=***&username=0x12'
    >>> redact("postgresql+asyncpg://me:pw@db/game of 850101300123")
    'postgresql+asyncpg://***@db/game of ***'
    """
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def one_line(text: str | None, limit: int = 200) -> str:
    r"""Redact and bring to one line of at most `limit` characters.

    >>> one_line("first\n  second", 10)
    'first sec…'
    """
    line = " ".join(redact(text or "").split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


class Redacting(logging.Filter):
    """Redacts a record's message and traceback, whoever wrote it; never drops a record."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redact(record.getMessage()), None
        if record.exc_info and not record.exc_text:
            record.exc_text = "".join(traceback.format_exception(*record.exc_info)).rstrip()
        if record.exc_text:
            record.exc_text = redact(record.exc_text)
        return True


def guard_logs() -> None:
    """Let nothing pass any handler of this process unredacted; again and again does no harm."""
    for logger in (logging.getLogger(), *map(logging.getLogger, list(logging.root.manager.loggerDict))):
        for handler in logger.handlers:
            if not any(isinstance(each, Redacting) for each in handler.filters):
                handler.addFilter(Redacting())
