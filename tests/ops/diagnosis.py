"""What the doctor said, and what it is to look at."""

from prefect.states import State

from deployments import blocks
from sandbox import World
from tests.ops.engine import Engine

ALL = (
    "pop-db",
    "state-db",
    "pop-game",
    "dssb-db",
    "spss-db",
    "game-db",
    "payout ledger",
    "jobs-contract",
    "treasury",
    "chain clock",
    "broker",
    "meet",
    "mail",
    "server settings",
    "versions",
    "workers",
    "clocks",
)


async def shown(engine: Engine) -> str:
    return (await engine.artifacts("doctor"))[0]


def broken(state: State) -> set[str]:
    """Return the checks that the doctor's last line names."""
    return {name for name in ALL if f"{name} (" in (state.message or "")}


async def replaced(world: World, document: str, **variables: str) -> None:
    await blocks.build(world.env | variables)[document].save(document, overwrite=True)
