"""What a person does at a first launch, step by step, in the real window."""

from __future__ import annotations

from pathlib import Path

from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from tests.e2e.window import Window

ANSWER = "article[aria-label='Knowledge Focus']"
QUESTION = "article[aria-label='You']"
TEXT = ".markdown"
"""What the model said of an answer, without what stands below it."""


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
        given = _answers(window)
        if window.has("button", "Stop") or not given or given[-1].get_attribute("aria-busy") == "true":
            return None
        return given[-1].find_element(By.CSS_SELECTOR, TEXT).text.strip()

    return window.wait(whole, "the answer did not end")


def ask(window: Window, message: str) -> str:
    """Sends a message and returns the whole answer."""
    write(window, message)
    send(window)
    return finished_answer(window)


def chats(window: Window) -> list[str]:
    """The titles in the list of chats, from top to bottom."""
    script = "return [...document.querySelectorAll('[data-chat] [title]')].map((title) => title.textContent)"
    titles: list[str] = window.driver.execute_script(script)
    return titles


def chat(window: Window, title: str) -> WebElement:
    """Its entry in the list of chats."""
    return window.by_role("button", title)


def questions(window: Window) -> list[str]:
    """What was asked in the chat on screen."""
    return [each.text.strip() for each in window.driver.find_elements(By.CSS_SELECTOR, QUESTION)]


def answers(window: Window) -> list[str]:
    """What was answered in the chat on screen, with what stands below each answer."""
    return [each.get_attribute("textContent") or "" for each in _answers(window)]


def _answers(window: Window) -> list[WebElement]:
    return window.driver.find_elements(By.CSS_SELECTOR, ANSWER)
