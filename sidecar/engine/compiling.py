"""What one request's grammar may cost to compile, and whether anybody still waits for it."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

from sidecar.errors import EngineFailed, InvalidSchema
from sidecar.worker.trial import Trial

COMPILE_SECONDS = 2.0
"""Of a processor, for each grammar, or for all of a request's tools: a schema of 50 KB with 1,800 members takes 0.1."""

MAX_FORCED_BYTES = 16 * 1024  # without a choice between; more is a schema whose answers never end


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

    def try_out(self, grammars: Mapping[str, str], member: str) -> None:
        """Compiles them all where they can do no harm: by the member of the request that asks for each.

        Raises:
            EngineFailed: nobody waits for it any more, or it cannot be tried.
            InvalidSchema: one's answers begin with far too much text without a choice, or it takes too long or too much
                memory to compile them all; that is `member`'s fault.
        """
        self.check()
        if self._trial is None or not grammars:
            return
        lengths = self._forced(self._trial, list(grammars.values()))
        if lengths is None:
            reason = f"too complex: to compile it takes more than {self._seconds:g} seconds, or too much memory"
            raise InvalidSchema("the schema is too complex", member=member, reason=reason)
        for each, length in zip(grammars, lengths, strict=True):
            if length > MAX_FORCED_BYTES:
                reason = f"more than {MAX_FORCED_BYTES} bytes without a choice, or without an end"
                raise InvalidSchema("an answer would have no choice and no end", member=each, reason=reason)

    def _forced(self, trial: Trial, grammars: Sequence[str]) -> list[int] | None:
        try:
            return trial.forced(grammars, self._seconds)
        except OSError:  # no fault of the grammars': once more
            self.check()
        try:
            return trial.forced(grammars, self._seconds)
        except OSError as error:
            self.check()
            raise EngineFailed("no process to compile grammars in", reason="no_process") from error
