"""Chats in the real window over the real sidecar: kept over a restart, found, renamed, deleted, stopped and gone on
with."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import psutil
import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.e2e import journey, native_dialog
from tests.e2e.display import virtual_display
from tests.e2e.first_launch import FreshMachine, fresh_machine
from tests.e2e.window import Window, open_window
from tests.provider import Provider, replies
from tests.rpc.chatting import counting

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="WebKit's driver for app windows exists on Linux only"),
    pytest.mark.timeout(300),
]

PICTURE = "What is in this picture?"
SMALL_TALK = "What are you?"
REST = "Delete what came after?"


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    with virtual_display() as display:
        yield display


@pytest.fixture
def machine() -> Iterator[FreshMachine]:
    with fresh_machine() as machine:
        yield machine


def test_chats_survive_a_restart_and_are_found_renamed_and_deleted(
    machine: FreshMachine, tmp_path: Path, display: str
) -> None:
    with start(machine, display, tmp_path) as window:
        journey.agree_to_download(window)
        journey.attach(window, machine.picture)
        circle = journey.ask(window, PICTURE)
        window.click("button", "New chat")
        journey.ask(window, SMALL_TALK)
        window.wait(lambda: len(journey.chats(window)) == 2, "the chats are not listed")
        window.quit()
    with start(machine, display, tmp_path) as window:
        window.wait(lambda: len(journey.chats(window)) == 2, "the chats are not there after the restart")
        small_talk, about_picture = journey.chats(window)
        journey.chat(window, about_picture).click()
        window.wait_for_text(circle)
        window.wait(lambda: shown_picture(window) == 320, "the picture is not shown")
        rename(window, about_picture, "Round things")
        window.wait(lambda: journey.chats(window) == [small_talk, "Round things"], "it has no new title")
        search = window.by_role("searchbox", "Search chats")
        search.send_keys("picture")
        window.wait(lambda: journey.chats(window) == ["Round things"], "the chat was not found")
        search.send_keys(Keys.ESCAPE)
        window.wait(lambda: len(journey.chats(window)) == 2, "not all chats are listed again")
        assert pictures_in(machine)
        journey.chat(window, "Round things").send_keys(Keys.DELETE)
        native_dialog.answer(display, "Delete this chat?", "Escape")
        assert len(journey.chats(window)) == 2
        journey.chat(window, "Round things").send_keys(Keys.DELETE)
        native_dialog.answer(display, "Delete this chat?", *native_dialog.YES)
        window.wait(lambda: journey.chats(window) == [small_talk], "the chat was not deleted")
        window.wait(lambda: not pictures_in(machine), "its picture was not deleted")
        assert circle not in window.text()
        window.quit()
    with start(machine, display, tmp_path) as window:
        window.wait(lambda: journey.chats(window) == [small_talk], "the other chat is not there")
        window.driver.set_window_size(560, 700)
        window.click("button", "Show chats")
        window.by_role("searchbox", "Search chats").send_keys(Keys.ESCAPE)
        window.wait(lambda: has_focus(window, "Message"), "the list did not give the focus back")
        window.click("button", "Show chats")
        journey.chat(window, small_talk).click()
        window.wait(lambda: journey.questions(window) == [SMALL_TALK], "the chat was not opened")
        window.wait(lambda: has_focus(window, "Message"), "the list did not give the focus back")
        window.quit()


def test_an_answer_is_stopped_gone_on_with_and_asked_for_again_and_its_question_changed(
    machine: FreshMachine, tmp_path: Path, display: str
) -> None:
    with Provider() as provider, start(machine, display, tmp_path) as window:
        journey.agree_to_download(window)
        window.by_role("textbox", "Message")
        give_text_to(window, provider)
        provider.will(counting())
        journey.write(window, "Count")
        journey.send(window)
        window.wait(lambda: "0 1 2" in said(window), "nothing is counted")
        window.click("button", "Stop")
        window.wait_for_text("You stopped this answer.")
        counted = said(window)
        assert "Far" in journey.answers(window)[-1]  # who gave it

        provider.will(replies.chat("and so on"))
        window.click("button", "Continue")
        window.wait(lambda: said(window) == f"{counted} and so on", "the answer did not go on")
        assert provider.bodies[-1]["messages"][-1]["role"] == "assistant"

        provider.will(replies.chat("Once more."))
        window.click("button", "Answer again")
        window.wait(lambda: said(window) == "Once more.", "there is no other answer")
        assert len(journey.answers(window)) == 1

        provider.will(replies.chat("Backwards."))
        edit(window, "Count", "Count backwards")
        window.wait(lambda: said(window) == "Backwards.", "the question was not asked in other words")
        assert journey.questions(window) == ["Count backwards"]

        provider.will(replies.chat("Further."))
        journey.ask(window, "Go on")
        both = ["Count backwards", "Go on"]
        assert journey.questions(window) == both
        edit(window, "Count backwards", "Count again")
        native_dialog.answer(display, REST, "Escape")
        window.click("button", "Cancel")
        window.wait(lambda: journey.questions(window) == both, "what the person wanted kept is not there")
        assert said(window) == "Further."
        provider.will(replies.chat("Again."))
        edit(window, "Count backwards", "Count again")
        native_dialog.answer(display, REST, *native_dialog.YES)
        window.wait(lambda: said(window) == "Again.", "the question was not asked in other words")
        assert journey.questions(window) == ["Count again"]
        window.quit()


def test_an_answer_goes_on_below_settings_and_over_the_death_of_the_engine_once_by_itself(
    machine: FreshMachine, tmp_path: Path, display: str
) -> None:
    with Provider() as provider, start(machine, display, tmp_path) as window:
        journey.agree_to_download(window)
        window.by_role("textbox", "Message")
        give_text_to(window, provider)
        provider.will(counting())
        journey.write(window, "Count")
        journey.send(window)
        window.wait(lambda: said(window).startswith("0 1"), "nothing is counted")
        before = len(said(window))
        window.click("button", "Settings")
        window.click("menuitem", "Settings…")
        window.click("button", "Back")
        # A kill loses the last second at most: there is more than that.
        window.wait(lambda: len(said(window)) > before + 400, "the answer did not go on")
        first = sidecar_of(window)
        first.kill()
        window.wait(lambda: len(provider.bodies) == 2, "it was not asked to go on")
        kept = provider.bodies[-1]["messages"][-1]
        assert kept["role"] == "assistant"
        window.wait(lambda: len(said(window)) > len(kept["content"]) + 400, "the answer did not go on by itself")
        assert said(window).startswith(kept["content"] + "0 1")
        assert not window.has("button", "Continue")
        sidecar_of(window).kill()
        window.wait_for_text("The engine was restarted")
        # What was kept is what is shown once the engine is there again.
        window.wait(lambda: "answer" in window.call("engine/status"), "the engine did not come back")
        provider.will(replies.chat("and so on"))
        window.click("button", "Continue")
        window.wait(lambda: said(window).endswith("and so on"), "the answer did not go on")
        assert said(window).startswith("0 1 2")
        window.quit()


def start(machine: FreshMachine, display: str, pictures: Path) -> AbstractContextManager[Window]:
    """Opens the app on the machine's one data folder."""
    return open_window(machine.arguments, display=display, pictures=pictures, home=machine.home)


