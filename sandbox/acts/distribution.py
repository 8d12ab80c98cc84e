"""Distribution: the preview, and the day itself, through the Oracle driver."""

import asyncio
from datetime import datetime
from zoneinfo import ZoneInfo

from sandbox.stage import Stage, StepFailed


async def preview(stage: Stage) -> str:
    await asyncio.to_thread(stage.forget_distribution)
    await stage.run("distribution/preview", sample=3)
    return "planned, nothing written: artifact distribution-preview"


async def day(stage: Stage) -> str:
    known = {mail["number"] for mail in await stage.mails()}
    today = datetime.now(ZoneInfo("Asia/Almaty")).date().isoformat()  # before 09:00 a person must name it
    names = {"requested_by": "the demo", "approved_by": "its reader"}
    await stage.run("distribution/daily", business_date=today, **names)
    mails = await stage.next_mails(known)
    if not mails[0]["subject"].startswith("✅"):
        raise StepFailed(f"another mail than was promised: {mails[0]['subject']}")
    return f"{mails[0]['subject']!r}: {stage.world.admin_url}/mail/{mails[0]['number']}"
