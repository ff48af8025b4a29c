"""One first launch, whole: from an empty data folder to an answer about a picture, and nothing left behind."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.e2e import journey
from tests.e2e.display import virtual_display
from tests.e2e.first_launch import fresh_machine
from tests.e2e.window import open_window

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="WebKit's driver for app windows exists on Linux only"),
    pytest.mark.timeout(300),
]


def test_a_first_launch_leads_from_consent_over_the_download_to_an_answer_about_a_picture(tmp_path: Path) -> None:
    with (
        fresh_machine(rate=4_000_000) as machine,
        virtual_display() as display,
        open_window(machine.arguments, display=display, pictures=tmp_path, home=machine.home) as window,
    ):
        window.by_role("button", "Download")
        assert "Qwen3-VL demo" in window.text()
        assert machine.hub.removeprefix("http://") in window.text()
        journey.agree_to_download(window)
        window.by_role("progressbar", "Download progress")
        journey.attach(window, machine.picture)
        assert "red circle" in journey.ask(window, "What is in this picture?").lower()
        window.quit()
