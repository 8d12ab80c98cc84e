"""`python -m sandbox.chain`: one chain on loopback until SIGTERM."""

import argparse
import asyncio
import gc
import signal
import sys
from contextlib import nullcontext
from pathlib import Path

from sandbox.chain.accounts import ALL, JOBS, TOKEN
from sandbox.chain.diary import Diary
from sandbox.chain.node import Node
from sandbox.chain.server import ChainServer
from sandbox.state import locked


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sandbox.chain", description=__doc__)
    parser.add_argument("--port", type=int, default=8545, help="default: %(default)s; 0 takes any free one")
    parser.add_argument(
        "--interval", type=float, default=1.0, help="seconds between blocks, default: %(default)s"
    )
    parser.add_argument("--held", action="store_true", help="end when standard input does")
    parser.add_argument("--home", type=Path, help="folder that keeps the chain until the next start")
    options = parser.parse_args()
    # Blocks are kept for ever and hold no cycles: looking through them again and again costs a third of the speed.
    gc.set_threshold(200_000, 50, 1000)
    # Of two that write, one is the last start's, and about to end.
    with locked(options.home) if options.home else nullcontext():
        node = Node(
            interval_s=options.interval, diary=Diary(options.home / "blocks.jsonl") if options.home else None
        )
        asyncio.run(serve(node, options.port, held=options.held))


async def serve(node: Node, port: int, *, held: bool) -> None:
    told, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    if held:
        loop.add_reader(sys.stdin, told.set)
    async with ChainServer(node, port=port) as chain:
        _introduce(chain)
        await told.wait()


def _introduce(chain: ChainServer) -> None:
    print(f"{chain.url} and {chain.ws_url}, Jobs {JOBS}, token {TOKEN}", flush=True)
    for account in ALL:
        print(f"{account.name:8} {account.address} {account.key}")


if __name__ == "__main__":
    main()
