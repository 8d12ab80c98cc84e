"""`python -m sandbox`: everything up, everything down, nothing else touched."""

import asyncio
import os
import shutil
import signal
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import psutil
import pytest
from websockets.sync.client import connect

import sandbox
from sandbox.state import State

REPOSITORY = Path(sandbox.__file__).parents[1]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home = tmp_path_factory.mktemp("world")
    yield home
    sandbox.down(home)
    shutil.rmtree(State.load(home).folders["postgres"], ignore_errors=True)


@pytest.fixture
def world(home: Path) -> sandbox.World:
    return sandbox.up(home)


def test_up_status_down_twice(home: Path) -> None:
    """Two rounds of the commands find the same ports and secrets; status tells by its exit code."""
    seen = []
    for _ in range(2):
        seen.append(run("up", home, "--env").stdout)
        assert run("status", home).returncode == 0
        assert run("down", home).returncode == 0
    assert run("status", home).returncode == 1
    assert seen[0] == seen[1]
    assert "POP_GAME_URL=ws://127.0.0.1:" in seen[0]


def test_up_and_down_twice_in_a_row_change_nothing(home: Path, world: sandbox.World) -> None:
    """A second `up` tells the same and starts no second process; a second `down` has nothing to do."""
    pid = host_pid(home)
    assert sandbox.up(home) == world
    assert host_pid(home) == pid
    for _ in range(2):
        sandbox.down(home)
        assert not any(runs for _, runs in sandbox.status(home))


def test_up_prints_where_things_are_but_no_secret(home: Path, world: sandbox.World) -> None:
    """The table names every address; tokens, passwords, salts and keys are only in the private file."""
    shown = run("up", home).stdout
    assert all(place.address in shown for place in world.places)
    kinds = ("_PASSWORD", "_TOKEN", "_SALT", "_KEY")
    secrets = [value for name, value in world.env.items() if name.endswith(kinds)]
    assert not any(secret in shown for secret in secrets)


def test_a_shell_reads_the_environment_file(world: sandbox.World) -> None:
    """`set -a; . sandbox.env` gives exactly the variables; only the owner may read the file."""
    path = world.home / "sandbox.env"
    script = f"set -a; . {path}; exec env"
    shown = subprocess.run(["sh", "-c", script], env={}, capture_output=True, text=True, check=True).stdout
    assert world.env.items() <= dict(line.split("=", 1) for line in shown.splitlines()).items()
    assert path.stat().st_mode & 0o077 == 0


def test_the_environment_leads_to_every_service(world: sandbox.World) -> None:
    """Databases, game, chain, mail and admin answer at the addresses and with the secrets of the environment."""
    env = world.env
    for prefix in ("DB", "STATE_DB", "GAME_DB"):
        names = {"HOST": "host", "PORT": "port", "USER": "user", "PASSWORD": "password", "NAME": "database"}
        asyncio.run(knock(**{key: env[f"{prefix}_{name}"] for name, key in names.items()}))
    url = f"{env['POP_GAME_URL']}?token={env['POP_GAME_TOKEN']}&username=0xab"
    connect(url, additional_headers={"Origin": env["POP_GAME_ORIGIN"]}, proxy=None).close()
    with smtplib.SMTP(env["SMTP_SERVER"], int(env["SMTP_PORT"])) as mail:
        mail.login(env["SMTP_USERNAME"], env["SMTP_PASSWORD"])
        mail.sendmail(env["EMAIL_SENDER"], env["ALERT_RECIPIENTS"].split(","), "Subject: hi\n\nhi")
    assert httpx.get(f"{world.admin_url}/mail", trust_env=False).json()[-1]["subject"] == "hi"
    assert httpx.get(f"{world.admin_url}/game/counters", trust_env=False).json()["connections"] >= 1
    assert int(ask_chain(world, "eth_chainId"), 16) == int(env["JOBS_CHAIN_ID"])
    assert all(
        len(ask_chain(world, "eth_getCode", env[name])) > 100 for name in ("JOBS_CONTRACT", "JOBS_TOKEN")
    )


def test_up_repairs_what_was_killed(home: Path, world: sandbox.World) -> None:
    """After a kill -9 of the background process `up` starts it again on the same ports."""
    os.kill(host_pid(home), signal.SIGKILL)
    wait_until(lambda: not all(runs for _, runs in sandbox.status(home)))
    assert sandbox.up(home) == world


