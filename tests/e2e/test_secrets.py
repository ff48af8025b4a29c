"""Everything secret that the app meets, planted, and looked for wherever somebody could come upon it."""

from __future__ import annotations

import json
import sys
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.e2e import journey, native_dialog
from tests.e2e.display import virtual_display
from tests.e2e.first_launch import ROOT, FreshMachine, fresh_machine
from tests.e2e.keyring import open_keyring
from tests.e2e.other_programs import QUESTION, SECTION, SWITCH, copied_token, free_port
from tests.e2e.preferences import leave_settings, open_settings
from tests.e2e.test_keychain import KEY, authorization, openai_server
from tests.e2e.window import Window, open_window

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="WebKit's driver for app windows exists on Linux only"),
    pytest.mark.timeout(300),
]

OF_MIRROR = "hf_the-token-of-the-mirror"
OF_PROXY = "the-password-of-the-proxy"
OF_INDEX = "the-password-of-the-index"
PLANTED = {
    "HF_TOKEN": OF_MIRROR,
    "HTTPS_PROXY": f"http://ann:{OF_PROXY}@127.0.0.1:1",
    "all_proxy": f"socks5h://ann:{OF_PROXY}@127.0.0.1:1",
    "no_proxy": "127.0.0.1",
    "PIP_INDEX_URL": f"https://ann:{OF_INDEX}@packages.example/simple",
}
"""As a shell's start-up file may have them for other programs."""
CONTENT = "What does my divorce cost?"
FILE = "divorce papers of Ann.png"
ORIGIN = "https://notes-of-ann.example"


@pytest.fixture
def machine() -> Iterator[FreshMachine]:
    with fresh_machine() as machine:
        yield machine


def test_no_secret_is_in_an_argument_a_variable_a_log_the_database_or_a_report_and_a_saved_report_names_nothing(
    machine: FreshMachine,
) -> None:
    pictures = ROOT / "dist/secrets"
    with (
        virtual_display() as display,
        openai_server() as server,
        open_keyring(machine.home) as variables,
        open_window(
            machine.arguments,
            display=display,
            pictures=pictures,
            home=machine.home,
            variables={**variables, **PLANTED},
        ) as window,
    ):
        journey.agree_to_download(window)
        window.by_role("textbox", "Message")
        created = window.call("providers/create", {"name": "Ann's own", "baseUrl": server.url})["answer"]
        provider = created["provider"]["id"]
        assert window.invoke("secret_set", {"providerId": provider, "secret": KEY, "keep": True}) == {"answer": None}
        assert authorization(window, provider, server) == f"Bearer {KEY}"
        token = let_others_ask(window, display)
        journey.attach(window, machine.picture.rename(machine.home / FILE))
        assert journey.ask(window, CONTENT)
        seen = {KEY, token, OF_MIRROR, OF_PROXY, OF_INDEX}
        assert len(seen) == 5

        processes = window.processes()
        names = {process.name() for process in processes}
        assert {"WebKitWebProcess", "WebKitNetworkProcess"} <= names
        assert sum("python" in process.name() for process in processes) >= 2  # the sidecar and its worker
        assert [place for process in processes for place in told_by(process, seen)] == []
        assert [str(path) for path in files(machine.data_dir) if has_any(path.read_bytes(), seen)] == []
        report = window.invoke("diagnostics")["answer"]
        assert not has_any(report.encode(), seen)
        assert CONTENT not in report
        assert FILE not in report

        saved = machine.home / "report.zip"
        assert save_report(window, display, saved)
        assert saved.stat().st_mode & 0o777 == 0o600
        texts = read(saved)
        of_the_person = {
            CONTENT,
            FILE,
            FILE.split()[0],
            "Ann",
            ORIGIN,
            server.url,
            str(machine.home),
            machine.home.name,
        }
        for name, text in texts.items():
            found = [each for each in seen | of_the_person if each in text]
            assert found == [], f"{name} has {found}"
        about = json.loads(texts["about.json"])
        assert about["sidecar"]["state"] == "ready"
        assert about["choices"]["proxy"]["origins"] == 1
        assert about["asked"]["providers"] == 2
        assert {each["key"] for each in about["asked"]["settings"]} >= {"unloadMinutes"}
        assert "request done" in texts["sidecar.log"]
        assert "the sidecar is ready" in texts["shell.log"]
        window.quit()


