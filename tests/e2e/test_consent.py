"""A page that was taken over sends nothing anywhere by itself: the real shell asks the person, in the real dialog."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import native_dialog
from tests.e2e.display import virtual_display
from tests.e2e.window import Window, open_window

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="WebKit's driver for app windows exists on Linux only"),
    pytest.mark.timeout(180),
]

ELSEWHERE = "https://192.0.2.1/v1"
"""Of no computer at all (RFC 5737)."""
MODEL = "any"
ASK = """
const internals = window.__TAURI_INTERNALS__;
const onEvent = `__CHANNEL__:${internals.transformCallback(() => {})}`;
internals.invoke("rpc_call", { requestId: "ask", method: "providers/create", params: arguments[0], onEvent });
"""
"""And goes on at once."""
PROVIDER, JOB, KEY = "Use this provider?", "Send this to another computer?", "Use this key?"


def test_words_go_to_another_computer_only_if_the_person_says_so_in_the_system_s_dialog(tmp_path: Path) -> None:
    new = {"name": "Evil", "baseUrl": ELSEWHERE, "models": [{"identifier": MODEL, "capabilities": ["text"]}]}
    arguments = ["--data-dir", str(tmp_path / "data")]
    with virtual_display() as display:
        start = partial(open_window, arguments, display=display, pictures=tmp_path, home=tmp_path)
        answered = partial(native_dialog.answered, display)
        with start() as window:
            window.by_role("button", "Download")
            # What the page says of the person counts for nothing, and nobody is even asked.
            for method in ("providers/create", "providers/update", "capabilities/assign"):
                refusal = window.call(method, {**new, "accept": ["leaves_computer"]})["refusal"]
                assert "a window cannot agree" in refusal["message"]
            for no in ("Escape", "Return"):
                with answered(PROVIDER, no):
                    assert kind(window.call("providers/create", new)) == "consent_refused"
            assert [each["builtin"] for each in providers(window)] == [True]

            with answered(PROVIDER, *native_dialog.YES):
                created = window.call("providers/create", new)["answer"]["provider"]
            # The same address, in the same run: nothing new to ask. Another path may be somebody else's account.
            again = {"providerId": created["id"], "baseUrl": f"{ELSEWHERE}/"}
            assert window.call("providers/update", again)["answer"]["provider"]["baseUrl"] == ELSEWHERE
            with answered(PROVIDER, "Escape"):
                again["baseUrl"] = f"{ELSEWHERE}/openai"
                assert kind(window.call("providers/update", again)) == "consent_refused"
            assert "answer" in set_key(window, created["id"])

            job = {"capability": "text", "modelId": created["models"][0]["id"]}
            with answered(JOB, "Return"):
                assert kind(window.call("capabilities/assign", job)) == "consent_refused"
            assert not any(row["leavesComputer"] for row in jobs(window))
            with answered(JOB, *native_dialog.YES):
                assert window.call("capabilities/assign", job)["answer"]["leavesComputer"]
            window.quit()

        with start() as window:
            window.by_role("button", "Download")
            # Whoever the key belongs to could read what is asked with it.
            with answered(KEY, "Escape"):
                assert kind(set_key(window, created["id"])) == "consent_refused"
            assert [each["hasSecret"] for each in providers(window) if not each["builtin"]] == [False]
            with answered("Download from this address?", "Return"):
                assert kind(window.call("models/download", {"mirror": "https://192.0.2.1"})) == "consent_refused"
            assert window.call("models/status")["answer"]["state"] == "absent"
            with answered("Fetch parts of the app from this address?", "Escape"):
                index = {"index": "https://192.0.2.1/simple"}
                assert kind(window.invoke("environment_retry", index)) == "consent_refused"
            window.quit()


def test_however_long_an_address_is_the_dialog_shows_where_it_leads(tmp_path: Path) -> None:
    longest = ELSEWHERE + "/x".ljust(2000 - len(ELSEWHERE), "a")
    width, height = 1280, 860
    with (
        virtual_display(width, height) as display,
        open_window(
            ["--data-dir", str(tmp_path / "data")], display=display, pictures=tmp_path, home=tmp_path
        ) as window,
    ):
        window.by_role("button", "Download")
        with ThreadPoolExecutor(1, "looking") as pool:
            looking = pool.submit(look_and_refuse, display)
            assert kind(window.call("providers/create", {"name": "Far", "baseUrl": longest})) == "consent_refused"
            shown = looking.result()
    assert shown[0] < width / 2, "the path pushes the host off the screen"
    assert height / 2 < shown[1] < height


@pytest.mark.parametrize("how", ["page", "cancel"])
def test_a_question_goes_with_the_page_or_the_request_that_raised_it(tmp_path: Path, how: str) -> None:
    arguments = ["--data-dir", str(tmp_path / "data")]
    with (
        virtual_display() as display,
        open_window(arguments, display=display, pictures=tmp_path, home=tmp_path) as window,
        native_dialog.keyboard(display) as keys,
    ):
        window.by_role("button", "Download")
        window.driver.execute_script(ASK, {"name": "Evil", "baseUrl": ELSEWHERE})
        keys.wait_for(PROVIDER)

        if how == "page":
            window.driver.refresh()
        else:
            window.invoke("rpc_cancel", {"requestId": "ask"})

        window.wait(lambda: keys.window(PROVIDER) is None, "the question that nobody waits for stayed")
        window.by_role("button", "Download")
        # Nor does it hold up the next one.
        with native_dialog.answered(display, PROVIDER, "Escape"):
            assert kind(window.call("providers/create", {"name": "Evil", "baseUrl": ELSEWHERE})) == "consent_refused"
        assert [each["builtin"] for each in providers(window)] == [True]


def look_and_refuse(display: str) -> tuple[int, int]:
    """How large the dialog is."""
    with native_dialog.keyboard(display) as keys:
        size = keys.size(keys.wait_for(PROVIDER))
    native_dialog.answer(display, PROVIDER, "Escape")
    return size


def kind(ended: dict[str, Any]) -> str:
    """Of the error that it ended with."""
    return str(ended["refusal"]["kind"])


def providers(window: Window) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = window.call("providers/list")["answer"]["providers"]
    return listed


def jobs(window: Window) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = window.call("capabilities/list")["answer"]["capabilities"]
    return listed


def set_key(window: Window, provider: str) -> dict[str, Any]:
    """For this run: there is no keychain here."""
    return window.invoke("secret_set", {"providerId": provider, "secret": "sk-of-somebody-else", "keep": False})
