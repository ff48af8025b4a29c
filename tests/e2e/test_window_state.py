"""Where the window was and how large it was, at the next start; and that nothing starts the app but the person."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import psutil
import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from tests.e2e.display import virtual_display
from tests.e2e.native_dialog import keyboard
from tests.e2e.window import Window, open_window

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="WebKit's driver for app windows exists on Linux only"),
    pytest.mark.timeout(180),
]

TITLE = "Knowledge Focus"
SECONDS = 10
LEAST = (480, 480)
"""How small a person can make it."""

_SIDEWAYS = """
return [...document.querySelectorAll("*")]
  .filter((each) => each.tagName !== "NAV" && getComputedStyle(each).overflowX === "auto")
  .filter((each) => each.scrollWidth > each.clientWidth)
  .map((each) => each.outerHTML.slice(0, 200));
"""
LEFT = {"x": 60, "y": 40, "width": 820, "height": 640}
"""Pixels of the display, which has one for each of the page's."""


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    with virtual_display() as display:
        yield display


def start(home: Path, display: str) -> AbstractContextManager[Window]:
    return open_window(["--data-dir", str(home / "data")], display=display, pictures=home, home=home)


def close(window: Window, display: str) -> None:
    """By the button in its title bar: the driver's own way tells the app nothing before the window is gone."""
    processes = window.processes()
    with keyboard(display) as keys:
        keys.ask_to_close(keys.wait_for(TITLE))
    _, left = psutil.wait_procs(processes, timeout=SECONDS)
    assert not left


def place(window: Window) -> dict[str, int]:
    """Of its content: no window manager puts a frame around it here."""
    return dict(window.driver.get_window_rect())


def test_a_window_opens_where_it_was_left_and_in_sight_where_that_is_gone(tmp_path: Path, display: str) -> None:
    with start(tmp_path, display) as window:
        window.by_role("button", "Download")
        window.driver.set_window_rect(**LEFT)
        window.wait(lambda: place(window) == LEFT, "the window did not move")
        close(window, display)
    with start(tmp_path, display) as window:
        window.by_role("button", "Download")
        assert place(window) == LEFT
        window.quit()

    kept = tmp_path / "data/shell.json"
    values = json.loads(kept.read_text())
    values["window"] |= {"x": 5000.0, "y": 3000.0}  # a monitor that was unplugged
    kept.write_text(json.dumps(values))
    with start(tmp_path, display) as window:
        window.by_role("button", "Download")
        here = place(window)
        assert 0 <= here["x"] < 1280
        assert 0 <= here["y"] < 860
        window.quit()


def test_what_is_in_the_window_can_be_enlarged_and_all_of_it_still_fits(tmp_path: Path, display: str) -> None:
    with start(tmp_path, display) as window:
        window.by_role("button", "Download")

        def width() -> int:
            return int(window.driver.execute_script("return innerWidth"))

        plain = width()
        for _ in range(5):  # a fifth more each time: twice as large
            press(window, "=")
        window.wait(lambda: width() == plain // 2, "the page was not enlarged")
        assert window.driver.execute_script("return document.documentElement.scrollWidth") == width()

        window.driver.set_window_rect(0, 0, *LEAST)
        window.wait(lambda: width() == LEAST[0] // 2, "the window did not become small")
        assert sideways(window) == []
        window.by_role("button", "Help").send_keys(Keys.ENTER)
        window.by_role("dialog", "Help")
        assert sideways(window) == []
        window.click("button", "Back")
        window.by_role("button", "Settings").send_keys(Keys.ENTER)
        window.by_role("menuitem", "Settings…").send_keys(Keys.ENTER)
        for section in ("General", "Capabilities", "Providers", "Built-in model", "Other programs", "Storage"):
            window.by_role("button", section).send_keys(Keys.ENTER)
            window.wait_for_text(section)
            assert sideways(window) == [], section
        window.driver.set_window_rect(0, 0, plain, plain)
        press(window, "0")
        window.wait(lambda: width() == plain, "the page stayed enlarged")
        window.quit()


def sideways(window: Window) -> list[str]:
    """What would have to be scrolled sideways to be read; the list of sections is meant to be."""
    found: list[str] = window.driver.execute_script(_SIDEWAYS)
    return found


def press(window: Window, key: str) -> None:
    ActionChains(window.driver).key_down(Keys.CONTROL).send_keys(key).key_up(Keys.CONTROL).perform()


def test_nothing_makes_the_app_start_with_the_session(tmp_path: Path, display: str) -> None:
    with start(tmp_path, display) as window:
        window.by_role("button", "Download")
        window.invoke("shell_set", {"change": {"hideOnClose": True}})
        window.invoke("shell_set", {"change": {"hideOnClose": False}})
        window.quit()
    entries = [*tmp_path.rglob("*.desktop"), *tmp_path.rglob("autostart"), *tmp_path.rglob("systemd")]
    assert not entries
