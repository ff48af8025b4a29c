"""Whatever the processes of a test leave behind comes to the test itself, so that nothing can stay unseen."""

from __future__ import annotations

import ctypes
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil

PR_SET_CHILD_SUBREAPER = 36
POLL_SECONDS = 0.01


@contextmanager
def taking_in() -> Iterator[None]:
    """Meanwhile every process whose parent dies becomes a child of this one (prctl(2), Linux only). As it is of the
    same session, the system does not end those of them that are stopped, as it would elsewhere."""
    system = ctypes.CDLL(None)
    system.prctl(PR_SET_CHILD_SUBREAPER, 1)
    try:
        yield
    finally:
        system.prctl(PR_SET_CHILD_SUBREAPER, 0)
        for child in psutil.Process().children():
            with suppress(psutil.NoSuchProcess, ChildProcessError):
                if child.status() == psutil.STATUS_ZOMBIE:
                    os.waitpid(child.pid, os.WNOHANG)


def left_after(seconds: float, before: set[psutil.Process]) -> list[psutil.Process]:
    """Who is still there of all processes below this one that were not there before: at once nobody, or some after so
    long."""
    deadline = time.monotonic() + seconds
    never = threading.Event()
    while left := [child for child in _below() if child not in before]:
        if time.monotonic() > deadline:
            break
        never.wait(POLL_SECONDS)
    return left


def _below() -> list[psutil.Process]:
    """The processes below this one that live."""
    living = []
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if child.status() != psutil.STATUS_ZOMBIE:
                living.append(child)
    return living
