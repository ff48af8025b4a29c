"""Bytes in and out: lines of at most 32 MiB, one thread that reads and one that writes.

Both threads are daemons on raw file descriptors: Python can leave while they block, which it cannot while a thread
sits in `sys.stdin.buffer`. Reading never waits for writing: two processes that each wait until the other has read
would wait for ever.
"""

import asyncio
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sidecar.errors import LineTooLong
from sidecar.rpc.weight import MAX_VALUES, Excess, costly_bytes, excess

MAX_LINE_BYTES = 32 * 2**20
"""Of one line without its newline. A picture of 20 MB as base64 fits; both ends refuse to send more."""

HEAD_BYTES = 1024
"""What is kept of a line that is too heavy to be opened: its id is there."""
READ_BYTES = 2**20
HIGH_WATER_BYTES = 2**20
"""Notifications wait while more than this is unwritten."""
LOW_WATER_BYTES = HIGH_WATER_BYTES // 4
"""… until it has fallen to this."""


class TooLong:
    """Stands for a line that was longer than allowed and has been discarded."""


TOO_LONG = TooLong()


@dataclass(frozen=True)
class TooHeavy:
    """Stands for a line whose values are too many to be parsed."""

    head: bytes
    excess: Excess


Line = bytes | bytearray | TooLong | TooHeavy


class LineSplitter:
    """Cuts a stream of bytes into lines, and holds at most one line of what is allowed."""

    def __init__(self, max_bytes: int = MAX_LINE_BYTES) -> None:
        self._max_bytes = max_bytes
        self._begin()

    def feed(self, data: bytes) -> Iterator[Line]:
        """The lines that `data` completes, without their newlines. Consume it whole before the next call."""
        *complete, rest = data.split(b"\n")
        for end in complete:
            self._keep(end)
            yield self._line()
            self._begin()
        self._keep(rest)

    def _begin(self) -> None:
        self._partial = bytearray()
        self._refused: TooLong | TooHeavy | None = None
        self._costly_bytes = 0
        self._weighed_at = MAX_VALUES

    def _line(self) -> Line:
        if self._costly_bytes > MAX_VALUES:
            self._weigh()
        return self._refused or self._partial

    def _keep(self, data: bytes) -> None:
        if self._refused is not None:
            return
        if len(self._partial) + len(data) > self._max_bytes:
            self._refuse(TOO_LONG)
            return
        self._partial += data
        self._costly_bytes += costly_bytes(data)
        # Looked at closely only where its texts could hold all of that, and each time twice as late as before.
        if self._costly_bytes > self._weighed_at:
            self._weigh()
            self._weighed_at = 2 * self._costly_bytes

    def _weigh(self) -> None:
        if self._refused is None and (found := excess(self._partial)):
            self._refuse(TooHeavy(bytes(self._partial[:HEAD_BYTES]), found))

    def _refuse(self, stand_in: TooLong | TooHeavy) -> None:
        self._refused = stand_in
        self._partial = bytearray()  # clear() would keep the memory


def start_reading(fd: int, on_lines: Callable[[list[Line], float], None], on_end: Callable[[], None]) -> None:
    """Reads `fd` on a thread of its own until it ends. Both callbacks are called on that thread, `on_lines` with all
    that one read completed, and when that was (`time.monotonic`): were they handed over one by one, the first would be
    served before the last is seen."""

    def read() -> None:
        splitter = LineSplitter()
        try:
            while data := os.read(fd, READ_BYTES):
                arrived = time.monotonic()
                if lines := list(splitter.feed(data)):
                    on_lines(lines, arrived)
        except OSError:
            pass  # a pipe that cannot be read has ended as well
        on_end()

    threading.Thread(target=read, name="pipe-reader", daemon=True).start()


class LineWriter:
    """Writes lines on a thread of its own.

    Answers are queued without limit, because an answer is never dropped and nobody may wait for it to be written.
    Notifications wait for room.
    """

    def __init__(self, fd: int, loop: asyncio.AbstractEventLoop, on_broken: Callable[[], None]) -> None:
        self._fd = fd
        self._loop = loop
        self._on_broken = on_broken
        self._changed = threading.Condition()
        self._lines: deque[bytes] = deque()
        self._unwritten_bytes = 0
        self._broken = False
        self._room: asyncio.Event = asyncio.Event()
        self._room.set()
        threading.Thread(target=self._run, name="pipe-writer", daemon=True).start()

    def write(self, line: bytes) -> None:
        """Queues `line`, which has no newline yet; never waits. From the event loop.

        Raises:
            LineTooLong: nothing was queued.
        """
        if len(line) > MAX_LINE_BYTES:
            raise LineTooLong("refused to send an over-long line", bytes=len(line), limit=MAX_LINE_BYTES)
        with self._changed:
            if self._broken:
                return
            self._lines.append(line + b"\n")
            self._unwritten_bytes += len(line) + 1
            if self._unwritten_bytes > HIGH_WATER_BYTES:
                self._room.clear()
            self._changed.notify_all()

    async def room(self) -> None:
        """Waits until there is room for notifications. With a reader that has gone there always is."""
        await self._room.wait()

    def flush(self, timeout: float) -> bool:
        """Blocks until all is written, at most `timeout` seconds, and says whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._unwritten_bytes, timeout)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._lines)
                line = self._lines.popleft()
            try:
                _write_whole(self._fd, line)
            except OSError:
                self._break()
                return
            with self._changed:
                self._unwritten_bytes -= len(line)
                make_room = self._unwritten_bytes <= LOW_WATER_BYTES
                self._changed.notify_all()
            if make_room and not self._room.is_set():
                self._loop.call_soon_threadsafe(self._set_room)

    def _break(self) -> None:
        with self._changed:
            self._broken = True
            self._lines.clear()
            self._unwritten_bytes = 0
            self._changed.notify_all()
        self._loop.call_soon_threadsafe(self._set_room)
        self._on_broken()

    def _set_room(self) -> None:
        if self._unwritten_bytes <= HIGH_WATER_BYTES:  # more may have been queued meanwhile
            self._room.set()


def _write_whole(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
