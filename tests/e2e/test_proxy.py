"""The localhost proxy's switch in the real window: other programs are let in by the person alone."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import httpx2 as httpx
import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from tests.e2e import native_dialog
from tests.e2e.display import virtual_display
from tests.e2e.keyring import open_keyring
from tests.e2e.preferences import open_settings
from tests.e2e.window import Window, open_window

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="WebKit's driver for app windows exists on Linux only"),
    pytest.mark.timeout(240),
]

QUESTION = "Let other programs ask?"
SWITCH = "Let programs on this computer ask"
SECTION = "Other programs"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def status(port: int, token: str) -> int | None:
    """What a program with that token is answered; None where nobody listens."""
    try:
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.get(f"http://127.0.0.1:{port}/v1/models", headers=headers, timeout=30).status_code
    except httpx.ConnectError:
        return None


def open_section(window: Window) -> None:
    window.by_role("button", "Download")
    open_settings(window, SECTION)
    window.by_role("switch", SWITCH)


def copied_token(window: Window) -> str:
    """Copied by the person, and pasted where they see it: in a field that is no place for it."""
    window.wait(lambda: len(copy_buttons(window)) == 2, "no token to copy")
    copy_buttons(window)[1].click()
    window.by_role("button", "Copied")
    field = window.by_role("textbox", "Port")
    field.send_keys(Keys.CONTROL, "a")
    field.send_keys(Keys.CONTROL, "v")
    window.wait(lambda: (field.get_attribute("value") or "").startswith("kf-"), "the token was not copied")
    return str(field.get_attribute("value"))


def copy_buttons(window: Window) -> list[WebElement]:
    return [each for each in window.driver.find_elements(By.TAG_NAME, "button") if each.text == "Copy"]


def test_other_programs_are_let_in_by_the_person_alone(tmp_path: Path) -> None:
    port = free_port()
    arguments = ["--data-dir", str(tmp_path / "data")]
    with virtual_display() as display, open_keyring(tmp_path) as variables:
        with open_window(arguments, display=display, pictures=tmp_path, home=tmp_path, variables=variables) as window:
            assert window.invoke("proxy_set", {"choice": {"on": False, "port": port, "socket": False}})["answer"]
            open_section(window)
            window.click("switch", SWITCH)
            native_dialog.answer(display, QUESTION, "Escape")
            window.wait(lambda: window.by_role("switch", SWITCH).is_enabled(), "no answer came back")
            assert window.invoke("proxy_state")["answer"]["on"] is False
            assert status(port, "kf-") is None

            window.click("switch", SWITCH)
            native_dialog.answer(display, QUESTION, *native_dialog.YES)
            window.wait_for_text(f"http://127.0.0.1:{port}/v1")
            assert status(port, "kf-wrong") == 401
            token = copied_token(window)
            state = window.invoke("proxy_state")["answer"]
            assert (state["tokenEnd"], state["tokenKept"]) == (token[-4:], True)
            assert status(port, token) == 200
            assert token not in window.invoke("diagnostics")["answer"]

            renewed = window.invoke("proxy_renew_token")["answer"]["tokenEnd"]
            assert status(port, token) == 401
            window.quit()
        assert status(port, token) is None

        with open_window(arguments, display=display, pictures=tmp_path, home=tmp_path, variables=variables) as window:
            open_section(window)
            window.wait_for_text(f"http://127.0.0.1:{port}/v1")
            token = copied_token(window)
            assert token.endswith(renewed)
            assert status(port, token) == 200
            window.quit()
    assert not [
        path for path in (tmp_path / "data").rglob("*") if path.is_file() and token.encode() in path.read_bytes()
    ]
