"""Settings in the real window over the real sidecar: what is changed there holds, also after a restart."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys

from tests.e2e import native_dialog, preferences
from tests.e2e.display import virtual_display
from tests.e2e.window import Window, open_window

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="WebKit's driver for app windows exists on Linux only"),
    pytest.mark.timeout(240),
]

NOBODY = "http://127.0.0.1:9/v1"
"""An address of this computer at which nothing answers."""


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    with virtual_display() as display:
        yield display


def test_a_setting_and_a_provider_are_kept_over_a_restart(tmp_path: Path, display: str) -> None:
    with start(tmp_path, display) as window:
        open_settings(window)
        rest = window.by_role("textbox", "Rest after")
        rest.send_keys(Keys.CONTROL, "a")
        rest.send_keys("4", Keys.ENTER)
        window.wait_for_text("It must be from 5 to 3,600 seconds.")
        rest.send_keys(Keys.CONTROL, "a")
        rest.send_keys("120", Keys.ENTER)
        window.by_role("button", "Reset Rest after")
        window.click("button", "Providers")
        preferences.add_provider(window, "Mine", NOBODY)
        window.wait_for_text(NOBODY)
        window.click("button", "Find models")
        window.wait_for_text("The service does not answer")
        window.click("button", "Cancel")
        window.quit()
    with start(tmp_path, display) as window:
        open_settings(window)
        assert window.by_role("textbox", "Rest after").get_attribute("value") == "120"
        window.click("button", "Providers")
        window.wait_for_text(NOBODY)
        window.quit()


def test_a_provider_elsewhere_is_kept_only_with_consent(tmp_path: Path, display: str) -> None:
    with start(tmp_path, display) as window:
        open_settings(window)
        window.click("button", "Providers")
        preferences.add_provider(window, "Lab", "http://192.0.2.1/v1")
        native_dialog.answer(display, "Use this provider?", "Escape")
        window.wait_for_text("You did not agree")
        window.click("button", "Save")
        native_dialog.answer(display, "Use this provider?", *native_dialog.YES)
        window.wait_for_text("Leaves this computer")
        window.quit()


def start(home: Path, display: str) -> AbstractContextManager[Window]:
    """Opens the app on the one data folder of this test."""
    return open_window(["--data-dir", str(home / "data")], display=display, pictures=home, home=home)


def open_settings(window: Window) -> None:
    """From the splash, where nothing was downloaded yet."""
    window.by_role("button", "Download")
    preferences.open_settings(window, "General")
    window.by_role("textbox", "Rest after")
