"""From the client's first packet to an open session: which database, which protocol, which user.

Source  python-oracledb 26.1, impl/thin/messages/{protocol,data_types,auth}.pyx
"""

import re
import struct
from collections.abc import Callable

from sandbox.oracle import answers
from sandbox.oracle.o5logon import VERIFIER_TYPE, Challenge
from sandbox.oracle.packets import Line
from sandbox.oracle.requests import FUNCTION
from sandbox.oracle.wire import Reader, UnknownMessage, Writer

PROTOCOL, DATA_TYPES = 1, 2
FIRST_PHASE, SECOND_PHASE = 118, 115
FIELD_VERSION = 7  # 12.1, see packets.VERSION
COMPILE_TIME_BYTES, FIELD_VERSION_AT, RUN_TIME_BYTES = 45, 7, 11
AL32UTF8, AL16UTF16 = 873, 2000
VERSION_NUMBER = 19 << 24
MAX_OPEN_CURSORS = 300
EXPECTED = frozenset({
    "AUTH_TERMINAL", "AUTH_PROGRAM_NM", "AUTH_MACHINE", "AUTH_PID", "AUTH_SID", "AUTH_SESSKEY", "AUTH_PASSWORD",
    "SESSION_CLIENT_CHARSET", "SESSION_CLIENT_DRIVER_NAME", "SESSION_CLIENT_VERSION", "AUTH_ALTER_SESSION",
    "AUTH_CONNECT_STRING",
})  # fmt: skip


def wanted(connect_string: str) -> tuple[str, str]:
    """Return what is asked for, SID or SERVICE_NAME, and its name.

    >>> wanted("(DESCRIPTION=(ADDRESS=(PROTOCOL=tcp))(CONNECT_DATA=(SID=DSSB)(CID=(PROGRAM=x))))")
    ('SID', 'DSSB')
    """
    found = re.search(r"\((SID|SERVICE_NAME)=([^)]*)\)", connect_string, re.IGNORECASE)
    return (found[1].upper(), found[2]) if found else ("SERVICE_NAME", "")


def agree(line: Line) -> None:
    """Settle protocol, character set and data types; nothing of it is negotiable here."""
    line.reader.expect(PROTOCOL)
    for _ in range(2):  # versions, then the driver's name, both up to a zero byte
        while line.reader.byte():
            pass
    line.send(_protocol())
    line.reader.expect(DATA_TYPES)
    line.reader.take(5)  # character sets, how they are encoded
    for _ in range(2):  # capabilities
        line.reader.field()
    while line.reader.take(2) != bytes(2):
        line.reader.take(6)
    line.send(Writer().byte(DATA_TYPES).raw(bytes(2)))


def authenticate(
    line: Line, password_of: Callable[[str], str | None], service: str
) -> tuple[str, Writer | None]:
    """Return the user's name, in upper case, and the answer that opens the session: none if he is not who he says."""
    user, _ = _phase(line.reader, FIRST_PHASE)
    challenge = Challenge(password_of(user))
    shown = {"AUTH_SESSKEY": _hex(challenge.half), "AUTH_VFR_DATA": _hex(challenge.salt)}
    line.send(answers.parameters(shown, flags={"AUTH_VFR_DATA": VERIFIER_TYPE}))
    _, given = _phase(line.reader, SECOND_PHASE)
    half, password = (bytes.fromhex(given.get(name, "")) for name in ("AUTH_SESSKEY", "AUTH_PASSWORD"))
    return user, _welcome(challenge, service) if challenge.accepts(half, password) else None


def _protocol() -> Writer:
    compile_time = bytearray(COMPILE_TIME_BYTES)
    compile_time[FIELD_VERSION_AT] = FIELD_VERSION
    national = bytes(9) + struct.pack(">H", AL16UTF16)
    answer = Writer().byte(PROTOCOL, 6, 0).raw(b"Sandbox\0").raw(struct.pack("<HBH", AL32UTF8, 1, 0))
    answer.raw(struct.pack(">H", len(national))).raw(national)
    return answer.field(bytes(compile_time)).field(bytes(RUN_TIME_BYTES))


def _phase(reader: Reader, function: int) -> tuple[str, dict[str, str]]:
    """Read one of the client's two messages: the user's name and what goes with it."""
    reader.expect(FUNCTION)
    reader.expect(function)
    reader.byte()  # sequence
    has_user = reader.byte()
    reader.numbers(2)  # length of the name, mode
    reader.byte()
    pairs = reader.number()
    reader.take(2)
    user = reader.text().upper() if has_user else ""
    given = {}
    for _ in range(pairs):
        name = reader.counted_text()
        given[name] = reader.counted_text()
        reader.number()
    unexpected = given.keys() - EXPECTED
    if unexpected:
        raise UnknownMessage(f"a login with {', '.join(sorted(unexpected))}")
    return user, given


def _welcome(challenge: Challenge, service: str) -> Writer:
    return answers.parameters({
        "AUTH_SVR_RESPONSE": _hex(challenge.proof),
        "AUTH_VERSION_NO": str(VERSION_NUMBER),
        "AUTH_SC_SERVICE_NAME": service,
        "AUTH_SC_DBUNIQUE_NAME": "SANDBOX",
        "AUTH_INSTANCENAME": "sandbox",
        "AUTH_MAX_OPEN_CURSORS": str(MAX_OPEN_CURSORS),
        "AUTH_MAX_IDEN_LENGTH": "128",
        "AUTH_SESSION_ID": "1",
        "AUTH_SERIAL_NUM": "1",
    })  # fmt: skip


def _hex(data: bytes) -> str:
    return data.hex().upper()
