"""The real window, driven through WebKitWebDriver by what a person perceives: roles, names and texts."""

from __future__ import annotations

import base64
import os
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import psutil
from PIL import Image
from selenium.common.exceptions import StaleElementReferenceException, TimeoutException, WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait
from selenium.webdriver.webkitgtk.options import Options
from selenium.webdriver.webkitgtk.service import Service
from selenium.webdriver.webkitgtk.webdriver import WebDriver as WebKitGTK

ROOT = Path(__file__).resolve().parents[2]
BINARY = ROOT / "tauri-app/target/debug/knowledge-focus"
DRIVER = "/usr/bin/WebKitWebDriver"

T = TypeVar("T")

STILL_SECONDS = 1.0
"""How long a picture waits for the page to come to rest: a bar that is moved again and again never does."""

DRAWN_SECONDS = 10.0
"""How long it waits for anything at all to be drawn: on a busy computer the first page is there before that."""

# Which elements can have a role; their accessible name then decides.
_CANDIDATES = {
    "button": "button, [role=button]",
    "textbox": "textarea, input:not([type]), input[type=text], input[type=url], [role=textbox]",
    "searchbox": "input[type=search]",
    "progressbar": "progress, [role=progressbar]",
    "alert": "[role=alert]",
    "checkbox": "[role=checkbox]",
    "radio": "[role=radio]",
    "region": "section[aria-labelledby], section[aria-label]",
    "dialog": "[role=dialog]",
    "alertdialog": "[role=alertdialog]",
    "switch": "[role=switch]",
    "menuitem": "[role=menuitem]",
    "menuitemradio": "[role=menuitemradio]",
}

# A file on the clipboard, pasted where the focus is: what Ctrl+V of a copied picture does.
_PASTE = """
const [name, mime, base64] = arguments;
const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
const clipboard = new DataTransfer();
clipboard.items.add(new File([bytes], name, { type: mime }));
const paste = new ClipboardEvent("paste", { clipboardData: clipboard, bubbles: true, cancelable: true });
document.activeElement.dispatchEvent(paste);
"""

# What `invoke` of @tauri-apps/api does.
_INVOKE = """
const [command, payload, done] = arguments;
const internals = window.__TAURI_INTERNALS__;
for (const name of ["onEvent", "onPercent"]) {
  if (name in payload) payload[name] = `__CHANNEL__:${internals.transformCallback(() => {})}`;
}
internals.invoke(command, payload).then((answer) => done({ answer }), (refusal) => done({ refusal }));
"""

# Whether anything on the page moves that will end: a fade, a bar on its way, but not what pulses while work goes on.
_MOVES = """
return document.getAnimations().some(
  ({ playState, effect }) => playState === "running" && Number.isFinite(effect?.getComputedTiming().endTime),
);
"""

_DRAWN = "requestAnimationFrame(() => requestAnimationFrame(arguments[0]));"


