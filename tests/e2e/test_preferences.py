"""Language and theme: chosen in the menu of the real window, and still so after a restart."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.e2e.display import virtual_display
from tests.e2e.window import Window, open_window

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="WebKit's driver for app windows exists on Linux only"),
    pytest.mark.timeout(240),
]

ENGLISH = "en_US.UTF-8"
CHINESE = "zh_CN.UTF-8"

SMALL_DISK = 4 * 2**20
"""Bytes."""

# The menu's button, in each language.
PREFERENCES = "Settings"
PREFERENCES_ZH = "设置"


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    with virtual_display() as display:
        yield display


def test_language_and_theme_survive_a_restart(tmp_path: Path, display: str) -> None:
    with start(tmp_path, display, ENGLISH) as window:
        assert chosen(window, PREFERENCES) == {"System language", "System theme"}
        window.click("menuitemradio", "中文")
        window.click("button", PREFERENCES_ZH)
        window.click("menuitemradio", "深色")
        window.wait(lambda: theme(window) == "dark", "the window did not turn dark")
        window.quit()
    with start(tmp_path, display, ENGLISH) as window:
        window.by_role("button", "下载")
        assert "Download" not in window.text()
        assert theme(window) == "dark"
        assert chosen(window, PREFERENCES_ZH) == {"中文", "深色"}
        window.quit()


def test_the_system_language_is_followed_wherever_it_goes(tmp_path: Path, display: str) -> None:
    with start(tmp_path, display, CHINESE) as window:
        window.click("button", PREFERENCES_ZH)
        window.click("menuitemradio", "English")
        window.click("button", PREFERENCES)
        window.click("menuitemradio", "System language")
        window.by_role("button", "下载")
        window.quit()
    with start(tmp_path, display, ENGLISH) as window:
        window.by_role("button", "Download")
        assert chosen(window, PREFERENCES) == {"System language", "System theme"}
        window.quit()


def test_a_choice_that_the_disk_has_no_room_for_is_refused_as_that(
    tmp_path: Path, display: str, small_disk: Path
) -> None:
    arguments = ["--data-dir", str(small_disk)]
    with open_window(arguments, display=display, pictures=tmp_path, home=tmp_path) as window:
        # The page has started, and the sidecar has answered it: there is no room for a model.
        window.by_role("button", "Check again")
        filler = small_disk / "filler"
        with pytest.raises(OSError, match="No space left"):
            filler.write_bytes(bytes(SMALL_DISK))
        assert window.invoke("shell_set", {"change": {"theme": "dark"}})["refusal"]["kind"] == "disk_full"
        filler.unlink()
        assert window.invoke("shell_set", {"change": {"theme": "dark"}})["answer"]["theme"] == "dark"
        window.quit()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK},mode=0700", "none", str(folder)], capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip("takes root, or CAP_SYS_ADMIN: the app and the test see one disk, so a namespace will not do")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def start(home: Path, display: str, language: str) -> AbstractContextManager[Window]:
    """Opens the app on the one data folder of this test."""
    arguments = ["--data-dir", str(home / "data")]
    return open_window(arguments, display=display, pictures=home, home=home, language=language)


def chosen(window: Window, menu: str) -> set[str]:
    """Opens the menu and leaves it open: the names of the choices that are checked."""
    window.click("button", menu)
    window.by_role("menuitemradio", "")
    items = window.driver.find_elements("css selector", "[role=menuitemradio]")
    return {item.accessible_name for item in items if item.get_attribute("aria-checked") == "true"}


def theme(window: Window) -> str | None:
    """What the page was told; None where the system decides."""
    shown: str | None = window.driver.execute_script("return document.documentElement.dataset.theme ?? null")
    return shown
