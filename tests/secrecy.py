"""What is said and kept of runs, in every place where somebody could read it, to be searched for what nobody may see."""

import base64
import logging
import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from itertools import product

import httpx

from deployments.stack import Stack

# Loggers that know URLs, logins and rows; the engine sends what they say to the server, as an operator may ask it to.
# Not asyncio and httpcore: the engine's own sender uses them, and would wait for itself.
TALKATIVE = "metronome,metronome.wire,websockets,websockets.client,asyncpg,sqlalchemy,sqlalchemy.engine"
# The environment of a flow's process that tells all it knows.
AT_DEBUG = {
    "PREFECT_LOGGING_LEVEL": "DEBUG",
    "PREFECT_LOGGING_ROOT_LEVEL": "DEBUG",
    "PREFECT_LOGGING_TO_API_LEVEL": "DEBUG",
    "PREFECT_LOGGING_EXTRA_LOGGERS": TALKATIVE,
    "PYTHONASYNCIODEBUG": "1",
}


_INSERTED = re.compile(r'INSERT INTO "(\w+)"')


class Search:
    """Everything that is kept of runs, by place, to be searched for texts.

    Args:
        stack: its files, its database by tables, and its Blocks.
        others: more places, say the mails.
    """

    def __init__(self, stack: Stack, others: Mapping[str, bytes]) -> None:
        self._places = dict(others)
        self._read_files(stack)
        self._read_rows(stack)
        self._ask_the_server(stack)

    def where(self, text: str) -> set[str]:
        """Return the places that hold a text, as it is or in base64."""
        looks = (text.encode(), *in_base64(text.encode()))
        return {place for place, held in self._places.items() if any(look in held for look in looks)}

    def numbers(self, wanted: Iterable[str]) -> set[tuple[str, str]]:
        """Return place and number for each number that is found; as `where`, for many numbers at once."""
        sought = Numbers(wanted)
        return {(place, number) for place, held in self._places.items() for number in sought.found_in(held)}

    def _read_files(self, stack: Stack) -> None:
        """The raw bytes of the server's home with its database and -wal, and of the log folder."""
        for path in stack.home.rglob("*"):
            if path.is_file():
                self._places[str(path.relative_to(stack.home))] = path.read_bytes()

    def _read_rows(self, stack: Stack) -> None:
        """The database once more by its values, table by table: a long one lies in pieces on its pages."""
        address = f"file:{stack.home}/prefect/prefect.db?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=30)) as rows:
            lines: dict[str, list[str]] = defaultdict(list)
            for line in rows.iterdump():
                if found := _INSERTED.match(line):
                    lines[found[1]].append(line)
        self._places |= {table: "\n".join(inserted).encode() for table, inserted in lines.items()}

    def _ask_the_server(self, stack: Stack) -> None:
        """Blocks lie encrypted in the database, and this is what the server tells of them."""
        with httpx.Client(base_url=f"{stack.api_url}/", timeout=30) as api:
            blocks = api.post("block_documents/filter", json={"limit": 200}).raise_for_status()
        self._places["blocks"] = blocks.content


def in_base64(plain: bytes) -> list[bytes]:
    """Return the three looks of a text within base64, by its place among the bytes before it."""
    return [base64.b64encode(b"\0" * shift + plain)[4:-4] for shift in range(3)]


NINE = 9
_PLAIN = re.compile(rb"[0-9]{9,}")
# Three digits are four signs in base64, and of each sign only a few can be.
_TRIPLES = [base64.b64encode(bytes(digits)).decode() for digits in product(b"0123456789", repeat=3)]
_SIGNS = ["".join(sorted(set(signs))) for signs in zip(*_TRIPLES, strict=True)]
_ENCODED = re.compile("".join(["(?:", *(f"[{signs}]" for signs in _SIGNS), "){3,}"]).encode())


class Numbers:
    """Long numbers, found in one pass however many there are; in base64 by any nine digits of theirs in a row.

    >>> sought = Numbers(["012345678901"])
    >>> letter = b"no. 012345678901!"
    >>> [sought.found_in(each) for each in (letter, base64.b64encode(letter), letter[:-2])]
    [{'012345678901'}, {'012345678901'}, set()]
    """

    def __init__(self, numbers: Iterable[str]) -> None:
        self._by_part = {
            number[at : at + NINE].encode(): number
            for number in numbers
            for at in range(len(number) - NINE + 1)
        }

    def found_in(self, held: bytes) -> set[str]:
        plain = _PLAIN.findall(held)
        decoded = (base64.b64decode(signs) for signs in _ENCODED.findall(held))
        whole = {number for run in plain for number in self._parts_of(run) if number.encode() in run}
        return whole | {number for run in decoded for number in self._parts_of(run)}

    def _parts_of(self, run: bytes) -> Iterator[str]:
        parts = (run[at : at + NINE] for at in range(len(run) - NINE + 1))
        return (self._by_part[part] for part in parts if part in self._by_part)


class Unbounded(logging.Handler):
    """Keeps every record as a formatter writes it, traceback included."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s"))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@contextmanager
def hearing(*more: str) -> Iterator[list[str]]:
    """Yield what any logger says, at DEBUG, in this process; `more` are loggers beside those that are known."""
    ear = Unbounded()
    names = ("", "asyncio", "prefect", "prefect.flow_runs", *TALKATIVE.split(","), *more)
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    for logger in {logging.getLogger(), *(each for each in loggers if not each.propagate)}:
        logger.addHandler(ear)
    try:
        yield ear.lines
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
            logger.removeHandler(ear)
