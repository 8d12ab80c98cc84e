"""One node of an EVM chain over HTTP: web3's provider, without what web3 puts around it.

Its formatters cost more than the answers (100 ms for the logs of a large job) and refuse the blocks of some chains.
"""

import logging
from collections.abc import Sequence
from typing import Any, NoReturn, Self, cast

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientResponse,
    ClientResponseError,
    ClientSession,
    ClientTimeout,
)
from web3 import AsyncHTTPProvider
from web3.providers.rpc.utils import ExceptionRetryConfiguration
from web3.types import RPCEndpoint, RPCResponse

from blocks.evm_answers import Refusal, explain
from blocks.jobs_problem import ChainAccessDenied, ChainUnreachable, JobsProblem

Request = tuple[str, list[Any]]

_silent = logging.getLogger("metronome.wire")
_silent.disabled = True  # web3 prints the address at DEBUG, and so the key that providers put into it
_UNREACHED = (ClientError, TimeoutError, OSError)
_RETRIED = ExceptionRetryConfiguration(errors=_UNREACHED, retries=4, backoff_factor=0.25)
_TURNED_AWAY = {401, 402, 403, 404}
_BATCH = 100  # what public nodes take in one request


class Node:
    """Reads are tried again by themselves, a transaction is handed over once. Used as a context manager.

    Args:
        block: the Block's name, for what goes wrong.
    """

    def __init__(self, block: str, url: str, timeout_s: float) -> None:
        self.block = block
        self._reader = _Provider(url, timeout_s, _RETRIED)
        self._sender = _Provider(url, timeout_s, None)

    async def __aenter__(self) -> Self:
        for provider in (self._reader, self._sender):
            # The provider's own session would connect anew for every request.
            await provider.cache_async_session(ClientSession(raise_for_status=self._judge))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._reader.disconnect()
        await self._sender.disconnect()

    async def ask(self, method: str, *params: Any) -> Any:
        """Return the result.

        Raises:
            JobsProblem: the node answers with an error, or not at all.
        """
        return self.result(await self.try_(method, *params))

    async def try_(self, method: str, *params: Any) -> Any | Refusal:
        """As `ask`, but an error of the node's is returned."""
        try:
            return _outcome(await self._reader.make_request(RPCEndpoint(method), list(params)))
        except (*_UNREACHED, ValueError) as error:
            self._unreached(error)

    async def ask_all(self, requests: Sequence[Request]) -> list[Any]:
        return [self.result(outcome) for outcome in await self.try_all(requests)]

    async def try_all(self, requests: Sequence[Request]) -> list[Any | Refusal]:
        """Return results and refusals in the order of the requests; up to a hundred see the same block."""
        outcomes: list[Any | Refusal] = []
        for start in range(0, len(requests), _BATCH):
            outcomes += await self._batch(requests[start : start + _BATCH])
        return outcomes

    async def hand_over(self, raw: bytes) -> Refusal | None:
        """Send a transaction once; None when the node says that it has it.

        Raises:
            TimeoutError, ClientError, ValueError: nobody knows whether it arrived.
            ChainUnreachable, ChainAccessDenied: it did not.
        """
        method = RPCEndpoint("eth_sendRawTransaction")
        try:
            outcome = _outcome(await self._sender.make_request(method, ["0x" + raw.hex()]))
        except ClientConnectorError as error:
            self._unreached(error)
        return outcome if isinstance(outcome, Refusal) else None

    def result(self, outcome: Any | Refusal) -> Any:
        if isinstance(outcome, Refusal):
            raise explain(self.block, outcome)
        return outcome

    async def _batch(self, requests: Sequence[Request]) -> list[Any | Refusal]:
        named = [(RPCEndpoint(method), params) for method, params in requests]
        try:
            answers = await self._reader.make_batch_request(named)
        except (*_UNREACHED, ValueError) as error:
            self._unreached(error)
        if not isinstance(answers, list):
            answers = [self.result(_outcome(answers))]
        if len(answers) != len(requests):
            raise JobsProblem(block=self.block, reason=f"{len(answers)} of {len(requests)} requests")
        return [_outcome(answer) for answer in answers]

    async def _judge(self, response: ClientResponse) -> None:
        """Say at once what trying again cannot mend; the provider raises for other statuses."""
        if response.status in _TURNED_AWAY:
            raise ChainAccessDenied(block=self.block, reason=f"HTTP {response.status}")

    def _unreached(self, error: Exception) -> NoReturn:
        """Tell it without the library's own text, which may hold the address and so the key in it."""
        status = f"HTTP {error.status}" if isinstance(error, ClientResponseError) else type(error).__name__
        raise ChainUnreachable(block=self.block, reason=status) from None


class _Provider(AsyncHTTPProvider):
    logger = _silent

    def __init__(self, url: str, timeout_s: float, retries: ExceptionRetryConfiguration | None) -> None:
        timeout = {"timeout": ClientTimeout(total=timeout_s)}
        super().__init__(url, request_kwargs=timeout, exception_retry_configuration=retries)
        self._request_session_manager.logger = _silent

    async def make_batch_request(
        self, batch_requests: list[tuple[RPCEndpoint, Any]]
    ) -> list[RPCResponse] | RPCResponse:
        """As web3's, which does not try batches again; ours only read."""
        raw = await self._make_request(RPCEndpoint("eth_call"), self.encode_batch_rpc_request(batch_requests))
        answers: Any = self.decode_rpc_response(raw)
        if isinstance(answers, list):
            answers.sort(key=lambda answer: answer["id"])
        return cast(list[RPCResponse] | RPCResponse, answers)


def _outcome(answer: Any) -> Any | Refusal:
    if not isinstance(answer, dict):
        raise ValueError("no JSON-RPC")  # noqa: TRY004 - as for what is no JSON at all
    error = answer.get("error")
    if error is None:
        return answer.get("result")
    if isinstance(error, str):
        return Refusal(error, None)
    return Refusal(str(error.get("message", "")), error.get("data"))
