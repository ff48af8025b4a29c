"""How long one request's grammar may take to compile, and whether anybody still waits for it."""

from __future__ import annotations

import threading
import time

from sidecar.errors import EngineFailed, InvalidSchema
from sidecar.worker.trial import Trial

COMPILE_SECONDS = 2.0
"""Of one request: a schema of 50 KB with 1,800 members takes 0.1, and nobody's next one should wait for longer."""


class Compiling:
    """Begins with the first look at it: what waits for its turn does not take it from its time."""

    def __init__(self, seconds: float | None = None) -> None:
        self._seconds = COMPILE_SECONDS if seconds is None else seconds
        self._until: float | None = None
        self._trial: Trial | None = None
        self._lock = threading.Lock()
        self._cancelled = False

    def cancel(self) -> None:
        """Breaks it off. From any thread."""
        with self._lock:
            self._cancelled = True
            if self._trial is not None:
                self._trial.end()

    def on(self, trial: Trial | None) -> None:
        """Where grammars are tried from now on; None: nowhere."""
        with self._lock:
            self._trial = trial

    def check(self, member: str) -> float:
        """The seconds that are left.

        Raises:
            EngineFailed: nobody waits for it any more.
            InvalidSchema: none are left.
        """
        if self._cancelled:
            raise EngineFailed("nobody waits for the grammar any more", reason="closed")
        if self._until is None:
            self._until = time.monotonic() + self._seconds
        if (left := self._until - time.monotonic()) <= 0:
            raise self._too_complex(member)
        return left

    def try_out(self, grammar: str, member: str) -> None:
        """Compiles it where it can do no harm.

        Raises:
            EngineFailed: nobody waits for it any more, or it cannot be tried.
            InvalidSchema: it takes too long, or too much memory.
        """
        left = self.check(member)
        if self._trial is None:
            return
        try:
            survived = self._trial.survives(grammar, left)
        except OSError as error:
            self.check(member)
            raise EngineFailed("no process to compile grammars in", reason="no_process") from error
        if not survived:
            self.check(member)
            raise self._too_complex(member)

    def _too_complex(self, member: str) -> InvalidSchema:
        reason = f"too complex: not compiled within {self._seconds:g} seconds and the memory for it"
        return InvalidSchema("the schema is too complex", member=member, reason=reason)
