"""Each thing that can be wrong outside: the clear refusal, nothing sent, nothing lost, and the next run pays."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from eth_account import Account

from deployments.surroundings import free_port
from sandbox.chain.accounts import JOBS, OPERATOR, OWNER, STRANGER, TOKEN
from sandbox.chain.deployment import Terms
from tests.payout.outside import COIN, DEAR, TRANSFER_GAS, Outside, pay, shown, wallet

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # the engine's client leaves its sockets

PASSPHRASE = "a passphrase of the tests"
NOWHERE = wallet(4711)


def keystore(key: str) -> str:
    """Return a key as wallets export it, only quicker to open."""
    return json.dumps(Account.encrypt(key, PASSPHRASE, iterations=2))


@dataclass(frozen=True)
class Case:
    """Something wrong, by variables of a Block or by a switch, and how it must be told.

    Attributes:
        told: parts of the state's message: what is wrong, where, and what to do.
    """

    told: tuple[str, ...]
    variables: dict[str, str] = field(default_factory=dict)
    wrong: Callable[[Outside], object] = lambda _: None


def no_gas(outside: Outside) -> None:
    """Leave the operator with less than a job costs."""
    fee_wei = DEAR * TRANSFER_GAS * outside.gas_price_wei
    outside.give(OPERATOR, OWNER, outside.has_wei(OPERATOR) - fee_wei)


def spend_the_day(outside: Outside) -> None:
    """The contract has taken all that it takes today."""
    outside.act(OWNER, "setLimits(uint256,uint256)", Terms().max_per_job, 1)


BEFORE_ANYTHING = {
    "another chain": Case(
        ("WrongChain: jobs-contract: ", "it says 31337, the Block 1", "JOBS_RPC_URL"),
        {
            "JOBS_CHAIN_ID": "1",
            "JOBS_OPERATOR_KEY": "",
            "JOBS_OPERATOR_KEYSTORE": keystore(OPERATOR.key),
            "JOBS_OPERATOR_PASSPHRASE_VARIABLE": "PASSPHRASE_OF_THE_TESTS",
        },
    ),
    "no contract there": Case(
        ("ContractMissing: jobs-contract: ", "no code there", "JOBS_CONTRACT"), {"JOBS_CONTRACT": NOWHERE}
    ),
    "another contract": Case(("ContractMissing: jobs-contract: ", "other code"), {"JOBS_CONTRACT": TOKEN, "JOBS_TOKEN": JOBS}),
    "another token": Case(("WrongToken: jobs-contract: ", "Find out"), {"JOBS_TOKEN": NOWHERE}),
    "another's key": Case(("NotOperator: jobs-contract: ", "setOperator"), {"JOBS_OPERATOR_KEY": STRANGER.key}),
    "other decimals": Case(("DecimalsDiffer: ", "18", "PAYOUT_TOKEN_DECIMALS says 6"), {"PAYOUT_TOKEN_DECIMALS": "6"}),
    "node down": Case(("ChainUnreachable: jobs-contract: ", "JOBS_RPC_URL"), wrong=lambda outside: outside.fault("down")),
    "node turns us away": Case(
        ("ChainAccessDenied: jobs-contract: ", "HTTP 401"), wrong=lambda outside: outside.fault("http", status=401)
    ),
    "ledger down": Case(("DatabaseUnreachable: state-db: ", "Check that"), {"STATE_DB_PORT": str(free_port())}),
    "game down": Case(("DatabaseUnreachable: game-db: ", "Check that"), {"GAME_DB_PORT": str(free_port())}),
    "no such table": Case(("TableMissing: game-db: ", "ask the owner"), {"PAYOUT_USERS": "public.nobody"}),
    "no such column": Case(("TableMissing: game-db: ", "ask the owner"), {"PAYOUT_COINS_COLUMN": "gold"}),
    "paused": Case(
        ("ContractPaused: ", "setPaused"), wrong=lambda outside: outside.act(OWNER, "setPaused(bool)", True)
    ),
    "the day's limit": Case(
        ("TreasuryShort: ", "today's limit of the contract leaves", "fill up, or wait"), wrong=spend_the_day
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BEFORE_ANYTHING.values(), ids=BEFORE_ANYTHING)
async def test_what_is_wrong_is_told_and_nothing_is_sent(
    outside: Outside, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run fails with one sentence that names the Block and the remedy; mended, the next run pays all of it."""
    monkeypatch.setenv("PASSPHRASE_OF_THE_TESTS", PASSPHRASE)
    outside.players({1: (10, wallet(1)), 2: (20, wallet(2))})
    before = outside.on_chain(1, 2)
    sent = outside.sent
    await outside.fill(**case.variables)
    case.wrong(outside)
    state = await pay()
    assert state.is_failed()
    assert [part for part in case.told if part not in str(state.message)] == []
    outside.mend()
    assert (outside.sent, outside.jobs, outside.accounts) == (sent, [], {})
    await outside.fill()
    assert (await pay()).is_completed()
    assert outside.gains(before, 1, 2) == [10, 20]


async def test_a_node_that_lags_is_not_believed(outside: Outside) -> None:
    """It knows less than was read already: nothing is concluded from what it does not know."""
    outside.players({1: (10, wallet(1))})
    before = outside.on_chain(1)
    assert (await pay()).is_completed()
    outside.add({1: (15, wallet(1))})
    outside.rpc("sandbox_setInterval", None)
    outside.rpc("sandbox_setLag", 5)
    state = await pay()
    assert "ChainBehind: jobs-contract: " in str(state.message)
    assert "use another one" in str(state.message)
    assert len(outside.jobs) == 1
    outside.mend()
    assert (await pay()).is_completed()
    assert outside.gains(before, 1) == [15]


