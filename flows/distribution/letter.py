"""The mails to the campaigns' people, in Russian: Result, Skipped or Trouble -> EmailMessage. Pure.

The same run gives the same mail to the byte, so that a mail that is sent twice is recognised: by its
Message-ID, and by everything else.
"""

from email.message import EmailMessage
from typing import Any
from uuid import UUID

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from flows.common.redaction import one_line
from flows.distribution import account, russian
from flows.distribution.days import Result, Skipped, Trouble

PRODUCT = "SoftCollection"

_TEMPLATES = Environment(
    loader=PackageLoader("flows.distribution"),
    autoescape=select_autoescape(["html.j2"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_TEMPLATES.globals["ru"] = russian


def completed(result: Result, *, url: str = "") -> EmailMessage:
    """Return the mail about a finished day; the complete result is attached as JSON.

    Args:
        result: what is told.
        url: of the run in the UI.
    """
    told = account.completed(result)
    subject = f"✅ {PRODUCT}: Ежедневная дистрибуция завершена - {result.users} пользователей распределено"
    attachment = f"distribution_{result.business_date}.json"
    mail = _letter(subject, "completed", result.run_id, {**told, "url": url, "attachment": attachment})
    content = account.as_json(told).encode()
    mail.add_attachment(content, maintype="application", subtype="json", filename=attachment)
    return _reproducible(mail)


def skipped(skipped: Skipped, *, url: str = "") -> EmailMessage:
    """Return the mail about a day that had nothing to distribute."""
    reason = russian.reason(skipped.reason, skipped.count_day)
    subject = f"⏭️ {PRODUCT}: Ежедневная дистрибуция пропущена - {reason}"
    facts = {**account.skipped(skipped), "url": url, "title": reason}
    return _reproducible(_letter(subject, "skipped", skipped.run_id, facts))


def failed(trouble: Trouble, *, runbook: str, is_guarded: bool = False) -> EmailMessage:
    """Return the mail about a failure: ❌ where it is one that the process knows, 🚨 otherwise.

    Args:
        trouble: what is told.
        runbook: where it says what to do, page and heading.
        is_guarded: a new run is started by itself within minutes.
    """
    if trouble.is_expected:
        kind, subject = "failed", f"❌ {PRODUCT}: Ошибка ежедневной дистрибуции - {trouble.stage}"
    else:
        kind, subject = "critical", f"🚨 {PRODUCT}: Критическая ошибка ежедневной дистрибуции"
    facts = {
        **account.failed(trouble),
        "stage_name": russian.STAGES[trouble.stage],
        "written": russian.written(trouble.stage),
        "runbook": one_line(runbook),
        "url": trouble.url,
        "is_guarded": is_guarded,
    }
    return _reproducible(_letter(subject, kind, trouble.run_id, facts))


def _letter(subject: str, kind: str, run_id: UUID, facts: dict[str, Any]) -> EmailMessage:
    mail = EmailMessage()
    mail["Subject"] = subject
    mail["Message-ID"] = f"<{run_id}.{kind}@metronome.invalid>"
    mail["Auto-Submitted"] = "auto-generated"
    facts = {**facts, "kind": kind, "subject": subject, "url": one_line(facts["url"], 500)}
    page = {"critical": "failed"}.get(kind, kind)
    # Base64: lines of any length survive every server, and nothing in them looks like a boundary.
    mail.set_content(_render(f"{page}.txt.j2", facts), cte="base64")
    mail.add_alternative(_render(f"{page}.html.j2", facts), subtype="html", cte="base64")
    return mail


def _render(template: str, facts: dict[str, Any]) -> str:
    return _TEMPLATES.get_template(template).render(facts)


def _reproducible(mail: EmailMessage) -> EmailMessage:
    """Give the parts' boundaries fixed names; the usual ones are random, of digits as an IIN has."""
    nested = (part for part in mail.walk() if part.is_multipart())
    for place, part in enumerate(nested):
        part.set_boundary(f"=_metronome_{place}")
    return mail
