"""`python -m sidecar --data-dir DIR [--catalog FILE]`: serves JSON-RPC on stdin and stdout until stdin ends."""

import gc
import os
import sys

from sidecar.rpc import stdio

PARENT = os.getppid()
"""Read before anything slow: a parent that dies meanwhile must not go unnoticed."""


def main() -> None:
    """Claims the pipe, and only then imports the rest: whatever an import prints has to miss it."""
    try:
        pipe = stdio.claim()
    except OSError:
        sys.exit("sidecar: stdin and stdout must be open")
    # Pydantic would look through all installed packages for plug-ins: 50 ms, and code that nobody asked for.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    # Importing makes objects that stay; to look for garbage among them takes a tenth of the time. `run` switches it on.
    gc.disable()
    from sidecar.app import App
    from sidecar.process import run

    run(pipe, PARENT, App)


if __name__ == "__main__":
    main()
