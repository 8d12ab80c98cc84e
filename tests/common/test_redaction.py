"""What is hidden before a text leaves in a mail or a log."""

import logging
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.common.redaction import HIDDEN, Redacting, one_line, redact

secrets = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHXYZ0123456789-_.~%", min_size=8, max_size=60).map(
    "Zq".__add__
)
SHAPES = [
    "wss://game.example/?token={}&username=0x1",
    "connect to postgresql+asyncpg://me:{}@db.example:5432/game failed",
    "oracle+oracledb://me:{}@h/sid",
    "Authorization: Bearer {}",
    "authorization: basic {}",
    "password={}",
    "'password': '{}', 'user': 'me'",
    '{{"DB_PASSWORD": "{}"}}',
    "SMTP_PASSWORD: {}",
    "token=SecretStr('{}')",
    "https://{}@host/path",
]


@pytest.mark.parametrize("shape", SHAPES)
@given(secret=secrets)
def test_a_secret_is_hidden_in_every_shape(shape: str, secret: str) -> None:
    """Whatever the secret is made of, nothing of it is left, and a second pass changes nothing."""
    hidden = redact(shape.format(secret))
    assert secret not in hidden
    assert HIDDEN in hidden
    assert redact(hidden) == hidden


@given(st.integers(0, 10**12 - 1), st.sampled_from(["{}", "iin={}", "({}),", "user_{}", "{}: no"]))
def test_an_iin_is_hidden(number: int, shape: str) -> None:
    """Twelve digits on their own are an identifier."""
    assert f"{number:012d}" not in redact(shape.format(f"{number:012d}"))


@given(st.binary(min_size=32, max_size=32), st.sampled_from(["{}", "0x{}", "key {}!"]))
def test_a_private_key_is_hidden(key: bytes, shape: str) -> None:
    """64 hex digits are taken for a private key."""
    assert key.hex() not in redact(shape.format(key.hex()))


@given(st.uuids())
def test_a_flow_runs_id_stays_readable(run_id: object) -> None:
    """A UUID is no secret, though its last group may be twelve digits."""
    assert redact(f"runs/flow-run/{run_id}") == f"runs/flow-run/{run_id}"


@pytest.mark.parametrize(
    "text",
    [
        "GameRefusesUs: the server refused 5 accounts in a row (HTTP 403)",
        "0x" + "ab" * 20,
        "2030-05-05T12:00:00+00:00",
        "http://127.0.0.1:4200/runs",
        "operator@example.org",
        "address, token or Origin are wrong",
    ],
)
def test_what_a_person_needs_stays(text: str) -> None:
    """Plain words, addresses, times and links are left alone."""
    assert redact(text) == text


@given(st.text(max_size=300), st.integers(1, 50))
def test_one_line_is_one_line(text: str, limit: int) -> None:
    """The result has no line break and keeps to its limit."""
    line = one_line(text, limit)
    assert len(line) <= limit
    assert len(line.splitlines()) <= 1


def test_a_logger_hides_message_and_traceback() -> None:
    """What a library logs is redacted with its arguments and its traceback."""
    stream = StringIO()
    logger = logging.getLogger("tests.redaction")
    logger.propagate = False
    handler = logging.StreamHandler(stream)
    handler.addFilter(Redacting())
    logger.addHandler(handler)
    try:
        int("password=hush-hush")
    except ValueError:
        logger.exception("connecting to %s", "postgresql://me:hush-hush@db/x")
    assert "hush-hush" not in stream.getvalue()
    assert "Traceback" in stream.getvalue()
