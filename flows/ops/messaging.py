"""The doctor's look at the message broker. Nothing is published, nothing consumed."""

from blocks.broker import Broker
from blocks.store import load


async def broker() -> str:
    """Exchanges and queues are there, and our user is let in."""
    async with (await load(Broker, "broker")).open() as session:
        depths = await session.check()
    return f"{depths.waiting} messages wait for us, {depths.dead} dead letters wait for a person"
