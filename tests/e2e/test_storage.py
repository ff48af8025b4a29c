"""Storage in the real window: what is counted and cleared there, and that nothing is left once everything is erased."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import psutil
import pytest
from selenium.webdriver.common.by import By

from tests.e2e import native_dialog
from tests.e2e.display import virtual_display
from tests.e2e.keyring import open_keyring
from tests.e2e.test_environment import tiny_bundle
from tests.e2e.test_keychain import KEY, openai_server, rpc
from tests.e2e.window import BINARY, Window, open_window
from tests.proxy.serving import serving

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="WebKit's driver for app windows exists on Linux only"),
    pytest.mark.timeout(240),
]

IDENTIFIER = "knowledge-focus.huozhong.in"
LEAVING_SECONDS = 30
QUESTION = "Erase everything?"


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    with virtual_display() as display:
        yield display


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    return home


@pytest.fixture
def session(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The variables of a session with a keychain."""
    with open_keyring(tmp_path) as variables:
        yield variables


def test_nothing_is_left_of_an_app_that_was_used(home: Path, session: dict[str, str], display: str) -> None:
    data_dir = home / ".local/share" / IDENTIFIER
    with openai_server() as server:
        with start(home, display, [], session) as window:
            created = rpc(window, "providers/create", {"name": "mine", "baseUrl": server.url})
            provider = created["answer"]["provider"]["id"]
            key = {"providerId": provider, "secret": KEY, "keep": True}
            assert window.invoke("secret_set", key) == {"answer": None}
            window.driver.execute_script("localStorage.setItem('draft', 'a secret thought')")
            open_storage(window)
            window.wait_for_text(str(data_dir / "copies"))
            window.click("button", "Clear Logs")
            question = window.by_role("alertdialog", "Clear the logs?")
            question.find_elements(By.TAG_NAME, "button")[-1].click()
            window.wait_for_text("freed.")
            assert kept_keys(session) == 1
            window.wait(lambda: list(data_dir.glob("web/localstorage/*")), "the web view keeps its things elsewhere")
            erase(window, display)
        assert kept_keys(session) == 0
        assert left(home) == []
        assert not data_dir.exists()

        with start(home, display, [], session) as window:
            window.by_role("button", "Download")
            assert len(rpc(window, "providers/list", {})["answer"]["providers"]) == 1
            assert window.driver.execute_script("return localStorage.getItem('draft')") is None
            window.quit()


def test_what_a_person_put_into_the_data_folder_stays(home: Path, session: dict[str, str], display: str) -> None:
    data_dir = home / "data"
    with start(home, display, ["--data-dir", str(data_dir)], session) as window:
        open_storage(window)
        (data_dir / "thesis.odt").write_text("mine")
        (home / "precious").write_text("mine")
        (data_dir / "cache" / "link").symlink_to(home / "precious")
        erase(window, display)
    assert left(home) == [data_dir / "thesis.odt", home / "precious"]


def test_an_environment_that_is_being_made_goes_too(
    home: Path, tmp_path: Path, session: dict[str, str], display: str
) -> None:
    bundle = tiny_bundle(tmp_path)
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:  # takes connections and never says a word
        index = {"UV_DEFAULT_INDEX": f"http://127.0.0.1:{silent.getsockname()[1]}/simple"}
        arguments = ["--data-dir", str(home / "data"), "--bundle", str(bundle)]
        with start(home, display, arguments, session | index) as window:
            silent.settimeout(window.patience)
            visitor, _ = silent.accept()
            with visitor:
                assert left(home / "data/cache/uv") != []
                with going(window):
                    window.driver.execute_script(
                        "void window.__TAURI_INTERNALS__.invoke('erase_everything', {withoutKeys: false})"
                    )
                    native_dialog.answer(display, QUESTION, *native_dialog.YES)
    assert left(home) == []


