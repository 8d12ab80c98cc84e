"""Host accounts: let in by what they have, refused with a reason, and their secrets shown to nobody."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import ValidationError

from blocks.meet import Meet
from blocks.meet_problem import MeetProblem, MeetRefusesUs, MeetUnreachable
from sandbox.chain.faults import Fault
from sandbox.meet import MeetServer
from tests.blocks.meeting import SECRETS, Hurried, block

SECRET = SECRETS["host-1"]
CLIENT_SECRET = "cl1ent-Vb77"
TOKEN = {"host-1": {"type": "token", "token": SECRET}}


@pytest.fixture(scope="module")
def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*form).decode()


@pytest.fixture
def everything_said() -> Iterator[list[str]]:
    """What any logger says at DEBUG, with all that a formatter could write of it, `extra` included."""
    said: list[str] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(f"{record.getMessage()} {record.__dict__}")

    ear, loggers = Ear(), [logging.getLogger(), *map(logging.getLogger, ("google", "urllib3", "requests"))]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
        logger.addHandler(ear)
    yield said
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)
        logger.removeHandler(ear)


def user(meet: MeetServer, **others: str) -> dict[str, Any]:
    """A person's account, as Google's tools write its credentials."""
    usual = {
        "type": "authorized_user", "client_id": "client", "client_secret": CLIENT_SECRET,
        "refresh_token": SECRET, "token_uri": f"{meet.url}/token", "universe_domain": "googleapis.com",
    }  # fmt: skip
    return {"host-1": usual | others}


def service(meet: MeetServer, private_key: str) -> dict[str, Any]:
    """A service account's key as Google's console exports it, and whom it acts for."""
    key = {
        "type": "service_account", "client_email": "robot@project.example", "private_key_id": "7",
        "private_key": private_key, "token_uri": f"{meet.url}/token",
    }  # fmt: skip
    return {"host-1": {**key, "subject": "host-1@example.com"}}


async def test_a_persons_account() -> None:
    """The refresh token is changed for a token at the account's own address, and that one opens the door."""
    async with MeetServer(accounts=SECRETS) as meet, block(meet, hosts=user(meet)).open(Hurried()) as rooms:
        assert (await rooms.create()).host == "host-1"
        assert meet.journal.requests[0].account == "host-1"


async def test_an_account_that_a_service_account_acts_for(private_key: str) -> None:
    """Its signed word names the account; rooms belong to that one."""
    async with MeetServer(accounts=SECRETS) as meet:
        async with block(meet, hosts=service(meet, private_key)).open(Hurried()) as rooms:
            await rooms.create()
        assert meet.journal.requests[0].account == "host-1"


async def test_an_account_whose_consent_is_withdrawn() -> None:
    """Google says so at the token's address: a person must log in again."""
    async with MeetServer(accounts=SECRETS) as meet, block(meet, hosts=user(meet)).open(Hurried()) as rooms:
        meet.login.revoke("host-1")
        with pytest.raises(MeetRefusesUs, match="RefreshError, invalid_grant"):
            await rooms.create()


async def test_a_token_that_is_withdrawn_is_renewed() -> None:
    """The library asks for another one by itself."""
    async with MeetServer(accounts=SECRETS) as meet, block(meet, hosts=user(meet)).open(Hurried()) as rooms:
        await rooms.create()
        meet.login._issued.clear()
        await rooms.create()
        assert [each.status for each in meet.journal.requests] == [200, 401, 200]


async def test_nobody_gives_tokens() -> None:
    """Trying again can help."""
    async with MeetServer(accounts=SECRETS) as meet:
        async with MeetServer(accounts={}) as gone:
            pass
        hosts = user(meet, token_uri=f"{gone.url}/token")
        async with block(meet, hosts=hosts).open(Hurried()) as rooms:
            with pytest.raises(MeetUnreachable, match="TransportError"):
                await rooms.create()


