"""Work that blocks on threads, and can be ended all the same: it waits for sockets and for time, both of which end."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable
from typing import TypeVar

from sidecar.niceness import give_way

T = TypeVar("T")

LETTING_GO_SECONDS = 0.1
"""How long the end of a thread is waited for. Ordinarily it takes a millisecond; a look-up of a name cannot be ended,
and its thread does nothing more once it comes back."""


class Stopped(Exception):  # noqa: N818  # nothing went wrong
    """The work is not wanted any more."""


class Stop:
    """Ends what threads wait for. Set once, from any thread."""

    def __init__(self) -> None:
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []

    def set(self) -> None:
        """End it: from now on nothing waits, and whoever does is woken."""
        with self._lock:
            self._stopped.set()
            for each in self._sockets:
                _shut(each)

    def check(self) -> None:
        """Raises:
        Stopped: it was set.
        """
        if self._stopped.is_set():
            raise Stopped

    def wait(self, seconds: float) -> None:
        """Sleep.

        Raises:
            Stopped: it was set, before or meanwhile.
        """
        if self._stopped.wait(seconds):
            raise Stopped

    def ends(self, connection: socket.socket) -> None:
        """Whoever reads from the connection is woken by the end, and finds it at its own; at once, if it was set."""
        with self._lock:
            self._sockets.append(connection)
            if self._stopped.is_set():
                _shut(connection)


def _shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it has ended by itself
        # The plain socket's own way: that of TLS forgets the keys, and what is read next were the cipher's bytes.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


async def on_thread(work: Callable[[], T], stop: Stop, *, gives_way: bool = True) -> T:
    """What `work` returns or raises, done on a thread of its own, which gives way to others. When the caller is
    cancelled `stop` is set, and the thread waited for a moment."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[tuple[T | None, BaseException | None]] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if not ended.done():
            ended.set_result((result, error))

    def run() -> None:
        result, failure = None, None
        try:
            if gives_way:
                give_way()
            result = work()
        except BaseException as error:
            failure = error
        with contextlib.suppress(RuntimeError):  # The loop is closed: nobody waited so long.
            loop.call_soon_threadsafe(settle, result, failure)

    threading.Thread(target=run, name="builtin-model-transfer", daemon=True).start()
    try:
        result, failure = await asyncio.shield(ended)
    except asyncio.CancelledError:
        stop.set()
        await asyncio.wait({ended}, timeout=LETTING_GO_SECONDS)
        raise
    if failure is not None:
        raise failure
    return result  # type: ignore[return-value]  # the thread's own, as it did not fail
