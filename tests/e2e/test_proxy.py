"""The localhost proxy's switch in the real window: other programs are let in by the person alone."""

from __future__ import annotations

import signal
import sys
from functools import partial
from pathlib import Path

import httpx2 as httpx
import psutil
import pytest

from tests.e2e import native_dialog
from tests.e2e.display import virtual_display
from tests.e2e.keyring import open_keyring
from tests.e2e.other_programs import QUESTION, SECTION, SWITCH, copied_token, free_port
from tests.e2e.preferences import open_settings
from tests.e2e.window import Window, open_window

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="WebKit's driver for app windows exists on Linux only"),
    pytest.mark.timeout(240),
]

LEAVING_SECONDS = 5


def status(port: int, token: str) -> int | None:
    """What a program with that token is answered; None where nobody listens."""
    try:
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.get(f"http://127.0.0.1:{port}/v1/models", headers=headers, timeout=30).status_code
    except httpx.ConnectError:
        return None


def may_ask(port: int, page: str) -> bool:
    """Whether a browser would let a page of that origin ask."""
    headers = {"Origin": page, "Access-Control-Request-Method": "POST"}
    answer = httpx.options(f"http://127.0.0.1:{port}/v1/chat/completions", headers=headers, timeout=30)
    return answer.headers.get("access-control-allow-origin") == page


def switch_off(window: Window, choice: dict[str, object]) -> None:
    """Waits for nobody: neither the keychain nor the person answers before the driver gives up."""
    assert window.invoke("proxy_set", {"choice": {**choice, "on": False}})["answer"]["on"] is False


def open_section(window: Window) -> None:
    window.by_role("button", "Download")
    open_settings(window, SECTION)
    window.by_role("switch", SWITCH)


def test_other_programs_are_let_in_by_the_person_alone(tmp_path: Path) -> None:
    port = free_port()
    arguments = ["--data-dir", str(tmp_path / "data")]
    with virtual_display() as display, open_keyring(tmp_path) as variables:
        with open_window(arguments, display=display, pictures=tmp_path, home=tmp_path, variables=variables) as window:
            assert window.invoke("proxy_set", {"choice": {"on": False, "port": port, "socket": False}})["answer"]
            open_section(window)
            window.click("switch", SWITCH)
            native_dialog.answer(display, QUESTION, "Escape")
            window.wait(lambda: window.by_role("textbox", "Port").is_enabled(), "no answer came back")
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

            socket = {"on": True, "port": port, "socket": True, "origins": []}
            assert window.invoke("proxy_set", {"choice": socket})["answer"]["address"].endswith("/api.sock")
            # A port is open to every user of the computer: a page cannot go back to one by itself.
            back = {"choice": {**socket, "socket": False}}
            with native_dialog.answered(display, QUESTION, "Escape"):
                assert window.invoke("proxy_set", back)["answer"]["socket"] is True
            with native_dialog.answered(display, QUESTION, *native_dialog.YES):
                assert window.invoke("proxy_set", back)["answer"]["socket"] is False
            # So many addresses would be a dialog that nobody reads.
            many = {"choice": {**socket, "origins": ["https://a.example", "https://b.example"]}}
            assert window.invoke("proxy_set", many)["refusal"]["kind"] == "invalid_params"

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


def test_whoever_shall_not_ask_any_more_does_not_even_where_that_cannot_be_kept(tmp_path: Path) -> None:
    port, page = free_port(), "https://notes.example"
    arguments = ["--data-dir", str(tmp_path / "data")]
    with (
        virtual_display() as display,
        open_keyring(tmp_path) as variables,
        open_window(arguments, display=display, pictures=tmp_path, home=tmp_path, variables=variables) as window,
    ):
        choice = {"on": True, "port": port, "socket": False, "origins": []}
        with native_dialog.answered(display, QUESTION, *native_dialog.YES):
            assert window.invoke("proxy_set", {"choice": choice})["answer"]["address"]
        with native_dialog.answered(display, "Let pages of this address ask?", *native_dialog.YES):
            let_in = window.invoke("proxy_set", {"choice": {**choice, "origins": [page]}})["answer"]
        assert let_in["origins"] == [page]
        assert may_ask(port, page)

        kept = tmp_path / "data/shell.json"
        kept.unlink()
        kept.mkdir()  # nothing can be written in its place
        assert "refusal" in window.invoke("proxy_set", {"choice": choice})
        assert not may_ask(port, page)
        assert status(port, "kf-wrong") == 401
        assert "refusal" in window.invoke("proxy_set", {"choice": {**choice, "socket": True}})
        assert status(port, "kf-wrong") is None
        # Another token opens nothing that was closed, and the window is told what there is.
        assert "answer" in window.invoke("proxy_renew_token")
        assert status(port, "kf-wrong") is None
        assert window.invoke("proxy_state")["answer"]["socket"] is True
        # Back again is more than what there is, so the person is asked, and nobody let in where that cannot be kept.
        with native_dialog.answered(display, QUESTION, *native_dialog.YES):
            assert "refusal" in window.invoke("proxy_set", {"choice": choice})
        assert status(port, "kf-wrong") is None


def test_while_the_keychain_does_not_answer_the_proxy_can_be_switched_off_and_the_app_leaves(tmp_path: Path) -> None:
    port = free_port()
    arguments = ["--data-dir", str(tmp_path / "data")]
    with virtual_display() as display, open_keyring(tmp_path) as variables:
        start = partial(open_window, arguments, display=display, pictures=tmp_path, home=tmp_path, variables=variables)
        with start() as window:
            choice = {"on": True, "port": port, "socket": False, "origins": []}
            with native_dialog.answered(display, QUESTION, *native_dialog.YES):
                assert window.invoke("proxy_set", {"choice": choice})["answer"]["address"]
            window.quit()
        [keyring] = [child for child in psutil.Process().children() if "keyring" in child.name()]
        keyring.suspend()
        try:
            with start() as window:
                # The window learns at once that nothing listens yet, while the keychain is waited for.
                state = window.invoke("proxy_state")["answer"]
                assert (state["on"], state["address"]) == (True, None)
                # What was switched off meanwhile stays off, at once.
                switch_off(window, choice)
                switch_on = "void window.__TAURI_INTERNALS__.invoke('proxy_set', arguments[0])"
                with native_dialog.keyboard(display) as keys:
                    window.driver.execute_script(switch_on, {"choice": choice})
                    keys.wait_for(QUESTION)
                    switch_off(window, choice)
                    window.wait(lambda: keys.window(QUESTION) is None, "a question stayed of which nothing can come")
                window.driver.execute_script(switch_on, {"choice": choice})
                native_dialog.answer(display, QUESTION, *native_dialog.YES)
                window.wait(lambda: window.invoke("proxy_state")["answer"]["on"], "the yes was not heard")
                switch_off(window, choice)
                window.app.send_signal(signal.SIGTERM)
                _, still = psutil.wait_procs(window.processes(), timeout=LEAVING_SECONDS)
                assert not still
        finally:
            keyring.resume()
        with start() as window:
            assert window.invoke("proxy_state")["answer"]["on"] is False
            window.quit()
