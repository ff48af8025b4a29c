"""The process that draws the page dies, as when memory runs out: the real window gets another one.

Without WebKitWebDriver, which ends its session when that process dies.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import psutil
import pytest
from selenium.webdriver.support.wait import WebDriverWait

from tests.e2e.display import virtual_display
from tests.e2e.window import BINARY

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="WebKit has this process of its own on Linux"),
    pytest.mark.timeout(120),
]

PATIENCE = 40
"""Seconds that a start may take."""
LOADED = "the page is loaded"  # what the shell's log says


def test_a_window_whose_web_process_was_killed_loads_its_page_again(tmp_path: Path) -> None:
    with virtual_display() as display, started(tmp_path, display) as app:
        log = tmp_path / "data" / "logs" / "shell.log"
        # Not before: of a process that dies while it starts WebKit says that this cannot be, and aborts the app.
        WebDriverWait(cast(Any, app), PATIENCE).until(
            lambda _: log.exists() and LOADED in log.read_text(), "no page is loaded"
        )
        (killed,) = web_processes(app)
        killed.kill()
        (other,) = WebDriverWait(cast(Any, app), PATIENCE).until(
            lambda app: web_processes(app) - {killed}, "no other one does"
        )
        assert other.is_running()


def web_processes(app: psutil.Process) -> set[psutil.Process]:
    return {process for process in app.children(recursive=True) if process.name() == "WebKitWebProcess"}


@contextmanager
def started(home: Path, display: str) -> Iterator[psutil.Process]:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "DISPLAY": display,
        "LC_ALL": "C.UTF-8",
        "XDG_RUNTIME_DIR": str(home),
        "NO_AT_BRIDGE": "1",
        "GDK_BACKEND": "x11",
        "LIBGL_ALWAYS_SOFTWARE": "1",
    }
    app = psutil.Popen([BINARY, "--data-dir", str(home / "data")], env=environment)
    try:
        yield app
    finally:
        app.terminate()
        app.wait(10)
