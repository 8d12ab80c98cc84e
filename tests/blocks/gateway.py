"""A road to a node on which things go wrong, whatever node it is: a real server that hands requests on."""

import asyncio
from collections import Counter
from typing import Any, Self

from aiohttp import ClientSession, web

Fault = str | int


class Gateway:
    """`async with Gateway(url) as road:` listens at `road.url`.

    Attributes:
        asked: requests that arrived, by method.
        most_blocks: what the node "allows" eth_getLogs.
        path: part of the address that must not be told, as providers' keys.
    """

    path = "/v3/provider-key-8Hq2Zt"

    def __init__(self, node: str) -> None:
        self._node, self._faults = node, dict[str, tuple[Fault, int]]()
        self.asked: Counter[str] = Counter()
        self.most_blocks: int | None = None

    def fail(self, method: str, fault: Fault, times: int = 1_000) -> None:
        """`lost` does it and cuts, `cut` only cuts, `slow` answers late, `nonsense` is no JSON, a number is a status."""
        self._faults[method] = fault, times

    async def __aenter__(self) -> Self:
        application = web.Application(client_max_size=1 << 24)
        application.router.add_post("/{path:.*}", self._pass)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}{self.path}"
        self._client = ClientSession()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()
        await self._runner.cleanup()

    async def _pass(self, request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        methods = [each["method"] for each in (asked if isinstance(asked, list) else [asked])]
        self.asked.update(methods)
        fault = next((fault for method in methods if (fault := self._strike(method))), None)
        if isinstance(fault, int):
            return web.Response(status=fault)
        if fault == "slow":
            await asyncio.sleep(1.5)
        if fault == "nonsense":
            return web.Response(text="<html>Bad gateway</html>")
        if fault != "cut":
            async with self._client.post(self._node, json=asked) as response:
                answer = await response.json(content_type=None)
        if fault in {"cut", "lost"}:
            assert request.transport
            request.transport.abort()
            return web.Response()
        return web.json_response(self._limited(asked, answer))

    def _strike(self, method: str) -> Fault | None:
        fault, times = self._faults.get(method, ("", 0))
        self._faults[method] = fault, times - 1
        return fault if times > 0 else None

    def _limited(self, asked: Any, answer: Any) -> Any:
        """Refuse logs of too many blocks, and answer a batch in another order, as any node may."""
        if not isinstance(asked, list):
            return answer
        refused = {each["id"] for each in asked if each["method"] == "eth_getLogs" and self._too_wide(each)}
        error = {"code": -32005, "message": "query returned more than 10000 results"}
        return [
            {"id": each["id"], "jsonrpc": "2.0", "error": error} if each["id"] in refused else each
            for each in reversed(answer)
        ]

    def _too_wide(self, request: Any) -> bool:
        wanted = request["params"][0]
        blocks = int(wanted["toBlock"], 16) + 1 - int(wanted["fromBlock"], 16)
        return self.most_blocks is not None and blocks > self.most_blocks
