"""A thread that hangs is noticed; a computer that stood still is none that hangs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest

from sidecar.engine import watchdog

COMPUTES = """
import sys, threading, time
from sidecar.engine.watchdog import Watchdog

hung = threading.Event()
watchdog = Watchdog(hung.set, 1.0)
watchdog.beat()
print("computes", flush=True)
for _ in range(20):  # as often as it takes: a fifth of a second of its own, however long the computer stands still
    time.sleep(0.01)
watchdog.rest()
print("hung" if hung.is_set() else "computed", flush=True)
watchdog.beat()
print("hung" if hung.wait(30) else "not noticed", flush=True)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="no such signal")
def test_a_computer_that_stood_still_is_no_hang_and_a_hang_after_it_is_noticed() -> None:
    with subprocess.Popen([sys.executable, "-c", COMPUTES], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "computes\n"

        os.kill(child.pid, signal.SIGSTOP)
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(timeout=2.5)  # much longer than a hang
        os.kill(child.pid, signal.SIGCONT)

        assert child.stdout.readline() == "computed\n"
        assert child.stdout.readline() == "hung\n"


def test_two_minutes_without_a_beat_are_a_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    hung = threading.Event()

    class Clock(threading.Event):
        """Its seconds are over at once."""

        def wait(self, timeout: float | None = None) -> bool:
            if timeout is None:
                return super().wait()
            slept.append(timeout)
            return False

    monkeypatch.setattr(watchdog, "threading", SimpleNamespace(Event=Clock, Thread=threading.Thread))
    watchdog.Watchdog(hung.set).beat()

    assert hung.wait(30)
    assert sum(slept) == pytest.approx(120)
