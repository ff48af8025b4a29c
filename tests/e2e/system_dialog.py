"""Answers the system's own dialogs, which no page and no driver of pages can: with keys, as people without a mouse.

There is no window manager on a virtual display, so the dialog is given the focus here.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from ctypes import POINTER, byref, c_char_p, c_int, c_uint, c_ulong, c_void_p

SECONDS = 30
POINTER_ROOT = 1
CURRENT_TIME = 0
MAP_STATE = 92 // 4
"""Where it stands in XWindowAttributes, in 64 bits."""
VIEWABLE = 2


def answer(display: str, title: str, *keys: str) -> None:
    """Waits for the dialog called `title`, presses those keys in it (as X calls them: "Return", "Escape") and waits
    until it is gone.

    Raises:
        AssertionError: it did not come, or did not go.
    """
    x11, xtest = ctypes.CDLL("libX11.so.6"), ctypes.CDLL("libXtst.so.6")
    x11.XOpenDisplay.restype = c_void_p
    x11.XDefaultRootWindow.restype = c_ulong
    x11.XStringToKeysym.restype = c_ulong
    connection = c_void_p(x11.XOpenDisplay(display.encode()))
    assert connection, f"no display {display}"
    x11.XSetErrorHandler(_IGNORED)  # a window may go while it is looked at
    try:
        window = _wait(lambda: _found(x11, connection, title), f"no dialog {title!r} came")
        for key in keys:
            x11.XSetInputFocus(connection, c_ulong(window), POINTER_ROOT, c_ulong(CURRENT_TIME))
            code = x11.XKeysymToKeycode(connection, c_ulong(x11.XStringToKeysym(key.encode())))
            for pressed in (1, 0):
                xtest.XTestFakeKeyEvent(connection, code, pressed, c_ulong(CURRENT_TIME))
            x11.XSync(connection, 0)
        _wait(lambda: not _found(x11, connection, title), f"{keys} did not end the dialog {title!r}")
    finally:
        x11.XCloseDisplay(connection)


def _wait(found: Callable[[], int | bool | None], otherwise: str) -> int:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if result := found():
            return int(result)
        time.sleep(0.05)
    raise AssertionError(otherwise)


def _ignore(_display: int, _error: int) -> int:
    return 0


_IGNORED = ctypes.CFUNCTYPE(c_int, c_void_p, c_void_p)(_ignore)
"""X's own handler of errors ends the process."""


def _found(x11: ctypes.CDLL, connection: c_void_p, title: str) -> int | None:
    left: list[int] = [x11.XDefaultRootWindow(connection)]
    while left:
        window = left.pop()
        name = c_char_p()
        if x11.XFetchName(connection, c_ulong(window), byref(name)) and name.value:
            attributes = (c_int * 64)()
            x11.XGetWindowAttributes(connection, c_ulong(window), attributes)
            if name.value.decode(errors="replace") == title and attributes[MAP_STATE] == VIEWABLE:
                return window
        root, parent, children, count = c_ulong(), c_ulong(), POINTER(c_ulong)(), c_uint()
        if x11.XQueryTree(connection, c_ulong(window), byref(root), byref(parent), byref(children), byref(count)):
            left += children[: count.value]
    return None
