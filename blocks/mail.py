"""Mail: prefect-email keeps the credentials, the standard library sends, within a time limit."""

import asyncio
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate

from prefect.blocks.core import Block
from prefect_email import EmailServerCredentials
from prefect_email.credentials import SMTPType
from pydantic import Field, field_validator

from blocks.problem import Problem
from blocks.store import load

TIMEOUT_S = 20.0
DEFAULT_PORT = {SMTPType.SSL: 465, SMTPType.STARTTLS: 587, SMTPType.INSECURE: 25}


class MailNotSent(Problem):
    """mail: the SMTP server did not take the mail ({reason}). Check SMTP_* in .env, run `make apply`, and ask
    `prefect deployment run doctor/on-demand`.
    """


class MailSettings(Block):
    """Who writes, who reads."""

    _block_type_name = "Mail Settings"
    _block_type_slug = "mail-settings"
    _description = "Sender and recipients of Metronome's mails; the server is the block `mail`."

    sender: str = Field(description="Address in From.")
    recipients: list[str] = Field(description="Who is told of failures.", min_length=1)

    @field_validator("recipients")
    @classmethod
    def _are_addresses(cls, recipients: list[str]) -> list[str]:
        for place, address in enumerate(recipients, start=1):
            if "@" not in address or any(character.isspace() for character in address):
                raise ValueError(f"entry {place} is not a mail address; a comma list of them is wanted")
        return recipients


async def send(message: EmailMessage, people: str = "mail-settings") -> None:
    """Send through block `mail`, from and to those in the block `people` where the message does not say.

    Raises:
        MailNotSent: the server is away, refuses us, or did not answer in time.
    """
    credentials = await load(EmailServerCredentials, "mail")
    settings = await load(MailSettings, people)
    if "From" not in message:
        message["From"] = settings.sender
    if "To" not in message:
        message["To"] = ", ".join(settings.recipients)
    del message["Date"]  # of the try before
    message["Date"] = formatdate()
    await asyncio.to_thread(_deliver, credentials, message)


async def greet() -> None:
    """Log in and say NOOP, so that `doctor` knows.

    Raises:
        MailNotSent: see `send`.
    """
    await asyncio.to_thread(_deliver, await load(EmailServerCredentials, "mail"), None)


def _deliver(credentials: EmailServerCredentials, message: EmailMessage | None) -> None:
    try:
        with _connect(credentials) as server:
            if credentials.username:
                server.login(credentials.username, credentials.password.get_secret_value())
            if message is None:
                server.noop()
            else:
                server.send_message(message)
    except (OSError, smtplib.SMTPException) as error:
        raise MailNotSent(reason=_reason(error)) from None  # its text may quote the login


def _connect(credentials: EmailServerCredentials) -> smtplib.SMTP:
    kind = SMTPType(credentials.smtp_type)
    host = getattr(credentials.smtp_server, "value", credentials.smtp_server)
    port = credentials.smtp_port or DEFAULT_PORT[kind]
    tls = ssl.create_default_context()
    if not credentials.verify:
        tls.check_hostname = False
        tls.verify_mode = ssl.CERT_NONE
    if kind is SMTPType.SSL:
        return smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_S, context=tls)
    server = smtplib.SMTP(host, port, timeout=TIMEOUT_S)
    if kind is SMTPType.STARTTLS:
        server.starttls(context=tls)
    return server


def _reason(error: Exception) -> str:
    code = getattr(error, "smtp_code", None)
    return f"{type(error).__name__} {code}" if code else type(error).__name__