def test_an_erasure_that_was_cut_off_is_finished_by_the_next_start(
    home: Path, session: dict[str, str], display: str
) -> None:
    data_dir = home / "data"
    arguments = ["--data-dir", str(data_dir)]
    with start(home, display, arguments, session) as window:
        window.by_role("button", "Download")
        window.invoke("shell_set", {"change": {"language": "zh"}})
        (data_dir / "attachments" / "left").write_text("x")
        (data_dir / "knowledge-focus.erasing").touch()
        (data_dir / "knowledge-focus.db").unlink()
        window.app.kill()  # its sidecar takes a moment to notice
    with start(home, display, arguments, session) as window:
        window.by_role("button", "Download")
        assert not (data_dir / "attachments" / "left").exists()
        assert not (data_dir / "knowledge-focus.erasing").exists()
        window.quit()


def test_while_another_program_uses_the_folder_the_window_says_so_and_nothing_goes(
    home: Path, session: dict[str, str], display: str
) -> None:
    data_dir = home / "data"
    with serving(data_dir), start(home, display, ["--data-dir", str(data_dir)], session) as window:
        window.wait_for_text("Knowledge Focus is already open")
        window.driver.execute_script(
            "window.erased = window.__TAURI_INTERNALS__.invoke('erase_everything', {withoutKeys: false})"
            ".then((answer) => ({answer}), (error) => ({error}))"
        )
        native_dialog.answer(display, QUESTION, *native_dialog.YES)
        told = window.driver.execute_async_script("window.erased.then(arguments[0])")
        assert (told["error"]["kind"], told["error"]["details"]) == ("data_folder_in_use", {"during": "erasing"})
        assert not (data_dir / "knowledge-focus.erasing").exists()
        window.quit()
    assert (data_dir / "knowledge-focus.db").exists()


def test_without_the_note_nothing_is_erased(home: Path) -> None:
    model = home / "data/builtin_models/model"
    model.parent.mkdir(parents=True)
    model.write_text("x")
    command = [str(BINARY), "--data-dir", str(home / "data"), "--finish-erasing"]
    subprocess.run(command, env={"HOME": str(home)}, check=True, timeout=LEAVING_SECONDS)
    assert model.exists()


def start(home: Path, display: str, arguments: list[str], variables: dict[str, str]) -> AbstractContextManager[Window]:
    return open_window(arguments, display=display, pictures=home.parent, home=home, variables=variables)


def open_storage(window: Window) -> None:
    window.by_role("button", "Download")
    window.click("button", "Settings")
    window.click("menuitem", "Settings…")
    window.click("button", "Storage")
    window.wait_for_text("in all")


def erase(window: Window, display: str) -> None:
    """Says so in the window, and, after a no, once more to the system."""
    with going(window):
        window.click("button", "Erase everything…")
        window.click("checkbox", "I understand")
        window.click("button", "Erase and close")
        native_dialog.answer(display, QUESTION, "Escape")
        window.click("button", "Erase and close")
        native_dialog.answer(display, QUESTION, *native_dialog.YES)


@contextmanager
def going(window: Window) -> Iterator[None]:
    """Waits until the app and all that it started are gone."""
    processes = window.processes()
    yield
    _, still = psutil.wait_procs(processes, timeout=LEAVING_SECONDS)
    assert not still, f"still running after everything was erased: {still}"


def left(home: Path) -> list[Path]:
    """All files there are, but for the driver's own log and what GTK's settings keep for all programs while a session
    lasts (`home` is its runtime folder, too)."""
    others = {home / "webdriver.log", home / "dconf/user"}
    files = {path for path in home.rglob("*") if path.is_symlink() or not path.is_dir()}
    return sorted(files - others)


def kept_keys(variables: dict[str, str]) -> int:
    """How many entries of the app the keychain has, asked of the keychain itself."""
    question = ["dbus-send", "--print-reply", "--dest=org.freedesktop.secrets", "/org/freedesktop/secrets"]
    search = ["org.freedesktop.Secret.Service.SearchItems", f"dict:string:string:service,{IDENTIFIER}"]
    told = subprocess.run(
        [*question, *search], env=variables, capture_output=True, check=True, text=True, timeout=LEAVING_SECONDS
    )
    return told.stdout.count("object path")