def test_up_repairs_a_chain_that_was_killed(home: Path, world: sandbox.World) -> None:
    """The chain alone is gone: everything comes back on the ports that it had."""
    (chain,) = psutil.Process(host_pid(home)).children()
    chain.kill()
    wait_until(lambda: not all(runs for _, runs in sandbox.status(home)))
    assert sandbox.up(home) == world


def test_the_chain_goes_on_after_a_pause(home: Path, world: sandbox.World) -> None:
    """Ledger and chain stay together: after `down` and `up` the head that was is still on the chain."""
    head = ask_chain(world, "eth_getBlockByNumber", "latest", False)
    sandbox.down(home)
    again = sandbox.up(home)
    assert ask_chain(again, "eth_getBlockByNumber", head["number"], False)["hash"] == head["hash"]


def test_a_machine_without_an_evm_does_without_the_chain(home: Path, tmp_path: Path) -> None:
    """One line says so; everything else runs, and the chain's variables are there for the Blocks."""
    sandbox.down(home)
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['pyrevm'] = None")
    done = run("up", home, "--env", PYTHONPATH=str(tmp_path))
    assert (done.returncode, done.stderr.count("\n")) == (0, 1)
    assert done.stderr.startswith("Payout is left out: its chain needs pyrevm")
    assert "JOBS_RPC_URL=http://127.0.0.1:" in done.stdout
    shown = run("status", home, PYTHONPATH=str(tmp_path))
    assert shown.returncode == 0
    assert "chain" not in shown.stdout
    assert run("down", home, PYTHONPATH=str(tmp_path)).returncode == 0


def test_a_port_that_somebody_took_is_given_up(home: Path, world: sandbox.World) -> None:
    """If a kept port is taken by a stranger, only that service moves."""
    sandbox.down(home)
    ports = State.load(home).ports
    with socket.create_server(("127.0.0.1", ports["game"])):
        moved = sandbox.up(home)
        assert moved.env["POP_GAME_URL"] != world.env["POP_GAME_URL"]
        assert moved.admin_url == world.admin_url


def test_a_reused_pid_is_never_killed(home: Path, world: sandbox.World) -> None:
    """A stranger that got the recorded pid survives `down`."""
    sandbox.down(home)
    with subprocess.Popen(["sleep", "60"]) as stranger:
        state = State.load(home)
        state.host_pid = stranger.pid
        state.save()
        sandbox.down(home)
        assert stranger.poll() is None
        stranger.kill()


def test_the_process_ends_when_its_home_is_removed(tmp_path: Path) -> None:
    """`rm -r` of the home leaves no process behind."""
    world = sandbox.up(tmp_path / "gone")
    pid, folder = host_pid(world.home), Path(State.load(world.home).folders["postgres"])
    shutil.move(world.home, tmp_path / "moved")
    try:
        wait_until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == "zombie")
    finally:
        shutil.move(tmp_path / "moved", world.home)
        sandbox.down(world.home)
        shutil.rmtree(folder, ignore_errors=True)


def test_a_start_that_fails_says_where_to_look(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the log, and nothing half-started stays."""
    sandbox.down(home)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(sandbox.SandboxError, match=r"serve\.log"):
        sandbox.up(home)


def ask_chain(world: sandbox.World, method: str, *params: object) -> Any:
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    answer = httpx.post(world.env["JOBS_RPC_URL"], json=request, trust_env=False)
    return answer.raise_for_status().json()["result"]


def run(command: str, home: Path, *more: str, **env: str) -> subprocess.CompletedProcess[str]:
    """The command as a person types it."""
    arguments = [sys.executable, "-m", "sandbox", command, "--home", str(home), *more]
    wide = os.environ | {"COLUMNS": "200"} | env
    return subprocess.run(
        arguments, cwd=REPOSITORY, env=wide, capture_output=True, text=True, check=False, timeout=60
    )


async def knock(**address: str) -> None:
    await (await asyncpg.connect(**address)).close()


def host_pid(home: Path) -> int:
    pid = State.load(home).host_pid
    assert pid is not None
    return pid


def wait_until(condition: object, patience_s: float = 10) -> None:
    deadline_s = time.monotonic() + patience_s
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline_s, "waited too long"
