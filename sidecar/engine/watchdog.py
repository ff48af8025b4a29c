"""Tells when the engine thread hangs in a computation."""

from __future__ import annotations

import threading
from collections.abc import Callable

HUNG_SECONDS = 120.0  # no block of a model takes a tenth of it on the slowest computer that is supported
LOOKS = 12  # within that time


class Watchdog:
    """Calls `on_hung` once, on a thread of its own, if the watched thread is busy for `seconds` without a beat.

    What it counts is its own looks, not a clock's seconds: while a computer sleeps, or has stopped the process, neither
    of the two threads gets any further.
    """

    def __init__(self, on_hung: Callable[[], None], seconds: float = HUNG_SECONDS) -> None:
        self._on_hung = on_hung
        self._seconds = seconds
        self._beats = 0
        self._busy = threading.Event()
        threading.Thread(target=self._watch, name="engine-watchdog", daemon=True).start()

    def beat(self) -> None:
        """The watched thread computes, and has come this far."""
        self._beats += 1
        if not self._busy.is_set():
            self._busy.set()

    def rest(self) -> None:
        """The watched thread computes nothing that is to be watched."""
        self._busy.clear()

    def _watch(self) -> None:
        seen = looks = 0
        while True:
            self._busy.wait()
            if self._beats != seen:
                seen, looks = self._beats, 0
            elif looks == LOOKS:
                self._on_hung()
                return
            looks += 1
            threading.Event().wait(self._seconds / LOOKS)
