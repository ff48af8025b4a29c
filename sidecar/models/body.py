"""The body of an answer as it arrives. The HTTP library's parser copies each byte three times, which holds up all
threads; so it parses the head and gives what came with it, and the rest of a body of known length, which is nothing
but bytes, is taken from the connection. Its own classes are imported late, as it is."""

import contextlib
import socket
import ssl
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpcore2
    import httpx2

BLOCK = 256 * 1024
"""Bytes taken from a connection before they are written, at most, and so what a kill may lose of a file beside what the
system still holds. The library's own 64 KiB cost more in steps than in bytes."""


def says_its_end(response: "httpx2.Response") -> bool:
    """Whether it comes in chunks, the last of which is empty."""
    return "Transfer-Encoding" in response.headers


def pieces_of(response: "httpx2.Response", stall_seconds: float) -> Iterator[bytes | memoryview]:
    """The bytes, each piece good until the next one is asked for; they end where the connection does.

    Raises:
        httpx2.RequestError, httpcore2.NetworkError, httpcore2.TimeoutException: it broke, or nothing came for
            `stall_seconds`.
    """
    pieces = response.iter_raw()
    first = next(pieces, b"")
    yield first
    length = response.headers.get("Content-Length", "")
    left = int(length) - len(first) if length.isdecimal() else 0
    stream: httpcore2.NetworkStream = response.extensions["network_stream"]
    # TLS to a mirror inside of TLS to a proxy has no socket of its own.
    if left <= 0 or says_its_end(response) or isinstance(stream.get_extra_info("ssl_object"), ssl.SSLObject):
        yield from pieces
        return
    connection: socket.socket = stream.get_extra_info("socket")
    connection.settimeout(stall_seconds)
    block = memoryview(bytearray(BLOCK))
    while left and (size := _arrived(stream, connection, block[:left])):
        left -= size
        yield block[:size]


def _arrived(stream: "httpcore2.NetworkStream", connection: socket.socket, block: memoryview) -> int:
    """Wait for bytes and read what is there; 0 at the end."""
    import httpcore2

    try:
        size = connection.recv_into(block)
    except TimeoutError as error:
        raise httpcore2.ReadTimeout(error) from error
    except OSError as error:
        raise httpcore2.ReadError(error) from error
    # TLS gives 16 KiB at most at once: written and hashed so, 512 MB took 2.6 s of the processor, and 1.5 in whole
    # blocks. What breaks now, breaks again at the next call: first what is here.
    with contextlib.suppress(OSError):
        while isinstance(connection, ssl.SSLSocket) and 0 < size < len(block) and stream.get_extra_info("is_readable"):
            if not (more := connection.recv_into(block[size:])):
                break
            size += more
    return size
