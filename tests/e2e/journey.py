"""What a person does at a first launch, step by step, in the real window."""

from __future__ import annotations

from pathlib import Path

from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from tests.e2e.window import Window

ANSWER = "article[aria-label='Knowledge Focus']"


def agree_to_download(window: Window) -> None:
    """Reads what will be fetched, and agrees."""
    window.click("button", "Download")


def write(window: Window, message: str) -> None:
    """Types a message, without sending it."""
    window.by_role("textbox", "Message").send_keys(message)


def attach(window: Window, picture: Path) -> None:
    """Pastes a picture into the message and waits until its thumbnail is there."""
    window.by_role("textbox", "Message").click()
    window.paste_picture(picture)
    window.by_role("button", f"Remove {picture.name}")


def send(window: Window) -> None:
    """Sends the message and waits until the answer begins."""
    answered = len(_answers(window))
    window.click("button", "Send")
    window.wait(lambda: len(_answers(window)) > answered or window.has("alert", ""), "no answer began")


def finished_answer(window: Window) -> str:
    """The text of the last answer, once it is whole."""

    def whole() -> str | None:
        answers = _answers(window)
        if window.has("button", "Stop") or not answers or answers[-1].get_attribute("aria-busy") == "true":
            return None
        return answers[-1].text.strip()

    return window.wait(whole, "the answer did not end")


def ask(window: Window, message: str) -> str:
    """Sends a message and returns the whole answer."""
    write(window, message)
    send(window)
    return finished_answer(window)


def _answers(window: Window) -> list[WebElement]:
    return window.driver.find_elements(By.CSS_SELECTOR, ANSWER)
