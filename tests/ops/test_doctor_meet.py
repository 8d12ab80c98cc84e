"""The doctor's look at Google Meet: accounts that are let in, refused, or that nobody answers."""

import httpx
import pytest

from deployments.surroundings import free_port
from flows.ops.flow import doctor
from sandbox import World
from tests.ops.diagnosis import replaced, shown
from tests.ops.engine import Engine

pytestmark = [
    pytest.mark.usefixtures("healthy"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


async def test_accounts_that_are_let_in(engine: Engine) -> None:
    """How many they are, and how many rooms they make in a minute."""
    await doctor(("distribution", "payout"))
    assert "2 host account(s) let in: 400 rooms a minute" in await shown(engine)


async def test_an_account_that_is_refused(engine: Engine, world: World) -> None:
    """Its name, the variable to mend and the heading to read."""
    async with httpx.AsyncClient(base_url=world.env["MEET_ENDPOINT"], trust_env=False) as google:
        await google.post("/sandbox/revoke", json={"account": "host-2"})
        try:
            state = await doctor(("distribution", "payout"), return_state=True)
        finally:
            await google.delete("/sandbox/revoke")
    assert "meet (" in (state.message or "")
    table = await shown(engine)
    assert "host host-2" in table
    assert "docs/runbook.md#meetrefusesus" in table


async def test_nobody_answers(engine: Engine, world: World) -> None:
    """A closed port; without dating it is not looked at."""
    await replaced(world, "meet", MEET_ENDPOINT=f"http://127.0.0.1:{free_port()}")
    state = await doctor(("distribution", "payout"), return_state=True)
    assert "meet (" in (state.message or "")
    assert "Google Meet does not answer" in await shown(engine)
    assert "fine" in await doctor(("distribution", "payout", "dating"))
