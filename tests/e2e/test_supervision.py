"""An engine that keeps dying: the person is told, in the window that stays, and has it started again."""

from __future__ import annotations

import sys

import psutil
import pytest

from tests.e2e import journey
from tests.e2e.display import virtual_display
from tests.e2e.first_launch import ROOT, fresh_machine
from tests.e2e.window import open_window

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="WebKit's driver for app windows exists on Linux only"),
    pytest.mark.timeout(240),
]

TOLD = "The engine does not run"
KILLS = 5


def test_an_engine_that_keeps_dying_is_told_and_restarted_by_the_person() -> None:
    with (
        fresh_machine() as machine,
        virtual_display() as display,
        open_window(
            machine.arguments, display=display, pictures=ROOT / "dist/supervision", home=machine.home
        ) as window,
    ):
        journey.agree_to_download(window)
        window.by_role("textbox", "Message")
        for _ in range(KILLS):
            assert not window.has("region", TOLD)
            # It may die again before it has shaken hands: that counts as well.
            engine = window.wait(window.sidecar, "no engine was started")
            engine.kill()
            psutil.wait_procs([engine], timeout=10)
            window.wait(lambda: window.sidecar() or window.has("region", TOLD), "the next one was not started")
        window.by_role("region", TOLD)
        window.screenshot("down")
        window.by_role("button", "Copy diagnostics")
        assert window.sidecar() is None
        window.click("button", "Restart the engine")
        window.wait(lambda: not window.has("region", TOLD), "it was not started")
        assert "answer" in window.call("engine/status")
        assert journey.ask(window, "What are you?")
        window.quit()
