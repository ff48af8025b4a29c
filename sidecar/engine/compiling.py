"""What one request's grammar may cost to compile, and whether anybody still waits for it."""

from __future__ import annotations

import threading

from sidecar.errors import EngineFailed, InvalidSchema
from sidecar.worker.trial import Trial

COMPILE_SECONDS = 2.0
"""Of a processor, for each grammar: a schema of 50 KB with 1,800 members takes 0.1."""


class Compiling:
    """One request's way through the trial. What it waits for its turn, for a process to start or for a busy computer
    does not count."""

    def __init__(self, seconds: float | None = None) -> None:
        self._seconds = COMPILE_SECONDS if seconds is None else seconds
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

    def check(self) -> None:
        """Raises:
        EngineFailed: nobody waits for it any more.
        """
        if self._cancelled:
            raise EngineFailed("nobody waits for the grammar any more", reason="closed")

    def try_out(self, grammar: str, member: str) -> None:
        """Compiles it where it can do no harm.

        Raises:
            EngineFailed: nobody waits for it any more, or it cannot be tried.
            InvalidSchema: it takes too long, or too much memory.
        """
        self.check()
        if self._trial is None:
            return
        try:
            survived = self._trial.survives(grammar, self._seconds)
        except OSError as error:
            self.check()
            raise EngineFailed("no process to compile grammars in", reason="no_process") from error
        if not survived:
            self.check()
            reason = f"too complex: to compile it takes more than {self._seconds:g} seconds, or too much memory"
            raise InvalidSchema("the schema is too complex", member=member, reason=reason)
