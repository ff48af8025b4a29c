"""What takes a while with a model's files: a download, an import, a check. Each runs on a thread of its own.

The thread has an event loop of its own, so that files and folders never hold up the loop that streams answers. What
moves and hashes contents does so on further threads, that give way (`on_thread`).
"""

import asyncio
import contextlib
import errno
import threading
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from typing import TypeVar

from sidecar.errors import Cancelled, DiskFull, InternalError, SidecarError
from sidecar.models.awake import kept_awake
from sidecar.models.progress import Progress
from sidecar.models.status import Activity, ModelState

E = TypeVar("E", bound=BaseException)

SPARE_BYTES = 10**9
"""What must stay free on the disk beside the model: a system without room misbehaves in worse ways than a refusal."""
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Job(ABC):
    """Made for one `run`; may be cancelled from any thread, before it or while it lasts."""

    activity: Activity
    """What is being done, in a word that programs go by."""
    mirror: str | None = None
    """The address that a download comes from; nothing else uses a network."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self._lock = threading.Lock()
        self._cancelled = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def is_cancelled(self) -> bool:
        """Whether it was told to stop. It may still run, and does nothing more that anybody waits for."""
        return self._cancelled

    @property
    def state(self) -> ModelState:
        """The model's state meanwhile."""
        return "verifying" if self.progress.verifying else "downloading"

    def run(self) -> None:
        """Do it; blocks until that is done.

        Raises:
            DownloadError: why it did not end well; `Cancelled` after `cancel`.
            InternalError: the data folder cannot be used.
        """
        try:
            with kept_awake():
                _run(self._main())
        except asyncio.CancelledError:
            raise Cancelled(f"{self.activity} was cancelled") from None
        except BaseExceptionGroup as group:
            raise _told(first_error(group)) from group
        except OSError as error:
            raise _told(error) from error

    def cancel(self) -> None:
        """Stop `run`, from any thread, before or while it runs."""
        with self._lock:
            self._cancelled = True
            if self._loop is not None and self._task is not None:
                with contextlib.suppress(RuntimeError):  # The loop has ended by itself in this moment.
                    self._loop.call_soon_threadsafe(self._task.cancel)

    @abstractmethod
    async def _work(self) -> None:
        """The work itself. What takes long it waits for on the event loop, so that it can be cancelled there."""

    def _tell(self) -> None:
        """Called about once a second."""
        self.progress.tick()

    async def _main(self) -> None:
        with self._lock:
            if self._cancelled:
                raise asyncio.CancelledError
            self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        if not self.progress.seconds_to_next():
            self._tell()
        ticker = asyncio.create_task(self._tick())
        try:
            await self._work()
        finally:
            ticker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await ticker

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(self.progress.seconds_to_next())
            self._tell()


def _run(main: Coroutine[None, None, None]) -> None:
    """`asyncio.run`, which at its end waits for what still computes on a thread: here a look-up of a name or a flush to
    a slow disk, which may take a minute. After a cancel nobody wants its outcome."""
    loop = asyncio.new_event_loop()
    try:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(main)
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        asyncio.set_event_loop(None)
        loop.close()


def check_room(missing_bytes: int, free_bytes: int) -> None:
    """Refuse what would not leave `SPARE_BYTES` free.

    Raises:
        DiskFull: it would not; the details say how much is needed and free.
    """
    needed = missing_bytes + SPARE_BYTES
    if missing_bytes and free_bytes < needed:
        raise DiskFull(f"{needed} bytes are needed, {free_bytes} are free", needed_bytes=needed, free_bytes=free_bytes)


def first_error(group: BaseExceptionGroup[E]) -> E:
    """The error that ended a group of tasks; the others were cancelled by it, or failed in the same moment."""
    error = group.exceptions[0]
    return first_error(error) if isinstance(error, BaseExceptionGroup) else error


def _told(error: BaseException) -> BaseException:
    """The error to report for what went wrong."""
    if isinstance(error, OSError):
        if error.errno in NO_ROOM:
            return DiskFull(f"the disk is full: {error.strerror}")
        return InternalError(f"the data folder cannot be used: {error!r}")
    return error if isinstance(error, SidecarError) else InternalError(f"it broke off: {error!r}")
