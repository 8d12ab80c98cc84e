"""A chain for every test, real clients of web3.py, and JSON-RPC by hand for what they would not send."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import httpx
import pytest
from web3 import AsyncHTTPProvider, AsyncWeb3, WebSocketProvider

from sandbox.chain.node import Node
from sandbox.chain.server import ChainServer

Rpc = Callable[..., Awaitable[Any]]


@pytest.fixture
async def chain() -> AsyncIterator[ChainServer]:
    """Blocks come on demand."""
    async with ChainServer(Node()) as chain:
        yield chain


@pytest.fixture
def chain_in_thread() -> Iterator[ChainServer]:
    """The same on a loop of its own, for clients that block."""
    chain, started, ended = ChainServer(Node()), Event(), Event()

    async def serve() -> None:
        async with chain:
            started.set()
            await asyncio.to_thread(ended.wait)

    with ThreadPoolExecutor(1) as pool:
        serving = pool.submit(asyncio.run, serve())
        assert started.wait(10)
        yield chain
        ended.set()
        serving.result()


@pytest.fixture
async def web3(chain: ChainServer) -> AsyncIterator[AsyncWeb3]:
    """An HTTP client that does not try again by itself."""
    provider = AsyncHTTPProvider(chain.url, exception_retry_configuration=None)
    yield AsyncWeb3(provider)
    await provider.disconnect()


@pytest.fixture
async def socket(chain: ChainServer) -> AsyncIterator[AsyncWeb3]:
    client = await AsyncWeb3(WebSocketProvider(chain.ws_url))
    yield client
    await client.provider.disconnect()


@pytest.fixture
async def rpc(chain: ChainServer) -> AsyncIterator[Rpc]:
    """Calls a method with its parameters; returns the result, or the error as (code, message)."""
    async with httpx.AsyncClient(trust_env=False, timeout=20) as client:

        async def call(method: str, *params: Any) -> Any:
            request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
            answer = (await client.post(chain.url, json=request)).raise_for_status().json()
            error = answer.get("error")
            return (error["code"], error["message"]) if error else answer["result"]

        yield call
