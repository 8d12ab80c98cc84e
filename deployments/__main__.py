"""`python -m deployments up|down|status|apply|doctor`: the processes of this machine.

METRONOME_HOME says where data and logs are kept (default `.metronome` in the repository), METRONOME_PORT
where the server listens (default 4200).
"""

import argparse
import subprocess
import sys
from pathlib import Path

from deployments.stack import Stack, StackError
from deployments.surroundings import REPOSITORY, operator_environment


def main() -> int:
    """Return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m deployments", description=__doc__)
    parser.add_argument("command", choices=COMMANDS)
    env = operator_environment()
    home = Path(env.get("METRONOME_HOME") or REPOSITORY / ".metronome")
    stack = Stack(home, int(env.get("METRONOME_PORT") or 4200), env)
    try:
        return COMMANDS[parser.parse_args().command](stack)
    except StackError as error:
        print(error, file=sys.stderr)
        return 1


def _up(stack: Stack) -> int:
    stack.start()
    code = _apply(stack)
    if code == 0:
        stack.start_worker()
        print(f"UI {stack.ui_url}   logs {stack.home}/log")
    return code


def _apply(stack: Stack) -> int:
    return _python(stack, "-m", "deployments.apply")


def _doctor(stack: Stack) -> int:
    return _python(stack, "-m", "prefect", "deployment", "run", "doctor/on-demand", "--watch")


def _python(stack: Stack, *arguments: str) -> int:
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=REPOSITORY, env=stack.environment, check=False).returncode  # noqa: S603


def _down(stack: Stack) -> int:
    stack.stop()
    return 0


def _status(stack: Stack) -> int:
    states = (
        stack.states() if stack.is_running() else dict.fromkeys(("server", "worker", "watchdog"), "STOPPED")
    )
    for program, state in states.items():
        print(f"{program:<10} {state}")
    print(f"UI {stack.ui_url}   logs {stack.home}/log")
    return 0 if set(states.values()) == {"RUNNING"} and stack.is_healthy() else 1


COMMANDS = {"up": _up, "down": _down, "status": _status, "apply": _apply, "doctor": _doctor}

if __name__ == "__main__":
    sys.exit(main())
