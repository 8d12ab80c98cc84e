"""Payout's outside in the tests: the game's players, the chain with its worker, and the ledger as its owner sees it."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from eth_account import Account
from prefect.artifacts import Artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State

from deployments import blocks
from flows.common.clock import Clock
from flows.payout.flow import payout
from sandbox import World
from sandbox.chain.accounts import BALANCE_WEI, CHAIN_ID, ETHER, JOBS, OPERATOR, OWNER, TOKEN, DevAccount
from sandbox.chain.deployment import Terms, calldata

TABLES = "job, account, item, tx, event, cursor, hold, held_day, poison, journal, plan, plan_batch, plan_item, plan_hold"
FILLED = ("state-db", "game-db", "jobs-contract", "payout-settings", "mail", "mail-settings")
BLOCK_S = 0.2
COIN = 10**18
TIMEOUT_S = 60
GAS, TRANSFER_GAS = 1 << 22, 21_000
DEAR = 2  # times the usual price, in order to be mined at once
# A day's limit that no test comes near by chance: the chain goes on from test to test.
LIMITS = (Terms().max_per_job, 1 << 100)


def wallet(number: int) -> str:
    """Return a test's own wallet, in lower case."""
    return f"0x{number + (1 << 152):040x}"


@dataclass
class Outside:
    """What a test sees and switches; the chain's own figures count, not our calls."""

    world: World

    # ── Blocks ───────────────────────────────────────────────────────────────────────────────────

    async def fill(self, **variables: str) -> None:
        """Fill the Blocks as `make apply` does, with some variables changed."""
        env = {**self.world.env, "JOBS_CONFIRMATIONS": "1", **variables}
        async with get_client() as client:
            for name, block in blocks.build(env).items():
                if name in FILLED:
                    await blocks.save(client, name, block)

    # ── The game ─────────────────────────────────────────────────────────────────────────────────

    def players(self, rows: Mapping[int, tuple[object, str | None]]) -> None:
        """Let these be all players: coins and wallet by id."""
        self.query("truncate public.users", "players")
        self.add(rows)

    def add(self, rows: Mapping[int, tuple[object, str | None]]) -> None:
        values = ", ".join(
            f"({number}, {coins}, {'null' if address is None else repr(address)})"
            for number, (coins, address) in rows.items()
        )
        self.query(
            f"insert into public.users values {values} on conflict (id) do update "
            "set coins = excluded.coins, wallet = excluded.wallet",
            "players",
        )

    # ── The ledger ───────────────────────────────────────────────────────────────────────────────

    def query(self, statement: str, database: str = "state") -> str:
        return self.world.query(statement, database)

    def rows(self, statement: str) -> list[dict[str, Any]]:
        told = self.query(f"select coalesce(json_agg(found), '[]') from ({statement}) as found")
        return list(json.loads(told))

    @property
    def jobs(self) -> list[dict[str, Any]]:
        return self.rows("select state, booking, n, total, note from payout.job order by job_no")

    @property
    def accounts(self) -> dict[int, tuple[int, int]]:
        """What is paid and in flight, by player."""
        found = self.rows("select user_id, paid::text, in_flight::text from payout.account")
        return {row["user_id"]: (int(row["paid"]), int(row["in_flight"])) for row in found}

    # ── The chain ────────────────────────────────────────────────────────────────────────────────

    def rpc(self, method: str, *params: object) -> Any:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        answer = httpx.post(self.world.env["JOBS_RPC_URL"], json=body, timeout=30).json()
        if "error" in answer:
            raise RuntimeError(str(answer["error"]))
        return answer["result"]

    def on_chain(self, *numbers: int) -> list[int]:
        """Return how many whole coins the wallets of these players have."""
        addresses = [wallet(number) for number in numbers]
        paid = self.rpc("sandbox_paid", addresses)
        assert not any(int(paid[address]) % COIN for address in addresses)
        return [int(paid[address]) // COIN for address in addresses]

    def gains(self, before: Sequence[int], *numbers: int) -> list[int]:
        """Return by how many coins the first of these wallets have grown."""
        return [now - was for now, was in zip(self.on_chain(*numbers), before, strict=False)]

    @property
    def budget(self) -> int:
        return int(self.rpc("sandbox_counters")["budget"])

    @property
    def sent(self) -> int:
        """How many transactions the operator has sent, mined or waiting."""
        return int(self.rpc("eth_getTransactionCount", OPERATOR.address, "pending"), 16)

    def read(self, signature: str, *values: object) -> int:
        """Ask the Jobs contract for a number."""
        call = {"to": JOBS, "data": "0x" + calldata(signature, *values).hex()}
        return int(self.rpc("eth_call", call, "latest"), 16)

    def act(self, account: DevAccount, signature: str, *values: object, to: str = JOBS) -> None:
        """Let somebody call a contract, and mine it."""
        self._send(account, to, calldata(signature, *values), GAS, 0)

    def give(self, account: DevAccount, to: DevAccount, wei: int) -> None:
        """Let somebody give the chain's own coin away, and mine it."""
        self._send(account, to.address, b"", TRANSFER_GAS, wei)

    @property
    def gas_price_wei(self) -> int:
        return int(self.rpc("eth_gasPrice"), 16)

    def has_wei(self, account: DevAccount) -> int:
        return int(self.rpc("eth_getBalance", account.address, "latest"), 16)

    def _send(self, account: DevAccount, to: str, data: bytes, gas: int, wei: int) -> None:
        fields = {
            "type": 2, "chainId": CHAIN_ID, "gas": gas, "value": wei, "to": bytes.fromhex(to[2:]), "data": data,
            "nonce": int(self.rpc("eth_getTransactionCount", account.address, "pending"), 16),
            "maxFeePerGas": DEAR * self.gas_price_wei, "maxPriorityFeePerGas": self.gas_price_wei // DEAR,
        }  # fmt: skip
        signed = Account.from_key(account.key).sign_transaction(fields)
        tx_hash = self.rpc("eth_sendRawTransaction", "0x" + signed.raw_transaction.hex())
        self.rpc("sandbox_mine", 1)
        assert self.rpc("eth_getTransactionReceipt", tx_hash)["status"] == "0x1"

    def order(self, **orders: object) -> None:
        self.rpc("sandbox_worker", orders)

    def fault(self, kind: str, **scope: object) -> None:
        self.rpc("sandbox_fault", {"kind": kind, **scope})

    # ── Between tests ────────────────────────────────────────────────────────────────────────────

    def reset(self) -> None:
        """Nobody has earned or got anything, and everybody outside is well; the chain goes on."""
        self.mend()
        tables = ", ".join(f"payout.{each}" for each in TABLES.split(", "))
        self.query(f"set session_replication_role = replica; truncate {tables}")
        self.query("truncate public.users", "players")

    def give_back(self) -> None:
        """Let the declared players be all players again."""
        self.query("truncate public.users; insert into public.users table kept.users", "players")

    def mend(self) -> None:
        self.rpc("sandbox_clearFaults")
        self.rpc("sandbox_setLag", 0)
        self.rpc("sandbox_setInterval", BLOCK_S)
        self.rpc("sandbox_worker", {"deed": "complete"})
        self._mend_contract()

    def _mend_contract(self) -> None:
        if self.read("paused()"):
            self.act(OWNER, "setPaused(bool)", False)
        if (self.read("maxPerJob()"), self.read("maxPerDay()")) != LIMITS:
            self.act(OWNER, "setLimits(uint256,uint256)", *LIMITS)
        if self.read("budget()") < Terms().budget // 2:
            self.act(OWNER, "mint(address,uint256)", JOBS, Terms().budget, to=TOKEN)
        if self.has_wei(OPERATOR) < ETHER:
            self.give(OWNER, OPERATOR, BALANCE_WEI // 10)


async def until(happened: Callable[[], object]) -> None:
    """Wait for something outside, while a flow runs."""
    clock = Clock()
    until_s = clock.monotonic_s() + TIMEOUT_S
    while not happened():
        assert clock.monotonic_s() < until_s, "it never happens"
        await clock.sleep(0.05)


async def shown(key: str) -> str:
    """Return the newest artifact of this key."""
    artifact = await Artifact.aget(key)
    assert artifact is not None
    return str(artifact.data)


async def pay(**parameters: Any) -> State[Any]:
    """Run the flow and return the state in which it ends."""
    state: State[Any] = await payout(**parameters, return_state=True)
    return state