async def test_a_dry_run_shows_what_a_run_would_be_refused_for(outside: Outside) -> None:
    """Paused, or too little in the treasury: the report says so before anybody approves."""
    outside.players({1: (10, wallet(1))})
    outside.act(OWNER, "setPaused(bool)", True)
    assert (await pay(dry_run=True)).is_completed()
    report = await shown("payout-plan")
    assert "| gas of the submissions | would be refused: paused |" in report
    assert "**the contract is paused**" in report


async def test_without_gas_money_the_jobs_come_free_again(outside: Outside) -> None:
    """Reserved, estimated, and given back before anything is signed."""
    outside.players({1: (10, wallet(1))})
    before = outside.on_chain(1)
    no_gas(outside)
    sent = outside.sent
    state = await pay()
    assert state.is_failed()
    assert "TreasuryShort: " in str(state.message)
    assert "wei left for gas" in str(state.message)
    assert outside.sent == sent
    assert [(job["state"], job["booking"]) for job in outside.jobs] == [("released", "free")]
    outside.mend()
    assert (await pay()).is_completed()
    assert outside.gains(before, 1) == [10]


async def test_an_empty_treasury_pays_nobody_and_loses_nobody(outside: Outside) -> None:
    """Not even the smallest job can be paid: nothing is reserved, and once it is filled the next run pays."""
    much = outside.budget // COIN + 1
    outside.act(OWNER, "setLimits(uint256,uint256)", 1 << 100, 1 << 100)
    outside.players({1: (much, wallet(1))})
    before, sent = outside.on_chain(1), outside.sent
    state = await pay()
    assert state.is_failed()
    assert "TreasuryShort: Not everybody could be paid: " in str(state.message)
    assert f"{much * COIN} are needed" in str(state.message)
    assert (outside.sent, outside.jobs) == (sent, [])
    assert "**too little**" in await shown("payout-plan")
    outside.act(OWNER, "mint(address,uint256)", JOBS, 2 * COIN, to=TOKEN)
    assert (await pay()).is_completed()
    assert outside.gains(before, 1) == [much]


async def test_a_short_treasury_pays_what_fits(outside: Outside) -> None:
    """Of three jobs the one that does not fit comes free, with all after it; the run fails, and says why."""
    await outside.fill(JOBS_BATCH_SIZE="1")
    outside.act(OWNER, "setLimits(uint256,uint256)", 1 << 100, 1 << 100)
    outside.players({1: (5, wallet(1)), 2: (outside.budget // COIN, wallet(2)), 3: (5, wallet(3))})
    before = outside.on_chain(1, 2, 3)
    state = await pay()
    assert state.is_failed()
    assert "TreasuryShort: " in str(state.message)
    assert outside.gains(before, 1, 2, 3) == [5, 0, 5]
    assert [job["state"] for job in outside.jobs] == ["settled", "released", "settled"]
    outside.add({2: (7, wallet(2))})
    assert (await pay()).is_completed()
    assert outside.gains(before, 1, 2, 3) == [5, 7, 5]


async def test_an_approved_plan_that_does_not_fit_is_not_paid_in_part(outside: Outside) -> None:
    """It was approved as a whole."""
    await outside.fill(JOBS_BATCH_SIZE="1")
    outside.act(OWNER, "setLimits(uint256,uint256)", 1 << 100, 1 << 100)
    outside.players({1: (5, wallet(1)), 2: (outside.budget // COIN, wallet(2))})
    plan = (await (await pay(dry_run=True)).aresult())["plan"]
    sent = outside.sent
    state = await pay(approved_plan=plan)
    assert "TreasuryShort: " in str(state.message)
    assert (outside.sent, outside.jobs) == (sent, [])


async def test_a_balance_that_fell_takes_nothing_back(outside: Outside) -> None:
    """The player is held as overpaid until as much is earned again."""
    outside.players({1: (10, wallet(1)), 2: (1, wallet(2))})
    before = outside.on_chain(1, 2)
    assert (await pay()).is_completed()
    outside.add({1: (4, wallet(1)), 2: (2, wallet(2))})
    assert (await pay()).is_completed()
    assert outside.rows("select user_id, reason, amount::text from payout.hold") == [
        {"user_id": 1, "reason": "overpaid", "amount": str(-6 * COIN)}
    ]
    outside.add({1: (12, wallet(1))})
    assert (await pay()).is_completed()
    assert outside.gains(before, 1, 2) == [12, 2]


async def test_an_amount_that_no_word_can_hold_is_held(outside: Outside) -> None:
    """2^96 units and more, however large the contract's limit is; the others are paid."""
    outside.act(OWNER, "setLimits(uint256,uint256)", 1 << 100, 1 << 100)
    outside.players({1: ("79228162514.264337593543950336", wallet(1)), 2: (5, wallet(2))})
    before = outside.on_chain(2)
    assert (await pay()).is_completed()
    held = outside.rows("select user_id, reason from payout.hold")
    assert held == [{"user_id": 1, "reason": "above the maximum"}]
    assert outside.gains(before, 2) == [5]
