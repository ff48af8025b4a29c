"""Tells when the engine thread hangs in a computation."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

HUNG_SECONDS = 120.0  # no block of a model takes a tenth of it on the slowest computer that is supported


class Watchdog:
    """Calls `on_hung` once, on a thread of its own, if the watched thread is busy for `seconds` without a beat.

    `time.monotonic` stands still while a computer sleeps (CLOCK_MONOTONIC on Linux, mach_absolute_time on macOS), so
    a lid that was closed is no hang.
    """

    def __init__(self, on_hung: Callable[[], None], seconds: float = HUNG_SECONDS) -> None:
        self._on_hung = on_hung
        self._seconds = seconds
        self._deadline: float | None = None
        self._busy = threading.Event()
        threading.Thread(target=self._watch, name="engine-watchdog", daemon=True).start()

    def beat(self) -> None:
        """The watched thread computes, and has come this far."""
        self._deadline = time.monotonic() + self._seconds
        if not self._busy.is_set():
            self._busy.set()

    def rest(self) -> None:
        """The watched thread computes nothing that is to be watched."""
        self._deadline = None
        self._busy.clear()

    def _watch(self) -> None:
        while True:
            self._busy.wait()
            deadline = self._deadline
            if deadline is None:
                continue
            if (left := deadline - time.monotonic()) <= 0:
                self._on_hung()
                return
            threading.Event().wait(left)
