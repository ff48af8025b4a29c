"""The system's own dialogs, which no web driver sees, answered by the keyboard as a person would. libxdo, which types,
comes with the packages that the app is built with. There is no window manager on a virtual display: a dialog is given
the focus here."""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from ctypes import CFUNCTYPE, POINTER, Structure, byref, c_char_p, c_int, c_long, c_uint, c_ulong, c_void_p
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

DELAY_MICROSECONDS = 12_000  # between two keys
WAIT_SECONDS = 60.0
ANSWER_SECONDS = 3.0
"""After so long without the choice a dialog for folders has something to say."""
YES = ("Right", "Return")
"""To a question of the app's: no is the default, and yes beside it. Pressed once more they mean the same."""
READING_SECONDS = 1.2
"""A yes that comes sooner than in a second, or so soon after another, is not heard."""
CLIENT_MESSAGE = 33
MAP_STATE, VIEWABLE = 92 // 4, 2
"""Where it stands in XWindowAttributes, in 64 bits, and what it is of a window on the screen."""


class Keyboard:
    """Of one display."""

    def __init__(self, display: str) -> None:
        self._x11, self._xdo = _libraries()
        name = display.encode()
        self._display, self._typist = self._x11.XOpenDisplay(name), self._xdo.xdo_new(name)
        if not (self._display and self._typist):
            raise RuntimeError(f"no display {display}")
        self._x11.XSetErrorHandler(_IGNORED)  # a window may go while it is looked at

    def window(self, title: str) -> int | None:
        """The one with this title that is on the screen."""
        root = self._x11.XDefaultRootWindow(self._display)
        return next((each for each in self._below(root) if self._title(each) == title and self._is_seen(each)), None)

    def wait_for(self, title: str) -> int:
        """The window with this title, once it is there."""
        return _wait(lambda: self.window(title), f"the window {title!r} did not come")

    def type(self, window: int, text: str, *keys: str) -> None:
        """`text`, then `keys`, into the window."""
        self._xdo.xdo_focus_window(self._typist, window)
        self._xdo.xdo_enter_text_window(self._typist, 0, text.encode(), DELAY_MICROSECONDS)
        for key in keys:
            self._xdo.xdo_send_keysequence_window(self._typist, 0, key.encode(), DELAY_MICROSECONDS)

    def size(self, window: int) -> tuple[int, int]:
        """Its width and height, in pixels."""
        attributes = (c_int * 64)()
        self._x11.XGetWindowAttributes(self._display, window, attributes)
        return attributes[2], attributes[3]

    def ask_to_close(self, window: int) -> None:
        """What the button in a window's title bar does."""
        atom = [self._x11.XInternAtom(self._display, name, False) for name in (b"WM_PROTOCOLS", b"WM_DELETE_WINDOW")]
        message = _ClientMessage(CLIENT_MESSAGE, 0, 1, self._display, window, atom[0], 32, (c_long * 5)(atom[1]))
        self._x11.XSendEvent(self._display, window, False, 0, byref(message))
        self._x11.XFlush(self._display)

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

    def _is_seen(self, window: int) -> bool:
        attributes = (c_int * 64)()
        self._x11.XGetWindowAttributes(self._display, window, attributes)
        return attributes[MAP_STATE] == VIEWABLE


class _ClientMessage(Structure):
    _fields_ = (
        ("type", c_int),
        ("serial", c_ulong),
        ("send_event", c_int),
        ("display", c_void_p),
        ("window", c_ulong),
        ("message_type", c_ulong),
        ("format", c_int),
        ("data", c_long * 5),
        ("room", c_long * 24),  # an XEvent is as long as the longest of them
    )


@contextmanager
def keyboard(display: str) -> Iterator[Keyboard]:
    """What it typed on is let go of at the end."""
    keys = Keyboard(display)
    try:
        yield keys
    finally:
        keys.close()


def answer(display: str, title: str, *keys: str) -> None:
    """Waits for the dialog with this title, presses those keys in it (as X calls them: "Return", "Escape") and waits
    until it is gone."""
    with keyboard(display) as typist:
        end = time.monotonic() + WAIT_SECONDS
        dialog: int | None = typist.wait_for(title)
        while dialog is not None:  # a key that came before the dialog had the focus is lost
            assert time.monotonic() < end, f"{keys} did not end the dialog {title!r}"
            typist.type(dialog, "", *keys)
            with suppress(AssertionError):
                _wait(lambda: typist.window(title) is None, "it stayed", READING_SECONDS)
            dialog = typist.window(title)


