"""One client: how it gets in, and its channels until one of the two has enough."""

import asyncio
import hmac
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

from pamqp.base import Frame
from pamqp.commands import Channel as ChannelMethods
from pamqp.commands import Connection as ConnectionMethods
from pamqp.common import FieldTable
from pamqp.frame import FrameTypes
from pamqp.heartbeat import Heartbeat

from sandbox.amqp import wire
from sandbox.amqp.broker import Broker
from sandbox.amqp.channel import Channel
from sandbox.amqp.faults import Faults
from sandbox.amqp.line import Line
from sandbox.amqp.refusals import ChannelRefusal, ConnectionRefusal, HungUp, unknown

CHANNEL_MAX, HEARTBEAT_S = 2047, 60
SILENT_HEARTBEATS = 2  # then the client is taken for dead
FAREWELL_S = 1.0
PROPERTIES: FieldTable = {
    "product": "Metronome sandbox",
    "capabilities": {
        "publisher_confirms": True,
        "basic.nack": True,
        "consumer_cancel_notify": True,
        "authentication_failure_close": True,
    },
}
F = TypeVar("F", bound=Frame)


@dataclass(frozen=True)
class Access:
    """Who may come in, and where to."""

    user: str
    password: str = field(repr=False)
    vhost: str = "/"

    def admits(self, response: str) -> bool:
        r"""Tell whether PLAIN's answer is right: \0user\0password."""
        return hmac.compare_digest(response.encode(), f"\0{self.user}\0{self.password}".encode())


class Connection:
    """Serves one line from its first byte to its last."""

    def __init__(self, line: Line, broker: Broker, faults: Faults, access: Access) -> None:
        self._line, self._broker, self._faults, self._access = line, broker, faults, access
        self._channels: dict[int, Channel] = {}
        self._ended: set[int] = set()
        self._heard_s = 0.0

    async def serve(self) -> None:
        """Raises nothing: a refusal is told to the client, a client that is gone is gone."""
        pulse: asyncio.Task[None] | None = None
        with suppress(HungUp):
            try:
                if not await wire.read_greeting(self._line.reader):
                    self._line.write(wire.GREETING)
                    return
                pulse = asyncio.create_task(self._beat(await self._shake_hands()))
                await self._converse()
            except ConnectionRefusal as refusal:
                self._end_channels()
                await self._part(refusal)
            finally:
                if pulse:
                    pulse.cancel()
                self._end_channels()

    def announce_end(self) -> None:
        """Say that the broker goes down."""
        self._line.send(
            0, ConnectionMethods.Close(320, "CONNECTION_FORCED - broker forced connection closure", 0, 0)
        )

    async def _shake_hands(self) -> int:
        """Let the client in; return the seconds between its heartbeats, 0 for none."""
        self._line.send(0, ConnectionMethods.Start(0, 9, PROPERTIES, "PLAIN", "en_US"))
        answer = await self._expect(ConnectionMethods.StartOk)
        if answer.mechanism != "PLAIN" or not self._access.admits(answer.response):
            raise ConnectionRefusal(
                403, "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN."
            )
        self._line.send(0, ConnectionMethods.Tune(CHANNEL_MAX, wire.FRAME_MAX_BYTES, HEARTBEAT_S))
        tuned = await self._expect(ConnectionMethods.TuneOk)
        vhost = (await self._expect(ConnectionMethods.Open)).virtual_host
        if vhost != self._access.vhost:
            raise ConnectionRefusal(530, f"NOT_ALLOWED - vhost {vhost} not found")
        self._line.send(0, ConnectionMethods.OpenOk())
        self._broker.counters.connections += 1
        return int(tuned.heartbeat)

    async def _expect(self, kind: type[F]) -> F:
        _, frame = await wire.read_frame(self._line.reader)
        if not isinstance(frame, kind):
            raise ConnectionRefusal(503, f"COMMAND_INVALID - expected {kind.name}")
        return frame

    async def _converse(self) -> None:
        while True:
            number, frame = await wire.read_frame(self._line.reader)
            self._heard_s = asyncio.get_running_loop().time()
            if number == 0:
                if self._is_last_word(frame):
                    return
            elif number in self._ended:
                self._hear_out(number, frame)
            else:
                self._handle(number, frame)

    def _is_last_word(self, frame: FrameTypes) -> bool:
        if isinstance(frame, ConnectionMethods.Close):
            self._end_channels()
            self._line.send(0, ConnectionMethods.CloseOk())
            return True
        if not isinstance(frame, Heartbeat | ConnectionMethods.CloseOk):
            raise unknown(frame.name)
        return isinstance(frame, ConnectionMethods.CloseOk)

    def _hear_out(self, number: int, frame: FrameTypes) -> None:
        """On a channel that we have ended nothing counts but its end, which the client may have asked for, too."""
        if isinstance(frame, ChannelMethods.Close):
            self._line.send(number, ChannelMethods.CloseOk())
        elif isinstance(frame, ChannelMethods.CloseOk):
            self._ended.remove(number)

    def _handle(self, number: int, frame: FrameTypes) -> None:
        if isinstance(frame, ChannelMethods.Open):
            self._channels[number] = Channel(number, self._line, self._broker, self._faults)
            self._line.send(number, ChannelMethods.OpenOk())
        elif number not in self._channels:
            raise ConnectionRefusal(504, "CHANNEL_ERROR - expected 'channel.open'")
        elif isinstance(frame, ChannelMethods.Close):
            self._channels.pop(number).end()
            self._line.send(number, ChannelMethods.CloseOk())
        else:
            try:
                self._channels[number].handle(frame)
            except ChannelRefusal as refusal:
                self._channels.pop(number).end()
                self._ended.add(number)
                where = (getattr(frame, "frame_id", 0), getattr(frame, "index", 0) & 0xFFFF)
                self._line.send(number, ChannelMethods.Close(refusal.code, refusal.text[:255], *where))

    async def _part(self, refusal: ConnectionRefusal) -> None:
        """Tell why, and wait a moment until it was heard."""
        self._line.send(0, ConnectionMethods.Close(refusal.code, refusal.text[:255], 0, 0))
        with suppress(TimeoutError, ConnectionRefusal):
            async with asyncio.timeout(FAREWELL_S):
                while not isinstance(
                    (await wire.read_frame(self._line.reader))[1], ConnectionMethods.CloseOk
                ):
                    pass

    async def _beat(self, interval_s: int) -> None:
        """Show the client that we live, and end the line of one that does not."""
        loop = asyncio.get_running_loop()
        self._heard_s = loop.time()
        while interval_s:
            await asyncio.sleep(interval_s / 2)
            self._line.send(0, Heartbeat())
            if loop.time() - self._heard_s > SILENT_HEARTBEATS * interval_s:
                self._line.cut()

    def _end_channels(self) -> None:
        while self._channels:
            self._channels.popitem()[1].end()
