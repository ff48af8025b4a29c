"""A database that was damaged while the app was closed: the person reads what became of it, once."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.e2e.display import virtual_display
from tests.e2e.first_launch import ROOT
from tests.e2e.window import Window, open_window
from tests.unit.store.conftest import damage

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="WebKit's driver for app windows exists on Linux only"),
    pytest.mark.timeout(240),
]

TITLE = "Your data was restored from a copy"


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    with virtual_display() as display:
        yield display


def test_what_became_of_a_damaged_database_is_told_until_it_was_read(tmp_path: Path, display: str) -> None:
    database = tmp_path / "data" / "knowledge-focus.db"
    with start(tmp_path, display) as window:
        window.by_role("button", "Download")
        assert not window.has("region", TITLE)
        window.quit()
    damage(database)
    with start(tmp_path, display) as window:
        window.by_role("button", "Download")
        window.by_role("region", TITLE)
        (aside,) = (tmp_path / "data" / "copies").glob("damaged-*.db")
        assert str(aside) in window.text()
        window.screenshot("recovered")
        window.quit()
    with start(tmp_path, display, language="zh_CN.UTF-8") as window:  # not read yet: told again
        window.by_role("region", "已从副本恢复你的数据")
        window.screenshot("recovered-zh")
        window.click("button", "知道了")
        window.wait(lambda: not window.has("region", "已从副本恢复你的数据"), "it was not dismissed")
        window.quit()
    with start(tmp_path, display) as window:
        window.by_role("button", "Download")
        assert not window.has("region", TITLE)
        window.quit()


def start(home: Path, display: str, language: str = "en_US.UTF-8") -> AbstractContextManager[Window]:
    """Opens the app on the one data folder of this test."""
    arguments = ["--data-dir", str(home / "data")]
    pictures = ROOT / "dist/recovery"
    return open_window(arguments, display=display, pictures=pictures, home=home, language=language)
