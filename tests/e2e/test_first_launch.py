"""First launches, whole: from an empty data folder to an answer about a picture, or over what goes wrong on the way to
the main window, and nothing left behind."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from tests.e2e import journey
from tests.e2e.display import virtual_display
from tests.e2e.first_launch import ROOT, fresh_machine
from tests.e2e.native_dialog import choose_folder
from tests.e2e.window import open_window
from tests.hub import Hub
from tests.hub.__main__ import FOLDER

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


@pytest.mark.parametrize(("language", "locale"), [("en", "en_US.UTF-8"), ("zh", "zh_CN.UTF-8")], ids=["en", "zh"])
def test_a_first_launch_leads_over_a_mirror_without_the_model_to_another_one_and_the_main_window(
    language: str, locale: str
) -> None:
    texts = json.loads((ROOT / f"tauri-app/src/i18n/{language}.json").read_text())
    splash, details, help_ = texts["splash"], texts["details"], texts["help"]
    pictures = ROOT / "dist/first-launch" / language
    with (
        Hub({}) as empty,
        fresh_machine(rate=4_000_000, mirrors=[empty.url]) as machine,
        virtual_display() as display,
        open_window(
            machine.arguments, display=display, pictures=pictures, home=machine.home, language=locale
        ) as window,
    ):
        window.by_role("button", splash["consent"]["download"])
        window.wait_for_text(splash["computer"]["label"])  # what this computer is, beside what is asked
        window.screenshot("1-consent")
        window.click("button", help_["open"])
        window.by_role("dialog", help_["title"])
        window.screenshot("2-help")
        window.click("button", help_["back"])
        assert not empty.log  # nobody is asked for anything while the question is on the screen
        window.click("button", splash["consent"]["download"])
        window.wait_for_text(texts["errors"]["mirror_not_found"]["title"])
        assert empty.log  # what is asked is seen here
        assert "mirror_not_found" in window.text()  # the details are open
        window.by_role("button", details["hide"])
        window.screenshot("3-error")
        window.click("radio", machine.hub.removeprefix("http://"))
        window.click("button", splash["error"]["retry"])
        window.by_role("progressbar", splash["downloading"]["bar"])
        window.screenshot("4-download")
        window.by_role("textbox", texts["chat"]["composer"]["label"])
        window.screenshot("5-main-window")
        assert not empty.requests("get")
        window.quit()


def test_a_folder_that_holds_the_model_leads_to_the_main_window_without_a_network(tmp_path: Path) -> None:
    copied = shutil.copytree(FOLDER, tmp_path / "from-a-friend")
    with (
        Hub({}) as hub,
        fresh_machine(mirrors=[hub.url]) as machine,
        virtual_display() as display,
        open_window(machine.arguments, display=display, pictures=tmp_path, home=machine.home) as window,
    ):
        window.click("button", "I have the model already")

        def taken() -> bool:
            return "I have the model already" not in window.text()

        choose_folder(display, "Choose a folder", copied, taken)
        window.by_role("textbox", "Message")
        assert journey.ask(window, "What are you?")
        assert not hub.log
        window.quit()
