"""With every logger at DEBUG and on every way to end, neither key nor passphrase is where somebody could read it."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID

import pytest
from eth_account import Account
from prefect.blocks.system import Secret
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import LogFilter, LogFilterFlowRunId
from prefect.client.schemas.objects import FlowRun, State
from prefect.states import Failed

from deployments.stack import Stack
from flows.common.clock import Clock
from sandbox.chain.accounts import OPERATOR
from tests.payout.outside import Outside, pay, wallet
from tests.secrecy import AT_DEBUG, Search, hearing, in_base64

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # the engine's client leaves its sockets

TIMEOUT_S = 90
KEY = OPERATOR.key.removeprefix("0x")
PASSPHRASE, WRONG = "horse-battery-staple-of-the-tests", "a-wrong-horse-of-the-tests"
VARIABLE, SECRET_BLOCK = "PASSPHRASE_OF_THE_TESTS", "passphrase-of-the-tests"
KEYSTORE = json.dumps(Account.encrypt(KEY, PASSPHRASE, iterations=2))
SECRETS = (
    KEY, KEY.upper(), str(int(KEY, 16)), str(bytes.fromhex(KEY))[2:-1], PASSPHRASE, WRONG,
    json.loads(KEYSTORE)["crypto"]["ciphertext"],
)  # fmt: skip
BY_VARIABLE = {
    "JOBS_OPERATOR_KEY": "", "JOBS_OPERATOR_KEYSTORE": KEYSTORE, "JOBS_OPERATOR_PASSPHRASE_VARIABLE": VARIABLE,
}  # fmt: skip
BY_BLOCK = {
    "JOBS_OPERATOR_KEY": "", "JOBS_OPERATOR_KEYSTORE": KEYSTORE, "JOBS_OPERATOR_PASSPHRASE_BLOCK": SECRET_BLOCK,
}  # fmt: skip


@pytest.fixture
def heard() -> Iterator[list[str]]:
    """What any logger says, at DEBUG, in this process."""
    with hearing("web3", "aiohttp.client", "eth_account", "prefect.task_runs", "sqlalchemy.pool") as lines:
        yield lines


def found_in(text: str) -> list[str]:
    looks = [look for secret in SECRETS for look in (secret.encode(), *in_base64(secret.encode()))]
    return [look.decode() for look in looks if look in text.encode()]


async def test_no_way_to_end_tells_the_key(
    outside: Outside, heard: list[str], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Success, wrong passphrase, none at all, another chain, a node that is away."""
    asyncio.get_running_loop().set_debug(True)
    ends = [f"{state.name}: {state.message}" async for state in end_in_every_way(outside, monkeypatch)]
    asyncio.get_running_loop().set_debug(False)
    assert [next((word for word in WAYS if word in end), end) for end in ends] == WAYS
    printed = capfd.readouterr()
    assert found_in(printed.out + printed.err) == []
    assert found_in("\n".join(heard)) == []
    assert found_in("\n".join(ends)) == []
    for logger in ("sqlalchemy.engine", "asyncio", "prefect"):
        assert any(line.startswith(logger) for line in heard), logger


WAYS = ["Completed", "does not open the keystore", "is not set", "WrongChain", "ChainUnreachable"]


async def end_in_every_way(outside: Outside, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[State[Any]]:
    """Yield the last state of each run."""
    monkeypatch.setenv(VARIABLE, PASSPHRASE)
    await outside.fill(**BY_VARIABLE)
    outside.players({1: (10, wallet(1))})
    yield await pay()
    monkeypatch.setenv(VARIABLE, WRONG)
    yield await pay()
    monkeypatch.delenv(VARIABLE)
    yield await pay()
    monkeypatch.setenv(VARIABLE, PASSPHRASE)
    await outside.fill(**BY_VARIABLE, JOBS_CHAIN_ID="1")
    yield await pay()
    await outside.fill(**BY_VARIABLE)
    outside.fault("down")
    yield await pay()


# ── A deployed run, whose process tells the server all it knows ──────────────────────────────────


async def test_a_deployed_run_at_debug_tells_nobody_the_key(
    stack: Stack, prefect: PrefectClient, outside: Outside
) -> None:
    """It fails at the passphrase, is mended, and pays: in no log, artifact, event, row or file is a secret."""
    outside.players({1: (10, wallet(1))})
    await Secret(value=WRONG).save(SECRET_BLOCK, overwrite=True)
    await outside.fill(**BY_BLOCK)
    failed = await run_deployed(prefect)
    assert "KeyLocked: jobs-contract" in str((failed.state or Failed()).message)
    await Secret(value=PASSPHRASE).save(SECRET_BLOCK, overwrite=True)
    done = await run_deployed(prefect)
    assert done.state
    assert done.state.is_completed(), done.state.message

    search = await settled(stack, prefect, str(done.id))
    # The search finds what is there, in every place that could hold a secret …
    assert search.where(str(done.id)) >= {
        "prefect/prefect.db-wal",
        "log",
        "artifact",
        "flow_run",
        "task_run",
        "events",
    }
    assert "log/worker.log" in search.where("DEBUG   | httpcore")
    # … and so finds none where none is.
    assert {place for secret in SECRETS for place in search.where(secret)} == set()


async def run_deployed(prefect: PrefectClient) -> FlowRun:
    deployment = await prefect.read_deployment_by_name("payout/hourly")
    made = await prefect.create_flow_run_from_deployment(
        deployment.id, job_variables={"env": AT_DEBUG, "stream_output": True}
    )
    async with asyncio.timeout(TIMEOUT_S):
        while not ((run := await prefect.read_flow_run(made.id)).state or Failed()).is_final():
            await Clock().sleep(0.5)
    return run


async def settled(stack: Stack, prefect: PrefectClient, run_id: str) -> Search:
    """Search when the server has all that it was told of a run."""
    wanted = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[UUID(run_id)]))
    async with asyncio.timeout(TIMEOUT_S):
        while not any("Finished in state" in line.message for line in await prefect.read_logs(wanted)):
            await Clock().sleep(0.3)
        while not (search := Search(stack, {})).where(run_id) >= {"log", "task_run", "events"}:
            await Clock().sleep(1)
    return search
