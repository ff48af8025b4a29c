"""How the person lets other programs ask, and hands them the token."""

from __future__ import annotations

import socket

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from tests.e2e.window import Window

QUESTION = "Let other programs ask?"
SWITCH = "Let programs on this computer ask"
SECTION = "Other programs"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


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
