"""Jobs that are given to another model and taken back, in the real window, beside a server that we did not write."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterator

import pytest
from selenium.webdriver.common.by import By

from tests.e2e import journey, native_dialog, preferences
from tests.e2e.display import virtual_display
from tests.e2e.first_launch import ROOT, FreshMachine, fresh_machine
from tests.e2e.window import Window, open_window
from tests.pipe import Json
from tests.provider.peer import MODEL, Peer, demo_peer

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="WebKit's driver for app windows exists on Linux only"),
    pytest.mark.timeout(600),  # the first run fetches the server's environment of 800 MB
]

BUILTIN = "Qwen3-VL demo"
REMOTE = MODEL[:100]  # as the window calls it


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    with demo_peer(tmp_path_factory.mktemp("peer") / "server.log") as peer:
        yield peer


@pytest.fixture
def machine() -> Iterator[FreshMachine]:
    with fresh_machine() as machine:
        yield machine


@pytest.fixture
def window(machine: FreshMachine) -> Iterator[Window]:
    """The chat, with the built-in model on disk."""
    pictures = ROOT / "dist/capabilities"
    with (
        virtual_display() as display,
        open_window(machine.arguments, display=display, pictures=pictures, home=machine.home) as window,
    ):
        journey.agree_to_download(window)
        window.by_role("textbox", "Message")
        yield window


def test_each_job_is_done_by_the_model_that_has_it_and_with_the_last_one_the_built_in_model_leaves_memory(
    window: Window, machine: FreshMachine, peer: Peer
) -> None:
    assert journey.ask(window, "What are you?")
    assert last_answer(window).endswith(BUILTIN)
    assert peer.answers == 0
    preferences.open_settings(window, "Built-in model")
    window.wait_for_text("In memory")
    loaded = engine(window)
    assert loaded["loaded"]

    preferences.show(window, "Providers")
    preferences.add_provider(window, "Peer", peer.url)
    window.click("button", "Test Peer")
    window.wait_for_text("Answers at its address")
    preferences.list_model(window, REMOTE)
    preferences.show(window, "Capabilities")
    preferences.give(window, "Vision", REMOTE)
    window.screenshot("1-vision-away")
    window.click("button", "Try it")  # the first one: of vision
    window.wait_for_text(f"{REMOTE}, in")
    assert peer.answers == 1
    preferences.leave_settings(window)

    journey.attach(window, machine.picture)
    assert "red circle" in journey.ask(window, "What is in this picture?").lower()
    assert last_answer(window).endswith(REMOTE)
    assert peer.answers == 2
    window.screenshot("2-answered-elsewhere")

    preferences.open_settings(window, "Capabilities")
    for job in preferences.JOBS[1:]:
        preferences.give(window, job, REMOTE)
    window.screenshot("3-all-away")
    preferences.show(window, "Built-in model")
    window.wait_for_text("Not in memory. It is loaded when it is needed.")
    window.screenshot("4-memory-given-back")
    unloaded = engine(window)
    assert not unloaded["loaded"]
    assert unloaded["activeBytes"] < loaded["activeBytes"] / 20
    preferences.leave_settings(window)
    window.click("button", "New chat")
    assert journey.ask(window, "What are you?")
    assert last_answer(window).endswith(REMOTE)
    assert journey.ask(window, "Hello")
    assert not engine(window)["loaded"]  # nor for the chat's title

    preferences.open_settings(window, "Capabilities")
    window.click("button", "Give all back to the built-in model")
    for job in preferences.JOBS:
        window.by_role("button", f"Model for {job}: {BUILTIN}")
    preferences.leave_settings(window)
    before = peer.answers
    assert journey.ask(window, "Hello again")
    assert last_answer(window).endswith(BUILTIN)
    assert peer.answers == before
    assert engine(window)["loaded"]
    window.screenshot("5-answered-here")
    window.quit()


def test_what_leaves_this_computer_is_agreed_to_and_marked_and_who_has_all_jobs_done_elsewhere_needs_no_model(
    machine: FreshMachine, peer: Peer
) -> None:
    pictures = ROOT / "dist/capabilities"
    elsewhere = peer.url.replace("127.0.0.1", "127.1")  # a name is another computer's, whatever it stands for
    with (
        virtual_display() as display,
        open_window(machine.arguments, display=display, pictures=pictures, home=machine.home) as window,
    ):
        journey.agree_to_download(window)
        window.by_role("textbox", "Message")
        preferences.open_settings(window, "Providers")
        preferences.add_provider(window, "Far", elsewhere)
        native_dialog.answer(display, "Use this provider?", *native_dialog.YES)
        preferences.list_model(window, REMOTE)
        preferences.show(window, "Capabilities")
        for job in preferences.JOBS:
            window.click("button", f"Model for {job}")
            window.click("menuitemradio", REMOTE)
            native_dialog.answer(display, "Send this to another computer?", *native_dialog.YES)
            window.by_role("button", f"Model for {job}: {REMOTE}")
        preferences.leave_settings(window)

        before = peer.answers
        assert journey.ask(window, "What are you?")
        assert peer.answers == before + 1
        assert "answered by Far, on another computer" in last_answer(window)
        assert "Left this computer" in window.text()
        window.screenshot("7-left-this-computer")
        preferences.open_settings(window, "Built-in model")
        window.click("button", "Delete…")
        window.by_role("alertdialog", "Delete the model?").find_element(By.XPATH, ".//button[.='Delete']").click()
        window.wait_for_text("The model was deleted.")
        window.quit()
    with (
        virtual_display() as display,
        open_window(machine.arguments, display=display, pictures=pictures, home=machine.home) as window,
    ):
        assert journey.ask(window, "What are you?")
        assert "answered by Far, on another computer" in last_answer(window)
        assert not list((machine.data_dir / "builtin_models").rglob("*.safetensors"))
        window.quit()


def last_answer(window: Window) -> str:
    """With what stands below it: the model that it is from."""
    return journey.answers(window)[-1]


def engine(window: Window) -> Json:
    """What the engine holds, as Settings is told."""
    asked: Json = {"requestId": str(uuid.uuid4()), "method": "engine/status", "params": {}, "onEvent": None}
    answer: Json = window.invoke("rpc_call", asked)["answer"]
    return answer