class Window:
    """One open window of the app.

    Every wait is bounded by `patience` seconds and fails with a picture of what was on the screen instead.
    """

    def __init__(self, driver: WebDriver, app: psutil.Process, pictures: Path, patience: float = 60) -> None:
        self.driver = driver
        self.app = app
        self.pictures = pictures
        self.patience = patience

    def by_role(self, role: str, name: str) -> WebElement:
        """The visible element with this role whose accessible name contains `name`, waited for."""
        return self.wait(lambda: self._find(role, name), f"no {role} called {name!r}")

    def has(self, role: str, name: str) -> bool:
        """Whether such an element is visible now."""
        return self._find(role, name) is not None

    def click(self, role: str, name: str) -> None:
        """Clicks the element once it is visible and enabled, and stands still: the driver aims before it clicks."""
        stood: dict[str, int] = {}

        def clicked() -> bool:
            nonlocal stood
            element = self._find(role, name)
            if element is None or not element.is_enabled() or element.get_attribute("aria-disabled") == "true":
                return False
            before, stood = stood, element.rect
            if stood != before:
                return False
            element.click()
            return True

        self.wait(clicked, f"no {role} called {name!r} to click")

    def text(self) -> str:
        """All text a person can read in the window."""
        return str(self.driver.execute_script("return document.body.innerText"))

    def wait_for_text(self, text: str) -> None:
        """Waits until `text` can be read somewhere in the window."""
        self.wait(lambda: text in self.text(), f"{text!r} did not appear")

    def paste_picture(self, path: Path) -> None:
        """Pastes a PNG file where the focus is."""
        self.driver.execute_script(_PASTE, path.name, "image/png", base64.b64encode(path.read_bytes()).decode())

    def invoke(self, command: str, payload: dict[str, Any] | None = None) -> dict[str, Any]:
        """How a command of the shell ended: `{"answer": …}` or `{"refusal": …}`."""
        ended: dict[str, Any] = self.driver.execute_async_script(_INVOKE, command, payload or {})
        return ended

    def call(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """How a method of the sidecar ended, asked as the window asks."""
        payload = {"requestId": str(uuid.uuid4()), "method": method, "params": params or {}, "onEvent": None}
        return self.invoke("rpc_call", payload)

    def wait(self, found: Callable[[], T | None], otherwise: str) -> T:
        """What `found` returns, as soon as that is true; an AssertionError saying `otherwise` when patience ends."""

        def look(_: WebDriver) -> T | None:
            try:
                return found()
            except StaleElementReferenceException:  # React replaced it between finding and asking: look again
                return None

        try:
            return WebDriverWait(self.driver, self.patience, poll_frequency=0.05).until(look)  # type: ignore[return-value]
        except WebDriverException as error:
            picture = self.screenshot("failure")
            raise AssertionError(
                f"{otherwise} within {self.patience} s; see {picture}; text:\n{self.text()}"
            ) from error

    def screenshot(self, name: str) -> Path:
        """A PNG of the window's content, at rest if it comes to rest soon."""
        self.pictures.mkdir(parents=True, exist_ok=True)
        path = self.pictures / f"{name}.png"
        # Of a page that moves on, or cannot be asked, there is a picture all the same.
        with suppress(WebDriverException):
            waiting = WebDriverWait(self.driver, STILL_SECONDS, poll_frequency=0.02)
            waiting.until_not(lambda driver: driver.execute_script(_MOVES))
            # What has ended is on the screen two frames later.
            self.driver.execute_async_script(_DRAWN)
        with suppress(TimeoutException):
            WebDriverWait(self.driver, DRAWN_SECONDS, poll_frequency=0.05).until(lambda _: self._draws(path))
        return path

    def _draws(self, path: Path) -> bool:
        """Saves what is on the screen; whether that is more than one colour."""
        self.driver.save_screenshot(str(path))
        with Image.open(path) as picture:
            return picture.getcolors(1) is None

    def quit(self) -> None:
        """Closes the window and waits until the app and all it started are gone."""
        processes = self.processes()
        self.driver.close()
        _, left = psutil.wait_procs(processes, timeout=10)
        assert not left, f"still running after the window was closed: {left}"

    def sidecar(self) -> psutil.Process | None:
        """The app's, while it runs."""
        for child in self.app.children():
            with suppress(psutil.NoSuchProcess):  # it has gone meanwhile
                if child.status() != psutil.STATUS_ZOMBIE and "python" in child.name():
                    return child
        return None

    def processes(self) -> list[psutil.Process]:
        """The app and every process it started, down to the last."""
        return [self.app, *self.app.children(recursive=True)]

    def _find(self, role: str, name: str) -> WebElement | None:
        for element in self.driver.find_elements(By.CSS_SELECTOR, _CANDIDATES[role]):
            if element.is_displayed() and name in element.accessible_name:
                return element
        return None


@contextmanager
def open_window(
    arguments: Sequence[str],
    *,
    display: str,
    pictures: Path,
    home: Path,
    language: str = "en_US.UTF-8",
    variables: Mapping[str, str] | None = None,
    binary: Path = BINARY,
) -> Iterator[Window]:
    """Starts the built app under WebKitWebDriver, with `home` as the person's home, and yields its window.

    Of this process's own environment the app sees the PATH, beside `variables`. Another `binary` has its name, too.
    """
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "DISPLAY": display,
        "LANG": language,
        "LC_ALL": "C.UTF-8",  # the only locale that every machine has; LANGUAGE is what decides
        "LANGUAGE": language.partition(".")[0],
        "XDG_RUNTIME_DIR": str(home),
        "TAURI_WEBVIEW_AUTOMATION": "true",
        "NO_AT_BRIDGE": "1",
        "GDK_BACKEND": "x11",
        "LIBGL_ALWAYS_SOFTWARE": "1",
        **(variables or {}),
    }
    options = Options()
    options.binary_location = str(binary)
    for argument in arguments:
        options.add_argument(argument)
    options.set_capability("browserName", "wry")  # as Tauri's web view calls itself; the driver refuses any other
    service = Service(executable_path=DRIVER, env=environment, log_output=str(home / "webdriver.log"))
    driver = WebKitGTK(options=options, service=service)
    try:
        driver_process = psutil.Process(service.process.pid)
        app = next(child for child in driver_process.children() if child.name() == BINARY.name)
        yield Window(driver, app, pictures)
    finally:
        try:
            driver.quit()
        except WebDriverException:
            service.stop()  # the window was closed already, and the session with it
