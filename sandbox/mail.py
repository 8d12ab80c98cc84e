"""An SMTP sink: takes every mail, sends none, keeps all of them as .eml files."""

import asyncio
import hmac
import logging
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern
from pathlib import Path
from typing import Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from pydantic import BaseModel, ConfigDict, Field

from sandbox.service import Place
from sandbox.state import LOOPBACK

SENDER = "metronome@sandbox.example"
ALERT_RECIPIENTS = "operator@sandbox.example"
CAMPAIGN_RECIPIENTS = "campaigns@sandbox.example, analyst@sandbox.example"
OK = "250 2.0.0 kept"
logging.getLogger("mail.log").setLevel(logging.ERROR)


class MailRefusal(BaseModel):
    """What the sink says instead of taking a mail."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: int = Field(451, ge=400, le=599, description="SMTP code: 400 to 499 try again, 500 to 599 never")
    text: str = Field("sandbox refuses", pattern=r"^[ -~]+$", description="one line of ASCII")
    messages: int | None = Field(None, ge=1, description="only the next N mails, or null until cleared")


@dataclass(frozen=True)
class Mail:
    """`sender` and `recipients` are the envelope's, which also name who gets a blind copy."""

    number: int
    sender: str
    recipients: list[str]
    message: EmailMessage

    def part(self, kind: str) -> str | None:
        """The body as `plain` or as `html`."""
        body = self.message.get_body((kind,))
        return None if body is None else str(body.get_content()).replace("\r\n", "\n")

    @property
    def attachments(self) -> list[str]:
        return [part.get_filename() or part.get_content_type() for part in self.message.iter_attachments()]


class MailSink:
    """`async with MailSink(folder, username=…, password=…) as mail:` listens on `mail.port`.

    Args:
        folder: keeps the mails; what lies there already is read again.
        port: 0 takes any free one.
    """

    def __init__(self, folder: Path, *, username: str, password: str, port: int = 0) -> None:
        self.folder, self.port = folder, port
        self.username, self.password = username, password
        self.mails: list[Mail] = []
        self.refusal: MailRefusal | None = None
        self._refused = 0
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.mails = [_read(path) for path in sorted(self.folder.glob("*.eml"))]
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._session, LOOPBACK, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def describe(self) -> Place:
        env = {
            "SMTP_SERVER": LOOPBACK,
            "SMTP_PORT": str(self.port),
            "SMTP_USERNAME": self.username,
            "SMTP_PASSWORD": self.password,
            "SMTP_TYPE": "INSECURE",
            "EMAIL_SENDER": SENDER,
            "ALERT_RECIPIENTS": ALERT_RECIPIENTS,
            "CAMPAIGN_NOTIFICATION_EMAILS": CAMPAIGN_RECIPIENTS,
        }
        return Place("mail", f"smtp://{LOOPBACK}:{self.port}", env)

    def refuse(self, refusal: MailRefusal | None) -> None:
        """Refuse from now on; None accepts again."""
        self.refusal, self._refused = refusal, 0

    def clear(self) -> None:
        for path in self.folder.glob("*.eml"):
            path.unlink()
        self.mails.clear()

    def take(self, sender: str, recipients: list[str], content: bytes) -> str:
        """Keep or refuse one mail; returns the SMTP answer."""
        if self.refusal is not None:
            answer = f"{self.refusal.code} {self.refusal.text}"
            self._refused += 1
            if self._refused == self.refusal.messages:
                self.refuse(None)
            return answer
        number = self.mails[-1].number + 1 if self.mails else 1
        path = self.folder / f"{number:06}.eml"
        envelope = f"X-Envelope-From: {sender}\r\nX-Envelope-To: {', '.join(recipients)}\r\n"
        path.write_bytes(envelope.encode() + content)
        self.mails.append(_read(path))
        return OK

    def _session(self) -> SMTP:
        return SMTP(
            _Hooks(self), hostname="localhost", ident="sandbox", authenticator=self._authenticate,
            auth_require_tls=False, auth_exclude_mechanism=[], enable_SMTPUTF8=True,
        )  # fmt: skip

    def _authenticate(
        self, _smtp: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, login: object
    ) -> AuthResult:
        assert isinstance(login, LoginPassword)
        known = login.login == self.username.encode() and hmac.compare_digest(
            login.password, self.password.encode()
        )
        return AuthResult(success=known, handled=False)


class _Hooks:
    """Where the SMTP library asks what to answer."""

    def __init__(self, sink: MailSink) -> None:
        self._sink = sink

    async def handle_MAIL(  # noqa: N802 - the library's name and arguments
        self, _smtp: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if not session.authenticated:
            return "530 5.7.0 Authentication required"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_DATA(self, _smtp: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content
        assert isinstance(content, bytes)
        return self._sink.take(envelope.mail_from or "", [str(to) for to in envelope.rcpt_tos], content)


def _read(path: Path) -> Mail:
    message = message_from_bytes(path.read_bytes(), EmailMessage, policy=modern)
    sender, recipients = str(message["X-Envelope-From"]), str(message["X-Envelope-To"])
    return Mail(int(path.stem), sender, recipients.split(", "), message)
