"""The script that one writes first: `python pop_naive.py URL ORIGIN ACCOUNT…`, the libraries' defaults everywhere.

The benchmark calls `pop` in its own process (a new TLS context for each account), and runs this file anew
for each account (a new process).
"""

import asyncio
import json
import sys
from collections.abc import Sequence

import websockets


async def pop_all(url: str, origin: str, accounts: Sequence[str]) -> None:
    for account in accounts:
        await pop(url, origin, account)


async def pop(url: str, origin: str, account: str) -> None:
    async with websockets.connect(f"{url}&username={account}", origin=origin) as connection:
        value = json.dumps({"count": 100, "username": account})
        await connection.send(json.dumps({"type": "markPop", "value": value}))
        reply = json.loads(await connection.recv())
        assert reply["username"] == account


if __name__ == "__main__":
    asyncio.run(pop_all(sys.argv[1], sys.argv[2], sys.argv[3:]))
