"""One client's line: what is sent, and how it ends."""

import asyncio
from contextlib import suppress

from pamqp.base import Frame
from pamqp.frame import FrameTypes, marshal

from sandbox.amqp.message import Message
from sandbox.amqp.wire import carry


class Line:
    """Writes are not waited for: what a slow consumer may keep waiting is bounded by its prefetch."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self._writer = reader, writer

    def send(self, channel: int, frame: FrameTypes) -> None:
        self.write(marshal(frame, channel))

    def send_message(self, channel: int, opening: Frame, message: Message) -> None:
        self.write(carry(opening, message, channel))

    def write(self, data: bytes) -> None:
        if not self._writer.is_closing():
            self._writer.write(data)

    def cut(self) -> None:
        """End at once, as a broker that was killed does; what was not sent yet is lost."""
        self._writer.transport.abort()

    async def close(self) -> None:
        """End after all that was said is sent."""
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()