@contextmanager
def answered(display: str, title: str, *keys: str) -> Iterator[None]:
    """Answers the dialog as `answer` does, while the block makes it come up and waits for what comes of that."""
    with ThreadPoolExecutor(1, "answer") as pool:
        answering = pool.submit(answer, display, title, *keys)
        yield
        answering.result()


def choose_folder(display: str, title: str, folder: Path, chosen: Callable[[], bool]) -> None:
    """Waits for the dialog with this title and names the folder, until it is `chosen`: what is typed while the dialog
    still reads a folder may be lost, and then it says that there is no such one."""
    with keyboard(display) as keys:
        dialog = keys.wait_for(title)
        end = time.monotonic() + WAIT_SECONDS
        while True:
            # The first letters open the field for an address and may not come to stand in it.
            keys.type(dialog, str(folder), "ctrl+a")
            keys.type(dialog, str(folder), "Return")
            try:
                _wait(chosen, f"{folder} was not chosen", ANSWER_SECONDS)
            except AssertionError:
                if time.monotonic() > end:
                    raise
                keys.type(dialog, "", "Return")  # read what it says
            else:
                return


def save_as(display: str, title: str, file: Path, saved: Callable[[], bool]) -> None:
    """Waits for the dialog with this title and names the file, until it is `saved`."""
    with keyboard(display) as keys:
        dialog = keys.wait_for(title)
        end = time.monotonic() + WAIT_SECONDS
        while True:
            keys.type(dialog, "", "ctrl+a")  # over the name that is proposed
            keys.type(dialog, str(file), "Return")
            try:
                _wait(saved, f"{file} was not saved", ANSWER_SECONDS)
            except AssertionError:
                if time.monotonic() > end:
                    raise
            else:
                return


def _wait(found: Callable[[], T | None], otherwise: str, seconds: float = WAIT_SECONDS) -> T:
    deadline = time.monotonic() + seconds
    while not (result := found()):
        assert time.monotonic() < deadline, otherwise
        threading.Event().wait(0.05)
    return result


def _ignore(_display: int, _error: int) -> int:
    return 0


_IGNORED = CFUNCTYPE(c_int, c_void_p, c_void_p)(_ignore)
"""X's own handler of errors ends the process."""


def _libraries() -> tuple[ctypes.CDLL, ctypes.CDLL]:
    x11, xdo = ctypes.CDLL("libX11.so.6"), ctypes.CDLL("libxdo.so.3")
    x11.XOpenDisplay.argtypes, x11.XOpenDisplay.restype = [c_char_p], c_void_p
    x11.XCloseDisplay.argtypes = [c_void_p]
    x11.XDefaultRootWindow.argtypes, x11.XDefaultRootWindow.restype = [c_void_p], c_ulong
    x11.XQueryTree.argtypes = [c_void_p, c_ulong, c_void_p, c_void_p, c_void_p, c_void_p]
    x11.XGetWindowAttributes.argtypes = [c_void_p, c_ulong, c_void_p]
    x11.XFetchName.argtypes = [c_void_p, c_ulong, c_void_p]
    x11.XFree.argtypes = [c_void_p]
    x11.XInternAtom.argtypes, x11.XInternAtom.restype = [c_void_p, c_char_p, c_int], c_ulong
    x11.XSendEvent.argtypes = [c_void_p, c_ulong, c_int, c_long, c_void_p]
    x11.XFlush.argtypes = [c_void_p]
    xdo.xdo_new.argtypes, xdo.xdo_new.restype = [c_char_p], c_void_p
    xdo.xdo_free.argtypes = [c_void_p]
    xdo.xdo_focus_window.argtypes, xdo.xdo_focus_window.restype = [c_void_p, c_ulong], c_int
    xdo.xdo_enter_text_window.argtypes = [c_void_p, c_ulong, c_char_p, c_uint]
    xdo.xdo_send_keysequence_window.argtypes = [c_void_p, c_ulong, c_char_p, c_uint]
    return x11, xdo
