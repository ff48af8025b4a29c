"""How soon the app shows something, and answers."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.figure import Figure, median, skipped
from tests.bench.setting import Setting
from tests.e2e.display import virtual_display
from tests.e2e.window import BINARY, DRIVER, open_window
from tests.hub import write_catalog
from tests.hub.__main__ import FOLDER
from tests.pipe import Pipe

LAUNCHES = 7
METRICS = ("exec_to_page", "page_to_first_paint", "exec_to_main_window", "exec_to_first_token")

# Milliseconds since 1970: when the page began, when something of it was on the screen (Paint Timing), when a message
# could be written, and when the first word of its answer was there.
_ASK = """
const done = arguments[0];
const now = () => performance.timeOrigin + performance.now();
const when = (found) => new Promise((resolve) => {
  const look = () => {
    const value = found();
    if (value) { watch.disconnect(); resolve(value); }
  };
  const watch = new MutationObserver(look);
  watch.observe(document, { subtree: true, childList: true, characterData: true });
  look();
});
(async () => {
  const field = await when(() => document.querySelector("textarea"));
  const ready = now();
  Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set.call(field, "What are you?");
  field.dispatchEvent(new Event("input", { bubbles: true }));
  (await when(() => document.querySelector("button[aria-label=Send]:not(:disabled)"))).click();
  await when(() => document.querySelector("article[aria-label='Knowledge Focus']")?.innerText.trim());
  const answered = now();
  const [paint] = performance.getEntriesByName("first-contentful-paint");
  done([performance.timeOrigin, paint ? performance.timeOrigin + paint.startTime : null, ready, answered]);
})();
"""


def run(setting: Setting) -> Iterator[Figure]:
    """Later launches of the built app with the demo model on disk, median of 7, on a virtual display without a GPU.
    `exec_to_page`: from the process's start until its window's page begins. `page_to_first_paint`: until something of
    it is on the screen, by the web view's Paint Timing. `exec_to_main_window`: until a message can be written.
    `exec_to_first_token`: until the first word of an answer to one is there, which is written as soon as that is
    possible; the load of the model included. The driver that asks the page takes some of it."""
    if sys.platform != "linux" or shutil.which("Xvfb") is None or not Path(DRIVER).exists() or not BINARY.exists():
        yield from (skipped(metric, "", "no built app, or no driver for its window") for metric in METRICS)
        return
    catalog = _model_on_disk(setting.scratch)
    rounds = []
    with virtual_display() as display:
        for number in range(1 + setting.rounds(LAUNCHES)):
            setting.tell(f"launch {number}")
            rounds.append(_launch(setting.scratch, catalog, display))
    started, page, paint, ready, answered = zip(*rounds[1:], strict=True)

    def between(begin: tuple[float, ...], end: tuple[float, ...]) -> float:
        return median([later - earlier for earlier, later in zip(begin, end, strict=True)])

    yield Figure("exec_to_page", between(started, page), "ms")
    yield Figure("page_to_first_paint", between(page, paint), "ms", goal="< 300")
    yield Figure("exec_to_main_window", between(started, ready), "ms")
    yield Figure("exec_to_first_token", between(started, answered) / 1e3, "s")


def _model_on_disk(folder: Path) -> Path:
    catalog = write_catalog(folder / "catalog.json", "http://127.0.0.1:1", FOLDER)
    with Pipe.sidecar(folder / "data", catalog) as sidecar:
        sidecar.initialize()
        sidecar.request("models/import", {"path": str(FOLDER)})
        sidecar.notification("builtin-model-download-completed", timeout=120)
    return catalog


def _launch(folder: Path, catalog: Path, display: str) -> tuple[float, ...]:
    arguments = ["--data-dir", str(folder / "data"), "--catalog", str(catalog)]
    with open_window(arguments, display=display, pictures=folder, home=folder) as window:
        window.driver.set_script_timeout(window.patience)
        moments = window.driver.execute_async_script(_ASK)
        started = 1e3 * _started(window.app.pid)
        window.quit()
    if moments[1] is None:
        raise RuntimeError("the web view does not tell when it painted")
    return (started, *moments)


def _started(pid: int) -> float:
    """When a process was started, in seconds since 1970, to 10 ms: proc(5) counts from boot, in ticks."""
    ticks = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    ago = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    return time.time() - ago
