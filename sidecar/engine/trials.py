"""The processes that one model's grammars are tried in. From any thread."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from sidecar.engine.tools import CALL, CALL_END
from sidecar.worker.trial import Trial


class Trials:
    """Those that nobody has are taken again. The batch has its own, which give way to everything else."""

    def __init__(self) -> None:
        self._idle: dict[bool, list[Trial]] = {False: [], True: []}  # by whether they give way
        self._lock = threading.Lock()

    def start(self) -> None:
        """Has one begin that is ready when a person's first grammar comes: it takes longer than most grammars."""
        trial = _trial(gives_way=False)
        with contextlib.suppress(OSError):  # whoever needs one is told
            trial.start()
        with self._lock:
            self._idle[False].append(trial)

    @contextlib.contextmanager
    def one(self, *, gives_way: bool) -> Iterator[Trial]:
        """One for this thread alone."""
        with self._lock:
            idle = self._idle[gives_way]
            trial = idle.pop() if idle else _trial(gives_way=gives_way)
        try:
            yield trial
        finally:
            with self._lock:
                self._idle[gives_way].append(trial)

    def rest(self) -> None:
        """Ends those that nobody has, with what large grammars left in their memory. A fresh one stays, or begins."""
        with self._lock:
            is_ready = any(trial.is_fresh for trial in self._idle[False])
        if not is_ready:
            self.start()  # first, so that a person finds one at any time
        with self._lock:
            ended = self._idle
            self._idle = {False: [trial for trial in ended[False] if trial.is_fresh][:1], True: []}
        del ended  # and with it the processes


def _trial(*, gives_way: bool) -> Trial:
    return Trial((CALL, CALL_END), gives_way=gives_way)
