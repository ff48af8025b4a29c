"""The system's own file dialog, which no web driver sees, driven by the keyboard as a person would. libxdo, which
types, comes with the packages that the app is built with."""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes import POINTER, byref, c_char_p, c_int, c_uint, c_ulong, c_void_p
from pathlib import Path

DELAY_MICROSECONDS = 12_000  # between two keys
WAIT_SECONDS = 60.0
ANSWER_SECONDS = 3.0
"""After so long without the choice the dialog has something to say."""


class Keyboard:
    """Of one display."""

    def __init__(self, display: str) -> None:
        self._x11, self._xdo = _libraries()
        name = display.encode()
        self._display, self._typist = self._x11.XOpenDisplay(name), self._xdo.xdo_new(name)
        if not (self._display and self._typist):
            raise RuntimeError(f"no display {display}")

    def window(self, title: str) -> int | None:
        """The one with this title that is on the screen."""
        root = self._x11.XDefaultRootWindow(self._display)
        return next((each for each in self._below(root) if self._title(each) == title), None)

    def wait_for(self, title: str) -> int:
        """The window with this title, once it is there."""
        end = time.monotonic() + WAIT_SECONDS
        while (window := self.window(title)) is None:
            assert time.monotonic() < end, f"the window {title!r} did not come"
            threading.Event().wait(0.05)
        return window

    def type(self, window: int, text: str, *keys: str) -> None:
        """`text`, then `keys`, into the window."""
        self._xdo.xdo_focus_window(self._typist, window)
        self._xdo.xdo_enter_text_window(self._typist, 0, text.encode(), DELAY_MICROSECONDS)
        for key in keys:
            self._xdo.xdo_send_keysequence_window(self._typist, 0, key.encode(), DELAY_MICROSECONDS)

    def close(self) -> None:
        self._xdo.xdo_free(self._typist)
        self._x11.XCloseDisplay(self._display)

    def _below(self, window: int) -> list[int]:
        root, parent, children, count = c_ulong(), c_ulong(), POINTER(c_ulong)(), c_uint()
        found = self._x11.XQueryTree(self._display, window, byref(root), byref(parent), byref(children), byref(count))
        below = children[: count.value] if found else []
        if children:
            self._x11.XFree(children)
        return [each for child in below for each in (child, *self._below(child))]

    def _title(self, window: int) -> str | None:
        title = c_char_p()
        self._x11.XFetchName(self._display, window, byref(title))
        return title.value.decode(errors="replace") if title.value else None


@contextmanager
def keyboard(display: str) -> Iterator[Keyboard]:
    """What it typed on is let go of at the end."""
    keys = Keyboard(display)
    try:
        yield keys
    finally:
        keys.close()


def choose_folder(display: str, title: str, folder: Path, chosen: Callable[[], bool]) -> None:
    """Waits for the dialog with this title and names the folder, until it is `chosen`: what is typed while the dialog
    still reads a folder may be lost, and then it says that there is no such one."""
    with keyboard(display) as keys:
        dialog = keys.wait_for(title)
        end = time.monotonic() + WAIT_SECONDS
        while True:
            _name(keys, dialog, folder)
            answered = time.monotonic() + ANSWER_SECONDS
            while time.monotonic() < answered:
                if chosen():
                    return
                threading.Event().wait(0.05)
            assert time.monotonic() < end, f"{folder} was not chosen"
            keys.type(dialog, "", "Return")  # read what it says


def _name(keys: Keyboard, dialog: int, folder: Path) -> None:
    # The first letters open the field for an address and may not come to stand in it.
    keys.type(dialog, str(folder), "ctrl+a")
    keys.type(dialog, str(folder), "Return")


def _libraries() -> tuple[ctypes.CDLL, ctypes.CDLL]:
    x11, xdo = ctypes.CDLL("libX11.so.6"), ctypes.CDLL("libxdo.so.3")
    x11.XOpenDisplay.argtypes, x11.XOpenDisplay.restype = [c_char_p], c_void_p
    x11.XCloseDisplay.argtypes = [c_void_p]
    x11.XDefaultRootWindow.argtypes, x11.XDefaultRootWindow.restype = [c_void_p], c_ulong
    x11.XQueryTree.argtypes = [c_void_p, c_ulong, c_void_p, c_void_p, c_void_p, c_void_p]
    x11.XFetchName.argtypes = [c_void_p, c_ulong, c_void_p]
    x11.XFree.argtypes = [c_void_p]
    xdo.xdo_new.argtypes, xdo.xdo_new.restype = [c_char_p], c_void_p
    xdo.xdo_free.argtypes = [c_void_p]
    xdo.xdo_focus_window.argtypes, xdo.xdo_focus_window.restype = [c_void_p, c_ulong], c_int
    xdo.xdo_enter_text_window.argtypes = [c_void_p, c_ulong, c_char_p, c_uint]
    xdo.xdo_send_keysequence_window.argtypes = [c_void_p, c_ulong, c_char_p, c_uint]
    return x11, xdo
