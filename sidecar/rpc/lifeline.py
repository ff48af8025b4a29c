"""Leaving, whatever the event loop is doing."""

import os
import threading
import time
from collections.abc import Callable

from sidecar.parent import go_on_when_it_dies

PARENT_POLL_SECONDS = 0.5
GRACE_SECONDS = 0.75
"""From the wish to leave until the process is ended from outside the event loop; with the poll, well below 2 s."""


class Lifeline:
    """Ends the process when it was asked to leave, its stdin ended, or its parent died.

    Both signs are needed: a sibling may have inherited the other end of the pipe and keep it open, and a parent may
    close the pipe and live on. The thread asks the event loop to leave first, then does not wait for it longer than
    `GRACE_SECONDS`: a long computation must not keep an orphan alive.
    """

    def __init__(self, on_leave: Callable[[], None], parent: int) -> None:
        """`on_leave` is called once, on the watching thread; `parent` is the process id to watch."""
        self.code = 0
        self._leaving = threading.Event()
        self._on_leave = on_leave
        self._parent = parent
        threading.Thread(target=self._watch, name="lifeline", daemon=True).start()

    def leave(self, code: int = 0) -> None:
        """Asks the process to end, with this exit code. From any thread, any number of times; the first one counts."""
        if not self._leaving.is_set():
            self.code = code
            self._leaving.set()

    def _watch(self) -> None:
        go_on_when_it_dies()
        while not self._leaving.wait(PARENT_POLL_SECONDS):
            if os.getppid() != self._parent:
                break
        self._on_leave()
        time.sleep(GRACE_SECONDS)
        os._exit(self.code)