def give_text_to(window: Window, provider: Provider) -> None:
    """From now on that provider answers what has no pictures."""
    models = [{"identifier": "far", "displayName": "Far", "capabilities": ["text"]}]
    created = window.call("providers/create", {"name": "Ray", "baseUrl": provider.url, "models": models})
    model = created["answer"]["provider"]["models"][0]["id"]
    assigned = window.call("capabilities/assign", {"capability": "text", "modelId": model})
    assert "answer" in assigned, assigned


def said(window: Window) -> str:
    """The words of the last answer."""
    texts = window.driver.find_elements(By.CSS_SELECTOR, f"{journey.ANSWER} {journey.TEXT}")
    return texts[-1].text.strip() if texts else ""


def rename(window: Window, title: str, to: str) -> None:
    journey.chat(window, title).send_keys(Keys.F2)
    field = window.by_role("textbox", "Title of the chat")
    field.send_keys(Keys.CONTROL, "a")
    field.send_keys(to, Keys.ENTER)


def edit(window: Window, question: str, to: str) -> None:
    """Puts a question in other words."""
    asked = window.driver.find_element(By.CSS_SELECTOR, journey.QUESTION)
    assert asked.text.strip() == question
    # A pointer that stands there already is not seen to come.
    ActionChains(window.driver).move_to_element(window.by_role("textbox", "Message")).move_to_element(asked).perform()
    window.click("button", "Edit message")
    field = window.by_role("textbox", "Your message")
    field.send_keys(Keys.CONTROL, "a")
    field.send_keys(to, Keys.ENTER)


def has_focus(window: Window, name: str) -> bool:
    """Whether the element of that name has the keyboard's focus."""
    focused = window.driver.execute_script("return document.activeElement.getAttribute('aria-label')")
    return bool(focused == name)


def shown_picture(window: Window) -> int | None:
    """How many pixels wide the first picture of the chat is, once it is there."""
    script = "return document.querySelector(arguments[0])?.naturalWidth ?? null"
    width: int | None = window.driver.execute_script(script, f"{journey.QUESTION} img")
    return width


def sidecar_of(window: Window) -> psutil.Process:
    return window.wait(window.sidecar, "no engine runs")


def pictures_in(machine: FreshMachine) -> list[Path]:
    return list((machine.data_dir / "attachments").glob("*"))
