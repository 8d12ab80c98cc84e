"""Where the processes of one machine live, and what they are told through the environment."""

import hashlib
import os
import socket
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

REPOSITORY = Path(__file__).resolve().parents[1]

# The watchdog mails by itself, so it alone needs these; every other program reads Blocks.
WATCHDOG_VARIABLES = frozenset(
    {
        "SMTP_SERVER",
        "SMTP_PORT",
        "SMTP_TYPE",
        "SMTP_USERNAME",
        "SMTP_PASSWORD",
        "EMAIL_SENDER",
        "ALERT_RECIPIENTS",
    }
)


def operator_environment() -> dict[str, str]:
    """Return `.env` of the repository with the shell's own variables on top."""
    from_file = {name: value for name, value in dotenv_values(REPOSITORY / ".env").items() if value}
    return {**from_file, **os.environ}


def process_environment(home: Path, port: int, env: Mapping[str, str]) -> dict[str, str]:
    """Return what server, worker, flows and commands of the stack in `home` need."""
    python = Path(sys.executable)
    url = f"http://127.0.0.1:{port}"
    return {
        **env,
        "METRONOME_HOME": str(home.resolve()),
        "METRONOME_PORT": str(port),
        "METRONOME_PYTHON": str(python),
        "METRONOME_SOCKET": str(socket_of(home)),
        "PREFECT_HOME": str(home.resolve() / "prefect"),
        "PREFECT_API_URL": f"{url}/api",
        "PREFECT_UI_URL": url,
        "DO_NOT_TRACK": "1",
        # `python -m prefect.engine` in prefect.yaml means this interpreter.
        "PATH": os.pathsep.join((str(python.parent), env.get("PATH", os.defpath))),
    }


def without_block_variables(env: Mapping[str, str]) -> dict[str, str]:
    """Return `env` without what belongs into Blocks: running processes have no use for it."""
    blocks_only = dotenv_values(REPOSITORY / ".env.example").keys() - WATCHDOG_VARIABLES
    return {name: value for name, value in env.items() if name not in blocks_only}


def socket_of(home: Path) -> Path:
    """Return the control socket's path: short, whatever the length of `home`'s."""
    digest = hashlib.sha256(str(home.resolve()).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"metronome-{digest}.sock"


def is_free(port: int) -> bool:
    """Tell whether nobody listens on the loopback `port`."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Return a loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
