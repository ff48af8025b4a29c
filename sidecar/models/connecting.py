"""How a connection comes about: a host's addresses share the time that there is for it.

The HTTP library gives each of them all of it, one after the other, so a host with several addresses that nobody answers
at (IPv6 that leads nowhere, names that somebody else answers for) would take minutes to be given up. Imported late, as
the HTTP library is.
"""

import socket
import time
from collections.abc import Iterable, Sequence
from ipaddress import ip_address
from itertools import zip_longest
from typing import TYPE_CHECKING

from httpcore2 import ConnectError, ConnectTimeout, NetworkStream, SyncBackend

if TYPE_CHECKING:
    from httpcore2._types import SOCKET_OPTION


NEAR_SECONDS = 0.01
"""A host that takes a connection within this time is near: another program of this computer, a proxy, the next city."""
NEAR_BUFFER = 256 * 1024
"""Bytes that the system is asked to hold of a near connection, of which Linux makes twice as many. Else it would come
to hold megabytes while the download has no processor, and a kill loses them. Enough for 50 MB/s over 10 ms, four files
at once; to a far host the line itself holds what a kill loses, and a bound would make it slow."""


class SharedTime(SyncBackend):
    """Connects to the first address of a host that answers. The kinds of addresses take turns (RFC 8305, section 4)."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: "Iterable[SOCKET_OPTION] | None" = None,
    ) -> NetworkStream:
        """Raises:
        ConnectError, ConnectTimeout: the name is not known, or what became of the last address.
        """
        try:
            addresses = in_turn(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            raise ConnectError(error) from error
        until = None if timeout is None else time.monotonic() + timeout
        failure: ConnectError | ConnectTimeout = ConnectError(f"{host} has no address")
        for tried, address in enumerate(addresses):
            began = time.monotonic()
            share = None if until is None else max(0.001, until - time.monotonic()) / (len(addresses) - tried)
            try:
                stream = super().connect_tcp(address, port, share, local_address, socket_options)
            except (ConnectError, ConnectTimeout) as error:
                failure = error
            else:
                # This computer is near also where it is too busy to be quick.
                if ip_address(address).is_loopback or time.monotonic() - began < NEAR_SECONDS:
                    connection: socket.socket = stream.get_extra_info("socket")
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, NEAR_BUFFER)
                return stream
        raise failure


def in_turn(found: Sequence[tuple[int, int, int, str, tuple[str | int | bytes, ...]]]) -> list[str]:
    """The addresses of an answer of `getaddrinfo`, the first one's family and the other alternating."""
    first = [str(address[0]) for family, *_, address in found if family == found[0][0]]
    other = [str(address[0]) for family, *_, address in found if family != found[0][0]]
    return [address for pair in zip_longest(first, other) for address in pair if address is not None]
