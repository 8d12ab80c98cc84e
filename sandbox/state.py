"""What a sandbox remembers between two commands: ports, secrets, folders, one pid."""

import fcntl
import json
import secrets
import socket
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

LOOPBACK = "127.0.0.1"


@dataclass
class State:
    """Everything is made up on first use and then kept, so a new service needs no code here."""

    home: Path
    ports: dict[str, int] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    folders: dict[str, str] = field(default_factory=dict)
    host_pid: int | None = None

    @classmethod
    def load(cls, home: Path) -> "State":
        home = home.resolve()
        path = home / "state.json"
        return cls(home, **json.loads(path.read_text())) if path.exists() else cls(home)

    def save(self) -> None:
        kept = asdict(self)
        del kept["home"]
        write_private(self.home / "state.json", json.dumps(kept, indent=2) + "\n")

    def port(self, name: str) -> int:
        return self.ports.setdefault(name, _free_port())

    def secret(self, name: str) -> str:
        return self.secrets.setdefault(name, secrets.token_urlsafe(18))

    def forget_taken_ports(self, names: Iterable[str]) -> None:
        """Give up the kept ports that somebody else listens on by now."""
        for name in names:
            if name in self.ports and not _is_free(self.ports[name]):
                del self.ports[name]


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """One command at a time per home: two `up` side by side would start everything twice."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def write_private(path: Path, text: str) -> None:
    """Replace a file at once, readable by its owner only."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_text(text)
    fresh.replace(path)


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True
