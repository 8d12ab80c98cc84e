"""The watchdog: outside Prefect, so that somebody is told when Prefect itself is down.

It asks whether the server answers and whether a worker's heartbeat is fresh. When either is missing for too
long it mails once, straight through SMTP, and once more when both are back.
"""

import json
import os
import signal
import smtplib
import ssl
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import formatdate
from threading import Event
from urllib.request import Request, urlopen

EVERY_S = 30.0
# Three of the worker's heartbeats (30 s).
FRESH_S = 90.0
PATIENCE_S = 300.0
SMTP_TIMEOUT_S = 20.0


def what_is_missing(api_url: str, pool: str = "metronome") -> str | None:
    """Return what does not live, in words for a mail; None when all does."""
    try:
        with urlopen(f"{api_url}/health", timeout=10):  # noqa: S310
            pass
        address = f"{api_url}/work_pools/{pool}/workers/filter"
        workers = Request(address, b"{}", {"Content-Type": "application/json"})  # noqa: S310
        with urlopen(workers, timeout=10) as answer:  # noqa: S310
            found = json.load(answer)
    except (OSError, ValueError) as error:
        return f"the Prefect server at {api_url} does not answer ({type(error).__name__})"
    ages_s = (_age_s(worker["last_heartbeat_time"]) for worker in found)
    return (
        None
        if min(ages_s, default=FRESH_S) < FRESH_S
        else f"no worker of the pool {pool!r} has a fresh heartbeat"
    )


def _age_s(timestamp: str | None) -> float:
    if timestamp is None:
        return FRESH_S
    return (datetime.now(UTC) - datetime.fromisoformat(timestamp)).total_seconds()


@dataclass
class Watch:
    """How long something has been missing, and whether that was told; times are monotonic."""

    patience_s: float
    since_s: float | None = field(default=None, init=False)
    told: bool = field(default=False, init=False)

    def look(self, missing: str | None, now_s: float) -> str | None:
        """Return the subject of the mail that is due now, if one is.

        >>> watch = Watch(patience_s=300)
        >>> watch.look("no worker", 0), watch.look("no worker", 300), watch.look("no worker", 330)
        (None, 'DOWN for 5 min: no worker', None)
        >>> watch.look(None, 400), watch.look(None, 430)
        ('up again', None)
        """
        if missing is None:
            was_told, self.since_s, self.told = self.told, None, False
            return "up again" if was_told else None
        self.since_s = now_s if self.since_s is None else self.since_s
        silent_s = now_s - self.since_s
        if self.told or silent_s < self.patience_s:
            return None
        self.told = True
        return f"DOWN for {silent_s / 60:.0f} min: {missing}"


def mail(subject: str, env: Mapping[str, str]) -> None:
    """Send one mail, with what the environment says of server, sender and recipients.

    Raises:
        OSError, smtplib.SMTPException: it was not sent.
    """
    message = EmailMessage()
    message["Subject"] = f"[Metronome] {subject}"
    message["From"], message["To"] = env["EMAIL_SENDER"], env["ALERT_RECIPIENTS"]
    message["Date"] = formatdate()
    message.set_content(
        f"{subject}\n\nSeen by the watchdog of {os.uname().nodename}. docs/runbook.md, Watchdog.\n"
    )
    with _connect(env) as server:
        if env.get("SMTP_USERNAME"):
            server.login(env["SMTP_USERNAME"], env.get("SMTP_PASSWORD", ""))
        server.send_message(message)


def _connect(env: Mapping[str, str]) -> smtplib.SMTP:
    host, port, tls = env["SMTP_SERVER"], int(env.get("SMTP_PORT") or 0), ssl.create_default_context()
    if env.get("SMTP_TYPE") == "SSL":
        return smtplib.SMTP_SSL(host, port, timeout=SMTP_TIMEOUT_S, context=tls)
    server = smtplib.SMTP(host, port, timeout=SMTP_TIMEOUT_S)
    if env.get("SMTP_TYPE") != "INSECURE":
        server.starttls(context=tls)
    return server


def main(env: Mapping[str, str] = os.environ) -> None:
    """Watch until SIGTERM; METRONOME_WATCHDOG_S and METRONOME_WATCHDOG_EVERY_S change the times."""
    asked_to_end = Event()
    signal.signal(signal.SIGTERM, lambda *_: asked_to_end.set())
    every_s = float(env.get("METRONOME_WATCHDOG_EVERY_S", EVERY_S))
    watch = Watch(float(env.get("METRONOME_WATCHDOG_S", PATIENCE_S)))
    while not asked_to_end.wait(every_s):
        due = watch.look(what_is_missing(env["PREFECT_API_URL"]), time.monotonic())
        if due and not _try_to_mail(due, env):
            watch.told = not watch.told  # again in the next round


def _try_to_mail(subject: str, env: Mapping[str, str]) -> bool:
    try:
        mail(subject, env)
    except (OSError, smtplib.SMTPException, KeyError, ValueError) as error:
        print(f"not mailed ({type(error).__name__}): {subject}", file=sys.stderr, flush=True)
        return False
    print(f"mailed: {subject}", flush=True)
    return True


if __name__ == "__main__":
    main()