def test_a_report_is_saved_without_a_sidecar_and_one_that_cannot_be_says_so(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    catalog = tmp_path / "catalog of Ann.json"
    catalog.write_text("no catalog")
    arguments = ["--data-dir", str(data_dir), "--catalog", str(catalog)]
    with (
        virtual_display() as display,
        open_window(arguments, display=display, pictures=tmp_path, home=tmp_path) as window,
    ):
        window.by_role("button", "Save diagnostics")
        window.wait(lambda: window.invoke("shell_state")["answer"]["sidecar"]["state"] == "down", "a sidecar came up")
        saved = tmp_path / "report.zip"
        window.click("button", "Save diagnostics")
        native_dialog.save_as(display, TITLE, saved, saved.exists)
        window.by_role("button", "Saved")
        texts = read(saved)
        about = json.loads(texts["about.json"])
        assert (about["sidecar"]["state"], about["sidecar"]["error"]) == ("down", "start_refused")
        assert "Ann" not in "".join(texts.values())
        assert about["asked"] == {}

        (tmp_path / "closed").mkdir(mode=0o500)
        window.click("button", "Saved")
        native_dialog.save_as(
            display,
            TITLE,
            Path("/proc/report.zip"),
            lambda: "cannot be written there" in window.text(),
        )
        window.screenshot("not-saved")


TITLE = "Save diagnostics"


def let_others_ask(window: Window, display: str) -> str:
    """Switches the proxy on, with a page that may ask; its token."""
    choice = {"on": False, "port": free_port(), "socket": False, "origins": []}
    assert window.invoke("proxy_set", {"choice": choice})["answer"]["on"] is False
    open_settings(window, SECTION)
    window.by_role("textbox", "Web pages that may ask").send_keys(ORIGIN)
    window.click("button", "Add")
    native_dialog.answer(display, "Let pages of this address ask?", "Escape")
    window.wait(lambda: window.by_role("textbox", "Port").is_enabled(), "no answer came back")
    assert window.invoke("proxy_state")["answer"]["origins"] == []
    window.click("button", "Add")
    native_dialog.answer(display, "Let pages of this address ask?", *native_dialog.YES)
    window.by_role("button", f"Remove {ORIGIN}")
    window.click("switch", SWITCH)
    native_dialog.answer(display, QUESTION, *native_dialog.YES)
    token = copied_token(window)
    window.screenshot("other-programs")
    leave_settings(window)
    return token


def save_report(window: Window, display: str, path: Path) -> bool:
    """Whether the person, who was asked where, has it there now."""
    window.click("button", "Help")
    window.click("button", "Save diagnostics")
    native_dialog.save_as(display, TITLE, path, path.exists)
    return window.has("button", "Saved") or bool(window.by_role("button", "Saved"))


def told_by(process: psutil.Process, secrets: set[str]) -> list[str]:
    """Where this process shows one of them: to every program of the same person, its arguments to everybody."""
    with suppress(FileNotFoundError, ProcessLookupError):  # it has gone meanwhile
        told = [Path(f"/proc/{process.pid}", name) for name in ("cmdline", "environ")]
        return [f"{process.name()}: {path.name}" for path in told if has_any(path.read_bytes(), secrets)]
    return []


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def has_any(content: bytes, secrets: set[str]) -> bool:
    return any(secret.encode() in content for secret in secrets)


def read(archive: Path) -> dict[str, str]:
    """Each file's text, by its name."""
    with zipfile.ZipFile(archive) as file:
        assert file.testzip() is None
        return {name: file.read(name).decode() for name in file.namelist()}
