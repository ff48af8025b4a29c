"""A display to draw windows on: the person's own, or a virtual one (Xvfb) where there is none."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def has_display() -> bool:
    """Whether a person could see a window here: a display is named, and answers if it is on this computer."""
    wayland, x11 = os.environ.get("WAYLAND_DISPLAY"), os.environ.get("DISPLAY")
    if wayland and _answers(Path(os.environ.get("XDG_RUNTIME_DIR", "/"), wayland)):
        return True
    if x11 and x11.startswith(":"):
        return _answers(Path(f"/tmp/.X11-unix/X{x11[1:].partition('.')[0]}"))
    return bool(x11)


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(2)
        try:
            client.connect(str(path))
        except OSError:
            return False
        return True


@contextmanager
def virtual_display(width: int = 1280, height: int = 860, framebuffer: Path | None = None) -> Iterator[str]:
    """Runs Xvfb and yields its DISPLAY (":7"); width and height in pixels. Its processes end with the context.
    In the folder `framebuffer`, if given, its memory is a file."""
    memory = [] if framebuffer is None else ["-fbdir", str(framebuffer)]
    read_end, write_end = os.pipe()
    xvfb = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write_end), "-screen", "0", f"{width}x{height}x24", "-nolisten", "tcp", *memory],
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
