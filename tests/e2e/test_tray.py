"""The window is closed and the app goes on, in the tray; a second start, or the tray, brings the window back."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.e2e.display import virtual_display
from tests.e2e.first_launch import ROOT
from tests.e2e.keyring import session_bus
from tests.e2e.native_dialog import Keyboard, keyboard
from tests.e2e.tray import Tray
from tests.e2e.window import BINARY, Window, open_window
from tests.namespaces import needs_namespaces

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="WebKit's driver for app windows exists on Linux only"),
    pytest.mark.timeout(240),
]

TITLE = "Knowledge Focus"
SECONDS = 10


@contextmanager
def started(home: Path) -> Iterator[tuple[Window, Keyboard, Tray, dict[str, str]]]:
    arguments = ["--data-dir", str(home / "data")]
    with session_bus(home) as bus, virtual_display() as display, keyboard(display) as keys:
        places = {"display": display, "pictures": ROOT / "dist/tray", "home": home}
        with open_window(arguments, **places, variables=bus) as window:  # type: ignore[arg-type]
            window.by_role("button", "Download")
            keys.wait_for(TITLE)
            variables = {"DISPLAY": display, "HOME": str(home), "XDG_RUNTIME_DIR": str(home), **bus}
            yield window, keys, Tray(bus), variables


def test_a_closed_window_ends_the_app_unless_the_person_wants_it_to_go_on(tmp_path: Path) -> None:
    with started(tmp_path) as (window, keys, tray, variables):
        window.wait(lambda: tray.item("Quit Knowledge Focus"), "there is no icon in the tray")
        window.invoke("shell_set", {"change": {"hideOnClose": True}})
        close(keys)
        window.wait(lambda: keys.window(TITLE) is None, "the window stayed")
        assert "answer" in window.call("engine/status"), "the app goes on"

        second = subprocess.run([BINARY, "--data-dir", tmp_path / "data"], env=variables, check=False, timeout=SECONDS)
        assert second.returncode == 0
        window.wait(lambda: keys.window(TITLE), "a second start did not bring the window forward")
        close(keys)
        window.wait(lambda: keys.window(TITLE) is None, "the window stayed")
        tray.click("Show Knowledge Focus")
        window.wait(lambda: keys.window(TITLE), "the tray did not bring the window back")

        window.invoke("shell_set", {"change": {"hideOnClose": False}})
        processes = window.processes()
        close(keys)
        _, left = psutil.wait_procs(processes, timeout=SECONDS)
        assert not left


def test_the_tray_holds_background_work_over_a_restart_of_the_engine_and_quits(tmp_path: Path) -> None:
    with started(tmp_path) as (window, _, tray, _):
        window.wait(lambda: tray.item("Pause background work"), "there is no icon in the tray")
        tray.click("Pause background work")
        window.wait(lambda: is_paused(window), "background work goes on")
        window.wait(window.sidecar, "no engine runs").kill()
        window.wait(lambda: is_paused(window), "after a restart background work goes on")
        item = tray.item("Pause background work")
        assert item
        assert item.checked
        tray.click("Pause background work")
        window.wait(lambda: not is_paused(window), "background work is held")

        window.call("engine/pause")
        window.wait(lambda: (item := tray.item("Pause background work")) and item.checked, "the tray does not show it")
        window.invoke("shell_set", {"change": {"language": "zh"}})
        window.wait(lambda: tray.item("暂停后台任务"), "the tray speaks another language")
        processes = window.processes()
        tray.click("退出 Knowledge Focus")
        _, left = psutil.wait_procs(processes, timeout=SECONDS)
        assert not left


@needs_namespaces
def test_a_system_without_the_library_of_the_tray_has_no_icon_and_an_app(tmp_path: Path) -> None:
    libraries = [path.resolve() for path in Path("/usr/lib").glob("*/libayatana-appindicator3.so.1")]
    hidden = " && ".join(f"mount --bind /dev/null {library}" for library in libraries)
    shell = ["unshare", "-rm", "sh", "-c", f'{hidden} && exec "$@"', "sh"]
    command = [*shell, str(BINARY), "--data-dir", str(tmp_path / "data")]
    with session_bus(tmp_path) as bus, virtual_display() as display, keyboard(display) as keys:
        places = {"PATH": os.environ["PATH"], "DISPLAY": display, "HOME": str(tmp_path)}
        app = subprocess.Popen(command, env={**places, "XDG_RUNTIME_DIR": str(tmp_path), **bus})
        try:
            keys.wait_for(TITLE)
            assert "its library is missing" in (tmp_path / "data/logs/shell.log").read_text()
        finally:
            app.terminate()
            assert app.wait(SECONDS) == 0


def close(keys: Keyboard) -> None:
    keys.ask_to_close(keys.wait_for(TITLE))


def is_paused(window: Window) -> bool:
    status = window.call("engine/status")
    return bool(status["answer"]["paused"]) if "answer" in status else False
