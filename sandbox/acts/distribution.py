"""Distribution: the preview, and the day itself, through the Oracle driver."""

import asyncio

from sandbox.stage import Stage, StepFailed


async def preview(stage: Stage) -> str:
    await asyncio.to_thread(stage.forget_distribution)
    await stage.run("distribution/preview", sample=3)
    return "planned, nothing written: artifact distribution-preview"


async def day(stage: Stage) -> str:
    known = {mail["number"] for mail in await stage.mails()}
    await stage.run("distribution/daily", requested_by="the demo", approved_by="its reader")
    mails = await stage.next_mails(known)
    if not mails[0]["subject"].startswith("✅"):
        raise StepFailed(f"another mail than was promised: {mails[0]['subject']}")
    return f"{mails[0]['subject']!r}: {stage.world.admin_url}/mail/{mails[0]['number']}"
