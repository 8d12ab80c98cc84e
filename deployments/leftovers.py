"""Processes that outlive the supervisor's own children: flows whose worker was killed.

Everything that supervisor starts stays in supervisor's session, however its parent ended, and a session's
number is not given to anybody else while one process of it is alive.
"""

import os
from contextlib import suppress
from pathlib import Path

import psutil

GRACE_S = 5.0


def remember(home: Path, session: int) -> None:
    """Write down the session that starts now."""
    (home / "session").write_text(str(session))


def end(home: Path) -> None:
    """End what is left of the session of `home`: kindly first, then with SIGKILL."""
    left = processes(home)
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    _, left = psutil.wait_procs(left, timeout=GRACE_S)
    for process in {*left, *processes(home)}:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    (home / "session").unlink(missing_ok=True)


def processes(home: Path, text: str = "") -> list[psutil.Process]:
    """Return the living processes of the session whose command line holds `text`."""
    try:
        session = int((home / "session").read_text())
    except FileNotFoundError:
        return []
    living = psutil.process_iter(["status", "cmdline"])
    return [
        process
        for process in living
        if _session_of(process.pid) == session
        and process.info["status"] != psutil.STATUS_ZOMBIE
        and text in " ".join(process.info["cmdline"] or [])
    ]


def _session_of(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except OSError:
        return None
