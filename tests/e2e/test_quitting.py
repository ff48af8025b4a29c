"""However the app comes to its end, in the midst of work: a few seconds later nothing of it is left.

`QUITS=1000` has it end a thousand times; a run of all tests once in each way."""

from __future__ import annotations

import hashlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.e2e.display import virtual_display
from tests.e2e.first_launch import ROOT, draw_picture
from tests.e2e.window import Window, open_window
from tests.provider import Provider
from tests.rpc.chatting import counting

WAYS = 7
EACH = max(1, int(os.environ.get("QUITS", "0")) // WAYS)

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="WebKit's driver for app windows exists on Linux only"),
    pytest.mark.timeout(120 * EACH),
]

SECONDS = 5
"""After which nothing may be left."""


def close(window: Window) -> None:
    window.driver.close()


def log_out(_: Window) -> None:
    """The display goes, with all that is on it."""
    next(child for child in psutil.Process().children() if child.name() == "Xvfb").kill()


def killed_while_its_sidecar_is_stopped(window: Window) -> None:
    """A process that is stopped sees neither its parent's death nor the end of its stdin."""
    sidecar = window.sidecar()
    assert sidecar
    sidecar.suspend()
    window.app.kill()


def by(number: signal.Signals) -> Callable[[Window], None]:
    def end(window: Window) -> None:
        window.app.send_signal(number)

    return end


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(close, id="the window is closed"),
        pytest.param(log_out, id="the person logs out"),
        pytest.param(killed_while_its_sidecar_is_stopped, id="it is killed while its sidecar is stopped"),
        *(
            pytest.param(by(number), id=number.name)
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL)
        ),
    ],
)
def test_nothing_is_left_of_an_app_that_ends_at_work(end: Callable[[Window], None], tmp_path: Path) -> None:
    for number in range(EACH):
        home = tmp_path / str(number)
        home.mkdir()
        with at_work(home) as window:
            processes = window.processes()
            pythons = [process for process in processes if "python" in process.name()]
            assert len(pythons) == 2, "the sidecar, and who opens pictures for it"
            end(window)
            _, left = psutil.wait_procs(processes, timeout=SECONDS)
            assert not left
            assert not started_for(home / "data"), "somebody was started meanwhile"


def started_for(data: Path) -> list[list[str]]:
    """The command lines of all processes that were started for this data folder."""
    found = []
    for process in psutil.process_iter():
        try:
            line = process.cmdline()
        except psutil.Error:
            continue
        if any(str(data) in argument for argument in line):
            found.append(line)
    return found


@contextmanager
def at_work(home: Path) -> Iterator[Window]:
    """A window whose sidecar answers a question with a picture, which a child of it has opened."""
    data = home / "data"
    with (
        Provider() as provider,
        virtual_display() as display,
        open_window(["--data-dir", str(data)], display=display, pictures=ROOT / "dist/quitting", home=home) as window,
    ):
        window.by_role("button", "Download")
        provider.will(counting())
        models = [{"identifier": "far", "displayName": "Far", "capabilities": ["text", "vision"]}]
        created = window.call("providers/create", {"name": "Ray", "baseUrl": provider.url, "models": models})
        model = created["answer"]["provider"]["models"][0]["id"]
        picture = draw_picture(data / "attachments" / "picture.png")
        sha256 = hashlib.sha256(picture.read_bytes()).hexdigest()
        picture.rename(picture.with_name(f"{sha256}.png"))
        chat = window.call("sessions/create")["answer"]["session"]["id"]
        parts = [{"type": "image", "attachment": sha256}, {"type": "text", "text": "Count"}]
        sent = window.call("sessions/send", {"sessionId": chat, "parts": parts, "model": model})
        assert "answer" in sent, sent
        provider.wait_until(lambda: bool(provider.log), window.patience)
        yield window
