"""How soon a person sees the window, and how soon the model answers in it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from tests.bench.figure import Figure, median, skipped
from tests.bench.goal import Goal
from tests.bench.repository import Repository
from tests.bench.screen import has_content, has_window, visible_display
from tests.bench.setting import Setting
from tests.e2e import journey
from tests.e2e.display import virtual_display
from tests.e2e.window import BINARY, DRIVER, ROOT, open_window
from tests.hub.__main__ import FOLDER

PAINTS = 11
LAUNCHES = 7
STAGES = 11
PATIENCE = 60.0
QUESTION = "hello"

# When the first text of an answer stood in the page, in milliseconds since the epoch.
_WATCH = """
const [answers] = arguments;
new MutationObserver((_, observer) => {
  if (![...document.querySelectorAll(answers)].some((answer) => answer.innerText.trim())) return;
  window.firstToken = Date.now();
  observer.disconnect();
}).observe(document.body, { subtree: true, childList: true, characterData: true });
"""


def run(setting: Setting) -> Iterator[Figure]:
    """`window_to_first_paint`: from the first pixel of the window on the screen to the first that is not its ground,
    which is the name that `index.html` holds before the bundle has run; `exec_to_first_paint`: from starting the app.
    Empty home and data folder, median of 11. The screen is Xvfb's memory, looked at each millisecond: what a person
    would see, whatever the page believes.

    `exec_to_message`: from starting the app, the demo model on disk, until a message can be written.
    `exec_to_first_token`: on to the first text of the answer in the page, median of 7, the sidecar's start and the
    model's load included, and also the writing and sending of a word by WebDriver, which is slower than the app but
    faster than a person. The app is the debug build that the tests drive, drawn without a GPU.

    `environment_up_to_date`: from the beginning of the environment's stage, in a process that runs it alone
    (`crates/python-environment/examples/stage.rs`, debug build), until Python can be started; the environment is there,
    with all packages of `uv.lock`, from uv's cache."""
    yield _environment(setting)
    if why := _missing():
        for metric, unit in (
            ("window_to_first_paint", "ms"),
            ("exec_to_first_paint", "ms"),
            ("exec_to_message", "s"),
            ("exec_to_first_token", "s"),
        ):
            yield skipped(metric, unit, why)
        return
    paints = [_paint(_folder(setting, f"paint-{number}")) for number in range(1 + setting.rounds(PAINTS))][1:]
    yield Figure("window_to_first_paint", median([paint for paint, _ in paints]), "ms", goals=(Goal("<", 300),))
    yield Figure("exec_to_first_paint", median([whole for _, whole in paints]), "ms")
    home = _folder(setting, "home")
    demo = Repository.at(FOLDER, "demo", home / "catalog.json")
    demo.place(home / "data")
    launches = [_launch(home, demo) for _ in range(1 + setting.rounds(LAUNCHES))][1:]
    yield Figure("exec_to_message", median([message for message, _ in launches]), "s", geometry="demo model")
    yield Figure("exec_to_first_token", median([token for _, token in launches]), "s", geometry="demo model")


def _missing() -> str:
    """Why there is no window to be measured here; empty if there is."""
    if sys.platform != "linux":
        return "WebKit's driver for app windows exists on Linux only"
    for needed, how in ((BINARY, "./just setup builds it"), (Path(DRIVER), ""), (Path("/usr/bin/Xvfb"), "")):
        if not needed.exists():
            return f"no {needed.name} here {how}".strip()
    return ""


def _environment(setting: Setting) -> Figure:
    """Milliseconds that the environment's stage takes where there is nothing to do."""
    metric = "environment_up_to_date"
    uv = shutil.which(os.environ.get("UV", "uv"))
    build = ". setup/rust.sh && cd tauri-app && cargo build --quiet --locked -p python-environment --example stage"
    if uv is None or subprocess.run(["sh", "-c", build], cwd=ROOT, check=False).returncode:
        return skipped(metric, "ms", "uv is missing, or the stage cannot be built")
    cache = subprocess.run([uv, "cache", "dir"], capture_output=True, text=True, check=True).stdout.strip()
    data = _folder(setting, "environment")
    (data / "cache").mkdir()
    (data / "cache" / "uv").symlink_to(cache)
    command: list[str | Path] = [ROOT / "tauri-app/target/debug/examples/stage", uv, ROOT, data, "", sys.executable]
    seconds = []
    for _ in range(2 + setting.rounds(STAGES)):  # the first one makes it, the second does not count
        said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        ready = re.search(r"^ *(\d+) ms  Ready", said, re.MULTILINE)
        if ready is None:
            return skipped(metric, "ms", f"it could not be made: {said.strip().rpartition(chr(10))[2]}")
        seconds.append(float(ready[1]))
    return Figure(metric, median(seconds[2:]), "ms", goals=(Goal("<", 300),))


def _folder(setting: Setting, name: str) -> Path:
    folder = setting.scratch / name
    folder.mkdir()
    return folder


def _paint(home: Path) -> tuple[float, float]:
    """Milliseconds from the window to its first content, and from the start of the app to that."""
    memory = home / "screen"
    memory.mkdir()
    with visible_display(memory) as screen:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "DISPLAY": screen.name,
            "LC_ALL": "C.UTF-8",
            "XDG_RUNTIME_DIR": str(home),
            "NO_AT_BRIDGE": "1",
            "GDK_BACKEND": "x11",
            "LIBGL_ALWAYS_SOFTWARE": "1",
        }
        started = time.perf_counter()
        app = psutil.Popen([BINARY, "--data-dir", str(home / "data")], env=environment)
        try:
            window = screen.wait_for(has_window, PATIENCE)
            painted = screen.wait_for(has_content, PATIENCE)
        finally:
            app.terminate()
            app.wait(PATIENCE)
    return (painted - window) * 1e3, (painted - started) * 1e3


def _launch(home: Path, demo: Repository) -> tuple[float, float]:
    """Seconds from the start of the app until a message can be written, and until its answer begins."""
    arguments = ["--data-dir", str(home / "data"), "--catalog", str(demo.catalog)]
    with (
        virtual_display() as display,
        open_window(arguments, display=display, pictures=home, home=home) as window,
    ):
        started = time.time() - _age(window.app.pid)
        window.by_role("textbox", "Message")
        ready = time.time() - started
        window.driver.execute_script(_WATCH, journey.ANSWER)
        journey.write(window, QUESTION)
        window.click("button", "Send")
        first = window.wait(lambda: window.driver.execute_script("return window.firstToken"), "no answer began")
        journey.finished_answer(window)
        window.quit()
    return ready, first / 1e3 - started


def _age(pid: int) -> float:
    """How long a process has run, in seconds; of whole clock ticks, which are 10 ms (proc(5), `starttime`)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / os.sysconf("SC_CLK_TCK")
