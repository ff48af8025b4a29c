"""What is on a virtual display, read from its memory: no program draws, asks or waits there on our behalf."""

from __future__ import annotations

import mmap
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.e2e.display import virtual_display

Pixels = NDArray[np.uint32]
LOOK_SECONDS = 0.001
STEP = 3  # of so many pixels in each direction one is looked at: thin enough to find a word


class Screen:
    """The pixels of a display; `name` is its DISPLAY."""

    def __init__(self, name: str, file: Path) -> None:
        """`file` is Xvfb's framebuffer, in the format of X window dumps (X11/XWDFile.h)."""
        self.name = name
        with file.open("rb") as memory:
            self._memory = mmap.mmap(memory.fileno(), 0, access=mmap.ACCESS_READ)
        header = struct.unpack(">25I", self._memory[:100])
        size, height, line, colours = header[0], header[5], header[12], header[19]
        pixels = np.frombuffer(self._memory, np.uint32, height * line // 4, size + 12 * colours)
        self._pixels: Pixels = pixels.reshape(height, line // 4)[::STEP, ::STEP]

    def wait_for(self, condition: Callable[[Pixels], bool], patience: float) -> float:
        """The moment (`time.perf_counter`) at which `condition` first held of every `STEP`th pixel.

        Raises:
            TimeoutError: not within `patience` seconds.
        """
        until = time.perf_counter() + patience
        pause = threading.Event()
        while (now := time.perf_counter()) < until:
            if condition(self._pixels & np.uint32(0xFFFFFF)):
                return now
            pause.wait(LOOK_SECONDS)
        raise TimeoutError(f"not on the screen within {patience} s")


@contextmanager
def visible_display(scratch: Path) -> Iterator[Screen]:
    """A virtual display that can be looked at; its memory is a file in the empty folder `scratch`."""
    with virtual_display(framebuffer=scratch) as name:
        yield Screen(name, scratch / "Xvfb_screen0")


def has_window(pixels: Pixels) -> bool:
    """Whether anything covers the empty display, which is of one colour, in its middle."""
    return bool(_middle(pixels)[0, 0] != 0)


def has_content(pixels: Pixels) -> bool:
    """Whether a window in the middle of the display shows more than a ground of one colour."""
    middle = _middle(pixels)
    return has_window(pixels) and bool((middle != middle[0, 0]).any())


def _middle(pixels: Pixels) -> Pixels:
    height, width = pixels.shape
    return pixels[height // 4 : -height // 4, width // 4 : -width // 4]
