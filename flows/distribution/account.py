"""What may leave the house about a day, as plain values: counts and names, never an IIN. Pure.

The mails' templates get these and nothing else. So a letter says what its attachment holds, and every text
that a database, a library or a person wrote has been through `shown`.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from flows.common.redaction import HIDDEN, one_line
from flows.distribution.cohort import Plan
from flows.distribution.days import LedgerDay, Result, Skipped, TableState, Trouble
from flows.distribution.models import Campaign, Check, Group, Share, Skip

NOTES = {
    Skip.NO_CAMPAIGNS: "No campaign is active, so SPSS was not asked for users.",
    Skip.NO_USERS: "Campaigns are active, but there is no user to distribute.",
}
_IIN = re.compile(r"\d{12,}")


def shown(text: str, limit: int = 255) -> str:
    r"""Return the text redacted, on one line, without anything that cannot be seen.

    >>> shown("Весна\r\nBcc: x@example.org 850101300123\u202e")
    'Весна Bcc: x@example.org ***'
    """
    line = "".join(sign for sign in one_line(text, limit) if sign.isprintable())
    return _IIN.sub(HIDDEN, line)


def as_json(account: dict[str, Any]) -> str:
    """Return it for people and programs: indented, Cyrillic as it is, dates in ISO 8601."""
    return json.dumps(account, ensure_ascii=False, indent=2, default=lambda moment: moment.isoformat()) + "\n"


def completed(result: Result) -> dict[str, Any]:
    """Return the complete result: what the mail tells and its attachment keeps."""
    return {
        "business_date": result.business_date,
        "run_id": str(result.run_id),
        "status": "completed",
        "count_day": result.count_day,
        "users": result.users,
        "insert_datetime": result.insert_datetime,
        "took_s": round(result.took_s, 3),
        "was_resumed": result.was_resumed,
        "requested_by": shown(result.requested_by),
        "approved_by": shown(result.approved_by),
        "numbers": asdict(result.numbers),
        "campaigns": campaigns(result.shares),
        "groups": groups(totals(result.shares)),
        "tables": [_table(table) for table in result.tables],
        "checks": checks(result.checks),
    }


def ledger_day(day: LedgerDay) -> dict[str, Any]:
    """Return what the ledger knows of a day that an earlier run has dealt with."""
    return {
        "business_date": day.business_date,
        "run_id": str(day.run_id),
        "status": day.status.value,
        "count_day": day.count_day,
        "users": day.numbers.distributed,
        "insert_datetime": day.insert_datetime,
        "completed_at": day.completed_at,
        "mailed_at": day.mailed_at,
        "requested_by": shown(day.requested_by),
        "approved_by": shown(day.approved_by),
        "numbers": asdict(day.numbers),
        "groups": groups(day.counts),
        "checks": checks(day.checks),
    }


def skipped(skipped: Skipped) -> dict[str, Any]:
    return {
        "business_date": skipped.business_date,
        "run_id": str(skipped.run_id),
        "status": "skipped",
        "reason": skipped.reason.value,
        "count_day": skipped.count_day,
        "numbers": asdict(skipped.numbers) if skipped.numbers else None,
        "campaigns": [_campaign(campaign) for campaign in skipped.campaigns],
        "checks": checks(skipped.checks),
    }


def failed(trouble: Trouble) -> dict[str, Any]:
    return {
        "business_date": trouble.business_date,
        "run_id": str(trouble.run_id),
        "status": "failed" if trouble.is_expected else "critical",
        "stage": trouble.stage.value,
        "error": shown(trouble.error, 400),
    }


def preview(
    found: Plan | Skipped, users_sample: Sequence[str] = (), known: LedgerDay | None = None
) -> dict[str, Any]:
    """Return what would be done, in the shape that the old service's users know; JSON's own types only.

    Args:
        found: the plan, or why there is none.
        users_sample: keyed tokens that stand for users; an IIN among them would be hidden.
        known: what the ledger has of the day; one that is written is not distributed again.
    """
    shares = found.shares if isinstance(found, Plan) else ()
    active = found.campaigns if isinstance(found, Skipped) else [share.campaign for share in shares]
    users = sum(share.total for share in shares)
    is_written = known is not None and known.is_written
    inside = {
        "active_campaigns": [_campaign(campaign) for campaign in active],
        "campaigns_count": len(active),
        "available_users": users,
        "users_sample": [shown(token) for token in users_sample],
        "distribution_plan": campaigns(shares),
        "would_distribute": users > 0 and not is_written,
    }
    note = ["Preview only: nothing was written."]
    if isinstance(found, Skipped):
        note.append(NOTES[found.reason])
    if known is not None and is_written:
        note.append(
            f"The day is {known.status} already, with COUNT_DAY = {known.count_day}: no run writes it again."
        )
    account = {"success": True, "preview": inside, "note": " ".join(note)}
    plain: dict[str, Any] = json.loads(as_json(account))
    return plain


def campaigns(shares: Iterable[Share]) -> list[dict[str, Any]]:
    return [
        {
            **_campaign(share.campaign),
            "groups": {group.name: users for group, users in zip(Group, share.counts, strict=True)},
            "control": share.control,
            "target": share.target,
            "total": share.total,
        }
        for share in shares
    ]


def totals(shares: Sequence[Share]) -> list[int]:
    """Return the users of the groups A to E over all campaigns."""
    return [sum(share.counts[group - 1] for share in shares) for group in Group]


def groups(counts: Sequence[int]) -> list[dict[str, Any]]:
    """Return each group's users, A to E, and its part of them all: 0.2 when split evenly."""
    everybody = sum(counts)
    return [
        {
            "group": group.name,
            "is_control": group.is_control,
            "users": users,
            "part": round(users / everybody, 4) if everybody else 0.0,
        }
        for group, users in zip(Group, counts, strict=True)
    ]


def checks(found: Iterable[Check]) -> list[dict[str, Any]]:
    """Return the quality checks, those that warn first."""
    return [
        {"name": shown(check.name), "ok": check.ok, "told": shown(check.told, 400), "p": check.p}
        for check in sorted(found, key=lambda check: check.ok)
    ]


def _campaign(campaign: Campaign) -> dict[str, Any]:
    first, last = (day if day > date.min else None for day in (campaign.start, campaign.end))
    return {"id": shown(campaign.id), "name": shown(campaign.name), "start": first, "end": last}


def _table(table: TableState) -> dict[str, Any]:
    return {**asdict(table), "ok": table.ok}
