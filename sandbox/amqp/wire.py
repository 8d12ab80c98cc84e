"""Frames to and from bytes: one at a time, or a message as the frames that carry it.

Source  AMQP 0-9-1, 4.2; the frames themselves are pamqp's
"""

import asyncio
from collections.abc import Iterator

from pamqp.base import Frame
from pamqp.body import ContentBody
from pamqp.exceptions import UnmarshalingException
from pamqp.frame import FrameTypes, marshal, unmarshal
from pamqp.header import ProtocolHeader

from sandbox.amqp.message import Message
from sandbox.amqp.refusals import ConnectionRefusal, HungUp, unknown

GREETING = ProtocolHeader().marshal()
HEADER_BYTES, END_BYTES = 7, 1
FRAME_MAX_BYTES = 131_072


async def read_greeting(reader: asyncio.StreamReader) -> bool:
    """Tell whether the client speaks our version."""
    return await _read(reader, len(GREETING)) == GREETING


async def read_frame(reader: asyncio.StreamReader) -> tuple[int, FrameTypes]:
    """Return the next frame and its channel.

    Raises:
        HungUp: the client is gone.
        ConnectionRefusal: this is no frame, or a method that nobody knows.
    """
    header = await _read(reader, HEADER_BYTES)
    size_bytes = int.from_bytes(header[3:])
    if size_bytes > FRAME_MAX_BYTES:
        raise ConnectionRefusal(501, "FRAME_ERROR - too large")
    data = header + await _read(reader, size_bytes + END_BYTES)
    try:
        _, channel, frame = unmarshal(data)
    except UnmarshalingException as error:
        if "Unknown method" in str(error):
            raise unknown(str(error)) from None
        raise ConnectionRefusal(501, "FRAME_ERROR - not understood") from None
    return channel, frame


def carry(opening: Frame, message: Message, channel: int) -> bytes:
    """Return a message with the method that brings it, cut into frames."""
    frames: list[FrameTypes] = [opening, message.header, *_pieces(message.body)]
    return b"".join(marshal(frame, channel) for frame in frames)


def _pieces(body: bytes) -> Iterator[ContentBody]:
    size = FRAME_MAX_BYTES - HEADER_BYTES - END_BYTES
    return (ContentBody(body[at : at + size]) for at in range(0, len(body), size))


async def _read(reader: asyncio.StreamReader, length: int) -> bytes:
    try:
        return await reader.readexactly(length)
    except (asyncio.IncompleteReadError, OSError):
        raise HungUp from None
