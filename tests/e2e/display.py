"""A display to draw windows on: the person's own, or a virtual one (Xvfb) where there is none."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager


def has_display() -> bool:
    """Whether a person could see a window here."""
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


@contextmanager
def virtual_display(width: int = 1280, height: int = 860) -> Iterator[str]:
    """Runs Xvfb and yields its DISPLAY (":7"); width and height in pixels. Its processes end with the context."""
    read_end, write_end = os.pipe()
    xvfb = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write_end), "-screen", "0", f"{width}x{height}x24", "-nolisten", "tcp"],
        pass_fds=[write_end],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(write_end)
    try:
        with os.fdopen(read_end) as announced:
            number = announced.readline().strip()  # Xvfb writes it once it takes connections; EOF if it died
        if not number:
            raise RuntimeError(f"Xvfb did not start (exit code {xvfb.wait(timeout=10)})")
        yield f":{number}"
    finally:
        xvfb.terminate()
        xvfb.wait(timeout=10)
