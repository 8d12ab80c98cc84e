"""Where a flow is crashed: an outside world and a Prefect server, with taps in between."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event, Timer

from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL
from prefect.settings.context import temporary_settings

from deployments import blocks
from deployments.stack import Stack
from tests.chaos.arena import wait_until
from tests.chaos.attempt import Attempt, End
from tests.chaos.wire import Point, Speech, Tap, Trap

LET_GO_S = 20.0


@dataclass(frozen=True)
class Ground:
    """What is crashed, and between what.

    Attributes:
        env: variables that point at the taps.
        log: of all that the attempts say.
        work: what is crashed, and its arguments.
        is_let_go: tells whether no session of ours is left in the databases, and with it no lock.
    """

    trap: Trap
    taps: list[Tap]
    env: Mapping[str, str]
    log: Path
    work: Callable[[], None]
    is_let_go: Callable[[], bool]

    def start(self) -> Attempt:
        running = Attempt(self.log, self.work)
        running.start()
        return running

    def attempt(self, wanted: Point | int | None = None, within_s: float | None = None) -> End:
        """Run once, killed at `wanted` or after `within_s`, and wait until nobody's session is left."""
        running = Attempt(self.log, self.work)
        strike = partial(self.strike, running)
        self.trap.set(wanted, strike)
        timer = Timer(within_s or 0, strike)
        running.start()
        if within_s is not None:
            timer.start()
        end = running.end()
        timer.cancel()
        self.settle()
        return end

    def together(self) -> list[End]:
        """Start two runs at the same time; return how they end."""
        self.trap.set()
        runs = [self.start(), self.start()]
        return self._ends(runs)

    def face_to_face(self, point: Point, meanwhile: Callable[[], object] = lambda: None) -> list[End]:
        """Stop a run in the middle, for as long as another one tries; then let it go on.

        Args:
            point: where the first one stands still.
            meanwhile: happens before the other one starts.
        """
        go_on = Event()
        self.trap.set(point, go_on.wait)
        first = self.start()
        wait_until(self.trap.struck.is_set, 60, "the first run at its point")
        meanwhile()
        second = self.start()
        second.end()
        go_on.set()
        return self._ends([first, second])

    def _ends(self, runs: list[Attempt]) -> list[End]:
        ends = [run.end() for run in runs]
        self.settle()
        return ends

    def strike(self, running: Attempt) -> bool:
        """Return whether the line lives on."""
        return running.kill()

    def settle(self) -> None:
        """Wait as the guard does: the dead must have let go of everything."""
        wait_until(lambda: all(tap.is_quiet() for tap in self.taps), LET_GO_S, "the end of all lines")
        wait_until(self.is_let_go, LET_GO_S, "the end of all sessions")


@dataclass(frozen=True)
class Duel:
    """Two runs at once: how they ended, and what was wrong afterwards."""

    ends: list[str]
    violations: list[str]


@contextmanager
def tapped(
    prefect: Stack, env: Mapping[str, str], direct: Mapping[str, str], speeches: Mapping[str, type[Speech]]
) -> Iterator[tuple[Trap, list[Tap], dict[str, str]]]:
    """Put a tap on every port in `speeches`, and point the Blocks there; at the end, back to `env`.

    Args:
        prefect: with everything applied; needs no worker.
        env: where everything is.
        direct: what of it is another while it is tapped.
        speeches: by the variable that holds the port, at its end.
    """
    trap, behind = Trap(), {**env, **direct}
    with ExitStack() as stack:
        stack.callback(point, prefect, env)
        taps = []
        for name, speech in speeches.items():
            address, colon, port = behind[name].rpartition(":")
            taps.append(Tap(int(port), speech, trap))
            stack.callback(taps[-1].close)
            behind[name] = f"{address}{colon}{taps[-1].port}"
        point(prefect, behind)
        yield trap, taps, behind


def point(prefect: Stack, env: Mapping[str, str]) -> None:
    """Point the Blocks at what `env` says."""

    async def fill() -> None:
        async with get_client() as client:
            for name, block in blocks.build(env).items():
                await blocks.save(client, name, block)

    with temporary_settings({PREFECT_API_URL: prefect.api_url}):
        asyncio.run(fill())
