"""The Jobs contract on an EVM chain: what `Jobs` promises, in JSON-RPC."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any, Self

from aiohttp import ClientError

from blocks import evm_calls as calls
from blocks import evm_check, evm_events
from blocks.chains import NODE_SAYS
from blocks.evm_answers import Refusal, explain_estimate, verdict
from blocks.evm_chain import EvmChain
from blocks.evm_heads import Heads
from blocks.evm_node import Node
from blocks.jobs import Draft, Fees, Head, JobEvent, JobState, Signed, Treasury, Verdict
from blocks.jobs_problem import ChainBehind, ContractMissing, JobTooLarge
from blocks.signer import Signer
from contracts.recipients import ADDRESS_BYTES, WORD_BYTES

TRANSACTION_GAS = 1 << 24  # EIP-7825
DAY_S = 86_400
_LATEST = "latest"


class EvmJobs:
    """Implements `Jobs`, whose docstrings hold; used as a context manager.

    Args:
        block: the Block's name, for what goes wrong.
    """

    def __init__(self, block: str, chain: EvmChain, signer: Signer) -> None:
        self.chain_id, self.contract, self.token = chain.chain_id, chain.contract, chain.token
        self.batch_size, self.confirmations, self.explorer = chain.batch_size, chain.finality, chain.explorer
        self.account = signer.address
        self._block, self._chain, self._signer = block, chain, signer
        self._node = Node(block, chain.rpc_url.get_secret_value(), chain.timeout_s)
        self._heads = Heads(self._node, chain.ws_url.get_secret_value() if chain.ws_url else None)
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._open.enter_async_context(self._node)
        await self._open.enter_async_context(self._heads)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    # ── The chain ────────────────────────────────────────────────────────────────────────────────

    async def check(self) -> None:
        await evm_check.check(self._node, self._chain, self.account)

    async def head(self) -> Head:
        newest = await self._header(_LATEST)
        number = int(newest["number"], 16)
        if self.confirmations == NODE_SAYS:
            final = await self._header("finalized")
        else:
            final = await self._header(hex(max(0, number - self.confirmations)))
        times = (int(header["timestamp"], 16) for header in (newest, final))
        return Head(number, newest["hash"], next(times), int(final["number"], 16), next(times))

    async def block_hash(self, number: int) -> str:
        return str((await self._header(hex(number)))["hash"])

    async def woken(self, timeout_s: float) -> bool:
        return await self._heads.seen(timeout_s)

    async def _header(self, tag: str) -> Any:
        header = await self._node.ask("eth_getBlockByNumber", tag, False)
        if header is None:
            raise ChainBehind(block=self._block, reason=f"it knows no block {tag}")
        return header

    # ── The contract ─────────────────────────────────────────────────────────────────────────────

    async def state(self, job_id: bytes, block: int | None = None) -> JobState:
        (state,) = await self.states([job_id], block)
        return state

    async def states(self, job_ids: Sequence[bytes], block: int | None = None) -> list[JobState]:
        tag = _LATEST if block is None else hex(block)
        questions = [calls.view(self.contract, calls.question(job_id), tag) for job_id in job_ids]
        answers = await self._node.ask_all(questions)
        try:
            return [calls.job_state(calls.octets(answer)) for answer in answers]
        except ValueError as error:
            raise self._other_code(self.contract, error) from None

    async def events(self, first: int, last: int) -> list[JobEvent]:
        return await evm_events.read(self._node, self.contract, first, last)

    async def treasury(self) -> Treasury:
        getters = ("budget", "maxPerJob", "maxPerDay", "paused")
        header, wei, *values = await self._node.ask_all(
            [
                ("eth_getBlockByNumber", [_LATEST, False]),
                ("eth_getBalance", [self.account, _LATEST]),
                *(calls.view(self.contract, calls.getter(name)) for name in getters),
            ]
        )
        today = calls.day_paid(int(header["timestamp"], 16) // DAY_S)
        budget, per_job, per_day, paused = (self._read(self.contract, value) for value in values)
        submitted = await self._number(self.contract, today)
        return Treasury(budget, int(wei, 16), per_job, per_day, submitted, bool(paused))

    async def decimals(self) -> int:
        return await self._number(self.token, calls.getter("decimals"))

    async def refusals(self, payload: bytes) -> dict[int, str]:
        words = [payload[at : at + WORD_BYTES] for at in range(0, len(payload), WORD_BYTES)]
        trials = [
            calls.view(
                self.token, calls.transfer(word[:ADDRESS_BYTES], word[ADDRESS_BYTES:]), sender=self.contract
            )
            for word in words
        ]
        outcomes = enumerate(await self._node.try_all(trials))
        return {place: reason for place, outcome in outcomes if (reason := self._refusal(outcome))}

    def _refusal(self, outcome: str | Refusal) -> str | None:
        if isinstance(outcome, Refusal):
            return str(explain_estimate(self._block, outcome).facts["reason"])
        return "transfer returned false" if outcome == calls.FALSE else None

    async def _number(self, contract: str, data: bytes) -> int:
        method, params = calls.view(contract, data)
        return self._read(contract, await self._node.ask(method, *params))

    def _read(self, contract: str, answer: str) -> int:
        try:
            return calls.number(calls.octets(answer))
        except ValueError as error:
            raise self._other_code(contract, error) from None

    # ── Sending ──────────────────────────────────────────────────────────────────────────────────

    async def nonce(self) -> int:
        return int(await self._node.ask("eth_getTransactionCount", self.account, _LATEST), 16)

    async def fees(self) -> Fees:
        history, tip = await self._node.ask_all(
            [
                ("eth_feeHistory", ["0x1", _LATEST, []]),
                ("eth_maxPriorityFeePerGas", []),
            ]
        )
        tip_wei = max(1, int(tip, 16))
        return Fees(2 * int(history["baseFeePerGas"][-1], 16) + tip_wei, tip_wei)

    async def gas(self, job_id: bytes, payload: bytes, deadline: int) -> int:
        data = "0x" + calls.submission(job_id, payload, deadline).hex()
        call = {"from": self.account, "to": self.contract, "data": data}
        outcome = await self._node.try_("eth_estimateGas", call)
        if isinstance(outcome, Refusal):
            raise explain_estimate(self._block, outcome)
        if (gas := int(outcome, 16)) > TRANSACTION_GAS:
            raise JobTooLarge(block=self._block, reason=f"{gas} of {TRANSACTION_GAS}")
        return gas

    def sign(self, draft: Draft) -> Signed:
        return self._signer.sign(
            {
                "type": 2,
                "chainId": self.chain_id,
                "nonce": draft.nonce,
                "gas": draft.gas,
                "maxFeePerGas": draft.fees.max_fee_wei,
                "maxPriorityFeePerGas": draft.fees.tip_wei,
                "to": self.contract,
                "value": 0,
                "data": calls.submission(draft.job_id, draft.payload, draft.deadline),
            }
        )

    async def send(self, raw: bytes) -> str:
        try:
            refusal = await self._node.hand_over(raw)
        except (ClientError, OSError, ValueError):
            return Verdict.LOST
        return verdict(self._block, refusal) if refusal else Verdict.TAKEN

    def _other_code(self, contract: str, error: ValueError) -> ContractMissing:
        return ContractMissing(block=self._block, contract=contract, reason=f"other code: {error}")
