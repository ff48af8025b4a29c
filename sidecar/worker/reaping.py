"""A child process and its pipes, let go of."""

from __future__ import annotations

import contextlib
import subprocess


def reap(child: subprocess.Popen[bytes]) -> None:
    """Ends it, whatever it is in, and closes its pipes."""
    child.kill()
    child.wait()
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):  # what was still buffered for the dead child
                pipe.close()