async def test_a_service_accounts_key_that_is_none() -> None:
    """Said when it is read, without a word of it."""
    async with MeetServer(accounts=SECRETS) as meet:
        broken = block(meet, hosts=service(meet, f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n"))
        with pytest.raises(MeetRefusesUs, match="private_key cannot be read") as caught:
            async with broken.open(Hurried()):
                pass
        assert SECRET not in str(caught.value)


async def test_no_secret_is_told(everything_said: list[str], private_key: str) -> None:
    """Neither tokens nor keys nor a room's link are in logs at DEBUG, in exceptions, or in the Block's own words."""
    secrets = {SECRET, CLIENT_SECRET, private_key[60:90]}
    async with MeetServer(accounts=SECRETS) as meet:
        for hosts in (TOKEN, user(meet), service(meet, private_key)):
            known = block(meet, hosts=hosts)
            async with known.open(Hurried()) as rooms:
                secrets.add((await rooms.create()).link[-12:])
                meet.fault(Fault(kind="http", status=403))
                with pytest.raises(MeetProblem) as caught:
                    await rooms.create()
                meet.clear_faults()
            everything_said += [repr(known), str(known), known.model_dump_json(), repr(caught.value)]
        secrets |= set(meet.login._issued)
    heard = "\n".join(everything_said)
    assert "urllib3.connectionpool" in heard
    assert len(secrets) == 8
    assert [secret for secret in secrets if secret in heard] == []
    assert "eyJ" not in heard  # the beginning of every signed assertion


def test_secrets_are_the_blocks_secrets() -> None:
    """Prefect hides all that stands below `hosts`; in a list it would find, and hide, nothing."""
    assert Meet.model_json_schema()["secret_fields"] == ["hosts.*"]


USER = {"type": "authorized_user", "client_id": "c", "client_secret": SECRET, "refresh_token": SECRET}
SERVICE = {
    "type": "service_account",
    "client_email": "a@b.example",
    "private_key": SECRET,
    "subject": "a@b.example",
}
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"hosts": {}}, "at least 1 item"),
    ({"hosts": TOKEN, "endpoint": "https://meet.googleapis.com"}, "a server on this machine only"),
    ({"endpoint": "http://meet.example"}, "must be https://HOST"),
    ({"endpoint": "http://127.0.0.1:1/"}, "and no more"),
    ({"endpoint": "https://me@meet.example"}, "and no more"),
    ({"hosts": {"a": {"refresh_token": SECRET}}}, "a: Unable to extract tag"),
    ({"hosts": {"a": {"type": "password", "password": SECRET}}}, "does not match any of the expected tags"),
    ({"hosts": {"Ann Smith": USER}}, "should match pattern"),
    ({"hosts": {"a": {**USER, "client_secret": ""}}}, "a.authorized_user.client_secret: .*at least 1"),
    ({"hosts": {"a": {"type": "authorized_user"}}}, "a.authorized_user.refresh_token: Field required"),
    ({"hosts": {"a": {**USER, "token_uri": "http://x.example"}}}, "token_uri: .*neither https"),
    ({"hosts": {"a": {**SERVICE, "subject": "me"}}}, "subject: .*should match pattern"),
    ({"hosts": {"a": SECRET}}, "valid dictionary"),
]  # fmt: skip


@pytest.mark.parametrize(("wrong", "told"), WRONG, ids=lambda value: str(value)[:40])
def test_a_block_that_cannot_be_right(wrong: dict[str, Any], told: str) -> None:
    """Refused with where it is wrong and how, and never with the value."""
    with pytest.raises(ValidationError, match=told) as caught:
        Meet.model_validate({"endpoint": "http://127.0.0.1:1", "hosts": TOKEN} | wrong)
    assert SECRET not in str(caught.value)


def test_googles_own_addresses_are_the_usual() -> None:
    """Nothing but the account need be given."""
    assert Meet.model_validate({"hosts": {"a": USER}}).endpoint == "https://meet.googleapis.com"
