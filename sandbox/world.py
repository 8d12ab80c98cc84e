"""The outside world as a list: what there is, and how all of it starts and stops."""

import asyncio
import logging
import shlex
from dataclasses import dataclass
from pathlib import Path

from sandbox import banks, chat, host, seed
from sandbox.admin import Admin
from sandbox.amqp import switches
from sandbox.chain import ChainGuest
from sandbox.game import GameServer
from sandbox.mail import MailSink
from sandbox.meet import MeetServer
from sandbox.postgres import Postgres
from sandbox.service import Guest, Place, Service
from sandbox.state import State, locked, write_private
from sandbox.wheel import postgres_folder

DEFAULT_HOME = Path(".sandbox")
TOKEN_DECIMALS = 18
MEET_HOSTS = ("host-1", "host-2")
MEET_QUOTA_FACTOR = 20  # an event of a minute needs at once what a real one needs in an hour
NO_CHAIN = "Payout is left out: its chain needs pyrevm, which has wheels for Linux on x86-64 and macOS on arm64 only."
LOG = logging.getLogger("sandbox")


@dataclass(frozen=True)
class World:
    """Everything outside, running: where it is, and the environment that points Blocks at it.

    Attributes:
        left_out: what cannot run on this machine, in a sentence each; its variables lead to a closed port.
    """

    home: Path
    places: list[Place]
    env: dict[str, str]
    left_out: tuple[str, ...] = ()

    @property
    def admin_url(self) -> str:
        return self.env["SANDBOX_ADMIN_URL"]

    def query(self, statement: str, database: str) -> str:
        """Execute as the databases' superuser; return what it answers, unaligned."""
        postgres = services(State.load(self.home))[0]
        assert isinstance(postgres, Postgres)
        return postgres.query(statement, database)

    def env_lines(self) -> str:
        """KEY=VALUE lines that a shell can read."""
        return "".join(f"{name}={shlex.quote(value)}\n" for name, value in self.env.items())


def services(state: State) -> list[Service]:
    """Those that run by themselves, in the order in which they start."""
    folder = state.folders.setdefault("postgres", str(postgres_folder(state.home)))
    passwords = {script.role: state.secret(script.role) for script in seed.SCRIPTS}
    return [
        Postgres(Path(folder), state.port("postgres"), passwords),
        host.Host(state, guests(state)),
    ]


def guests(state: State) -> list[Guest]:
    """Those that share the background process, in the order in which they start."""
    game = GameServer(token=state.secret("game"), port=state.port("game"))
    mail = MailSink(
        state.home / "mail", username="sandbox", password=state.secret("mail"), port=state.port("mail")
    )
    oracle = banks.listener(state)
    chains = [_chain(state)] if ChainGuest.is_possible() else []
    amqp = chat.broker(state)
    admin = Admin(game, mail, oracle, more=switches.routes(amqp), port=state.port("admin"))
    return [game, mail, oracle, *chains, _meet(state), amqp, admin]


def _meet(state: State) -> MeetServer:
    return MeetServer(
        accounts={host: state.secret(f"meet-{host}") for host in MEET_HOSTS},
        port=state.port("meet"), folder=state.home / "meet", quota_factor=MEET_QUOTA_FACTOR,
    )  # fmt: skip


def _chain(state: State) -> ChainGuest:
    """It goes on over restarts: the ledger in `state`, which does so too, must find its jobs again."""
    return ChainGuest(port=state.port("chain"), home=_chain_home(state))


def _chain_home(state: State) -> Path:
    return state.home / "chain"


def up(home: Path = DEFAULT_HOME) -> World:
    """Start what is not running yet; a second call changes nothing and tells the same."""
    with locked(home):
        state = State.load(home)
        stopped = [service for service in services(state) if not service.running()]
        _make_way(state, stopped)
        state.forget_taken_ports(place.name for service in stopped for place in service.describe())
        world = _describe(state, services(state))
        state.save()
        for service in services(state):
            if not service.running():
                service.start()
        write_private(world.home / "sandbox.env", world.env_lines())
        for sentence in world.left_out:
            LOG.warning(sentence)
        return world


def _make_way(state: State, stopped: list[Service]) -> None:
    """End a background process that lost a guest, and await a chain's end that lost its host: both hold ports."""
    for service in stopped:
        if isinstance(service, host.Host):
            service.stop()
            with locked(_chain_home(state)):
                pass


def down(home: Path = DEFAULT_HOME) -> None:
    """Stop what `up` started; data, mails, ports and secrets stay for the next time."""
    with locked(home):
        for service in reversed(services(State.load(home))):
            if service.running():
                service.stop()


def status(home: Path = DEFAULT_HOME) -> list[tuple[Place, bool]]:
    """Every place, and whether it runs."""
    checked = [(service, service.running()) for service in services(State.load(home))]
    return [(place, running) for service, running in checked for place in service.describe()]


def serve(home: Path) -> None:
    """Be the background process."""
    asyncio.run(host.serve(guests(State.load(home)), home))


def _describe(state: State, parts: list[Service]) -> World:
    places = [place for service in parts for place in service.describe()]
    env = {name: value for place in places for name, value in place.env.items()}
    env |= _chain(state).describe().env
    env["DISTRIBUTION_SALT"] = state.secret("distribution")
    env["PAYOUT_TOKEN_DECIMALS"] = str(TOKEN_DECIMALS)
    return World(state.home, places, env, () if ChainGuest.is_possible() else (NO_CHAIN,))
