"""How much memory the worker process may take."""

from __future__ import annotations

import contextlib
import os
import resource
import sys
import threading
from collections.abc import Iterator

EXIT_TOO_MUCH_MEMORY = 77

_LOOK_SECONDS = 0.02  # a decoder fills about 20 MB in it
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss, in bytes


def limit(memory_bytes: int) -> None:
    """Bounds this process's address space, and forbids it to write files or core dumps."""
    limits = {resource.RLIMIT_CORE: 0, resource.RLIMIT_FSIZE: 0, resource.RLIMIT_AS: memory_bytes}
    for kind, most in limits.items():
        with contextlib.suppress(ValueError, OSError):  # macOS knows RLIMIT_AS and refuses it
            resource.setrlimit(kind, (most, most))


@contextlib.contextmanager
def watched(memory_bytes: int) -> Iterator[None]:
    """Ends this process with `EXIT_TOO_MUCH_MEMORY` soon after it holds more: for systems that refuse `limit`."""
    # Linux lets a new program begin with its parent's peak: only growth counts.
    most = max(memory_bytes, _peak_bytes())
    done = threading.Event()

    def look() -> None:
        while not done.wait(_LOOK_SECONDS):
            if _peak_bytes() > most:
                os._exit(EXIT_TOO_MUCH_MEMORY)

    threading.Thread(target=look, daemon=True).start()
    try:
        yield
    finally:
        done.set()


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _RSS_UNIT
