"""The mail sink, through the client that everybody has."""

import asyncio
import smtplib
from collections.abc import AsyncIterator, Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from sandbox.mail import MailRefusal, MailSink


@pytest.fixture
async def mail(tmp_path: Path) -> AsyncIterator[MailSink]:
    async with MailSink(tmp_path / "mail", username="sandbox", password="s3cret") as mail:
        yield mail


async def test_a_mail_is_kept_as_it_was_sent(mail: MailSink) -> None:
    """Subject, both bodies, attachments and every recipient, blind copies too, can be read back."""
    await send(mail, letter())
    (kept,) = mail.mails
    assert kept.message["Subject"] == "Отчёт за день"
    assert (kept.part("plain"), kept.part("html")) == ("привет\n", "<b>привет</b>\n")
    assert kept.attachments == ["plan.csv"]
    assert kept.recipients == ["a@example.org", "blind@example.org"]


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
async def test_both_ways_to_log_in_are_understood(mail: MailSink, mechanism: str) -> None:
    """AUTH PLAIN and AUTH LOGIN accept the right password."""

    def log_in(client: smtplib.SMTP) -> Any:
        client.ehlo()
        client.user, client.password = "sandbox", "s3cret"
        return client.auth(mechanism, getattr(client, f"auth_{mechanism.lower()}"))

    assert (await talk(mail, log_in))[0] == 235


async def test_a_wrong_password_is_refused(mail: MailSink) -> None:
    """535, and nothing is kept."""
    with pytest.raises(smtplib.SMTPAuthenticationError):
        await talk(mail, lambda client: client.login("sandbox", "wrong"))


async def test_nobody_sends_without_a_password(mail: MailSink) -> None:
    """A client that does not log in may not send."""
    with pytest.raises(smtplib.SMTPSenderRefused):
        await talk(mail, lambda client: client.send_message(letter()))
    assert mail.mails == []


async def test_refusing_can_be_switched_on_for_a_while(mail: MailSink) -> None:
    """The next N mails get the code that was set, then mail flows again."""
    mail.refuse(MailRefusal(code=451, messages=1))
    with pytest.raises(smtplib.SMTPDataError, match="451"):
        await send(mail, letter())
    await send(mail, letter())
    assert len(mail.mails) == 1


async def test_refusing_lasts_until_switched_off(mail: MailSink) -> None:
    """Without a number every mail is refused."""
    mail.refuse(MailRefusal(code=554, text="go away"))
    for _ in range(2):
        with pytest.raises(smtplib.SMTPDataError, match="go away"):
            await send(mail, letter())
    mail.refuse(None)
    await send(mail, letter())


async def test_mails_survive_a_restart_until_they_are_cleared(mail: MailSink) -> None:
    """A sink on the same folder knows the old mails and numbers on; clearing forgets them for good."""
    await send(mail, letter())
    async with MailSink(mail.folder, username="sandbox", password="s3cret") as again:
        await send(again, letter())
        assert [kept.number for kept in again.mails] == [1, 2]
        assert again.mails[0].recipients == ["a@example.org", "blind@example.org"]
        again.clear()
    async with MailSink(mail.folder, username="sandbox", password="s3cret") as empty:
        assert empty.mails == []


def letter() -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "m@example.org", "a@example.org", "Отчёт за день"
    message["Bcc"] = "blind@example.org"
    message.set_content("привет")
    message.add_alternative("<b>привет</b>", subtype="html")
    message.add_attachment("a,b\n", subtype="csv", filename="plan.csv")
    return message


async def send(mail: MailSink, message: EmailMessage) -> None:
    def log_in_and_send(client: smtplib.SMTP) -> None:
        client.login("sandbox", "s3cret")
        client.send_message(message)

    await talk(mail, log_in_and_send)


async def talk(mail: MailSink, what: Callable[[smtplib.SMTP], Any]) -> Any:
    def session() -> Any:
        with smtplib.SMTP("127.0.0.1", mail.port, timeout=5) as client:
            return what(client)

    return await asyncio.to_thread(session)
