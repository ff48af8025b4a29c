"""How worker and parent talk: frames of bytes, each behind its length. JSON and raw bytes only, never pickle."""

from __future__ import annotations

import struct
from typing import BinaryIO

LENGTH = struct.Struct(">Q")


def write_frame(stream: BinaryIO, payload: bytes) -> None:
    stream.write(LENGTH.pack(len(payload)))
    stream.write(payload)


def read_frame(stream: BinaryIO, most: int | None = None) -> bytes:
    """The next frame, of `most` bytes at most.

    Raises:
        EOFError: the other side has gone.
        ValueError: the frame is longer.
    """
    (length,) = LENGTH.unpack(_exactly(stream, LENGTH.size))
    if most is not None and length > most:
        raise ValueError
    return _exactly(stream, length)


def _exactly(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    if len(data) != size:
        raise EOFError
    return data
