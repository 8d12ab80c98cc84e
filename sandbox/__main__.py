"""`python -m sandbox up|down|status`: the outside world on localhost."""

import argparse
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from sandbox import world
from sandbox.service import Place, SandboxError


def main() -> int:
    options = _parser().parse_args()
    try:
        return COMMANDS[options.command](options)
    except SandboxError as problem:
        print(f"sandbox: {problem}", file=sys.stderr)
        return 1


def _up(options: argparse.Namespace) -> int:
    running = world.up(options.home)
    if options.env:
        print(running.env_lines(), end="")
    else:
        _show([(place, True) for place in running.places])
        print(f"The environment that points Blocks at it: {running.home / 'sandbox.env'}")
    return 0


def _down(options: argparse.Namespace) -> int:
    world.down(options.home)
    return 0


def _status(options: argparse.Namespace) -> int:
    places = world.status(options.home)
    _show(places)
    return 0 if all(runs for _, runs in places) else 1


def _serve(options: argparse.Namespace) -> int:
    world.serve(options.home)
    return 0


def _show(places: list[tuple[Place, bool]]) -> None:
    table = Table("what", "where", "runs")
    for place, runs in places:
        table.add_row(place.name, place.address, "yes" if runs else "no")
    Console().print(table)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in COMMANDS:
        command = commands.add_parser(name)
        command.add_argument("--home", type=Path, default=world.DEFAULT_HOME, help="default: %(default)s")
        if name == "up":
            command.add_argument("--env", action="store_true", help="print KEY=VALUE lines only")
    return parser


COMMANDS = {"up": _up, "down": _down, "status": _status, "serve": _serve}

if __name__ == "__main__":
    sys.exit(main())
