"""Grammars are compiled in a process of their own first.

llguidance has limits, and a schema of a thousand characters can keep it busy for minutes all the same (patterns that
hold at once), or overflow its stack (`$ref`s in a chain), which would end this whole process. What comes to an end
there does so here, in the same time again. How long the text is that an answer begins with, without a choice, is
measured there, too: llguidance does that with the interpreter's lock held, 0.7 s for 450 KB.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Sequence
from pathlib import Path

from sidecar.niceness import NICE
from sidecar.worker import frames, limits
from sidecar.worker.reaping import reap

MEMORY_BYTES = 1 << 30

MOST_ANSWER_BYTES = 4096  # a number for each of 128 tools, and to spare

THEIR_FAULT = {
    -signal.SIGPROF,
    -signal.SIGABRT,
    -signal.SIGSEGV,
    -signal.SIGBUS,
    limits.EXIT_TOO_MUCH_MEMORY,
}
"""How the process ends of what a grammar does. The system's own killer of processes sends another signal, and so does
the clock, as the process stood still then."""

_BOOT = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); from sidecar.worker import trial_child; "
    "trial_child.main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])"
)
_ROOT = Path(__file__).resolve().parents[2]


class Trial:
    """One such process, started when it is needed and again after it died. For one thread at a time."""

    def __init__(self, special: Sequence[str], *, gives_way: bool = False, memory_bytes: int = MEMORY_BYTES) -> None:
        """`special` are the tokens that grammars name. One that gives way leaves the processor to whoever wants it."""
        self._arguments = [str(memory_bytes), str(NICE if gives_way else 0), *special]
        self._child: subprocess.Popen[bytes] | None = None
        self._is_new = False  # it has not said yet that it is ready
        self._end: weakref.finalize[..., Trial] | None = None
        self._lock = threading.Lock()  # over all three, as `end` comes from elsewhere

    @property
    def is_fresh(self) -> bool:
        """Whether its process runs and has tried nothing yet."""
        child = self._child
        return self._is_new and child is not None and child.poll() is None

    def forced(self, grammars: Sequence[str], seconds: float) -> list[int] | None:
        """How many bytes an answer to each begins with that leave no choice; none for one that cannot be compiled. None
        if they take longer than that, computing, or too much memory or stack.

        Raises:
            OSError: no process could be started, or it died of something else, such as a call of `end`.
        """
        child = self._ready()
        try:
            assert child.stdin is not None
            assert child.stdout is not None
            frames.write_frame(child.stdin, json.dumps([seconds, list(grammars)]).encode())  # type: ignore[arg-type]
            child.stdin.flush()
            lengths: list[int] = json.loads(frames.read_frame(child.stdout, MOST_ANSWER_BYTES))  # type: ignore[arg-type]
        except (EOFError, OSError, ValueError) as error:
            self.end()
            if child.wait() in THEIR_FAULT:
                return None
            raise OSError("the process that tries grammars died") from error
        return lengths

    def end(self) -> None:
        """Ends the process, also in the midst of a grammar. From any thread."""
        with self._lock:
            if self._child is not None:
                self._child.kill()
                self._child = None  # whoever comes next must not meet a dying one

    def start(self) -> subprocess.Popen[bytes]:
        """Starts the process unless it runs. It is not waited for.

        Raises:
            OSError: no process could be started.
        """
        with self._lock:
            if self._child is not None and self._child.poll() is None:
                return self._child
            if self._end is not None:
                self._end()
            self._child = child = subprocess.Popen(
                [sys.executable, "-I", "-c", _BOOT, str(_ROOT), *self._arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={},
            )
            self._end = weakref.finalize(self, reap, child)
            self._is_new = True
        return child

    def _ready(self) -> subprocess.Popen[bytes]:
        child = self.start()
        if self._is_new:
            assert child.stdout is not None
            try:
                frames.read_frame(child.stdout, 0)  # type: ignore[arg-type]
            except (EOFError, ValueError) as error:
                self.end()
                raise OSError("no process to try grammars in") from error
            self._is_new = False
        return child
