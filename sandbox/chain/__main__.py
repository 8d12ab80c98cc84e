"""`python -m sandbox.chain`: one chain on loopback until SIGTERM."""

import argparse
import asyncio
import gc
import signal
import sys

from sandbox.chain.accounts import ALL, JOBS, TOKEN
from sandbox.chain.node import Node
from sandbox.chain.server import ChainServer


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sandbox.chain", description=__doc__)
    parser.add_argument("--port", type=int, default=8545, help="default: %(default)s; 0 takes any free one")
    parser.add_argument(
        "--interval", type=float, default=1.0, help="seconds between blocks, default: %(default)s"
    )
    parser.add_argument("--held", action="store_true", help="end when standard input does")
    options = parser.parse_args()
    # Blocks are kept for ever and hold no cycles: looking through them again and again costs a third of the speed.
    gc.set_threshold(200_000, 50, 1000)
    asyncio.run(serve(options.port, options.interval, held=options.held))


async def serve(port: int, interval_s: float, *, held: bool) -> None:
    told, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    if held:
        loop.add_reader(sys.stdin, told.set)
    async with ChainServer(Node(interval_s=interval_s), port=port) as chain:
        _introduce(chain)
        await told.wait()


def _introduce(chain: ChainServer) -> None:
    print(f"{chain.url} and {chain.ws_url}, Jobs {JOBS}, token {TOKEN}", flush=True)
    for account in ALL:
        print(f"{account.name:8} {account.address} {account.key}")


if __name__ == "__main__":
    main()
