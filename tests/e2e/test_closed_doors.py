"""What a page that was taken over would try, in the real window: each door is closed."""

from __future__ import annotations

import http.server
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.e2e.display import virtual_display
from tests.e2e.first_launch import draw_picture
from tests.e2e.window import Window, open_window

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="WebKit's driver for app windows exists on Linux only"),
    pytest.mark.timeout(180),
]

PATIENCE = 20
"""Seconds that the page may take to tell how an attempt ended."""

REACH_SECONDS = 3
"""After which a connection would be there: one takes less than 0.1 s."""

# Runs an attempt and tells how it ended: the directive of the content security policy that stopped it, or `done(…)`.
_ATTEMPT = """
const done = arguments[arguments.length - 1];
document.addEventListener("securitypolicyviolation", (event) => done(event.effectiveDirective), { once: true });
"""

# Hands a picture to the shell as a paste does, and shows what the shell then has of it.
_KEEP_AND_SHOW = """
const [bytes, done] = arguments;
const { invoke } = window.__TAURI_INTERNALS__;
(async () => {
  const { url } = await invoke("attach_bytes", new Uint8Array(bytes), { headers: { "x-name": "a.png" } });
  const kept = await invoke("attachment_bytes", { url });
  const image = new Image();
  image.src = URL.createObjectURL(new Blob([kept], { type: "image/png" }));
  await image.decode();
  done({ bytes: [...new Uint8Array(kept)], width: image.naturalWidth });
})().catch((refusal) => done({ refusal }));
"""


@dataclass
class Outside:
    """A server that lets every page read it; `requests` are the paths that were asked of it."""

    url: str
    requests: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("closed-doors") / "data"


@pytest.fixture(scope="module")
def window(data_dir: Path) -> Iterator[Window]:
    """One window for all attempts: a refusal leaves nothing that the next would meet."""
    home = data_dir.parent
    with (
        virtual_display() as display,
        open_window(["--data-dir", str(data_dir)], display=display, pictures=home, home=home) as window,
    ):
        window.driver.set_script_timeout(PATIENCE)
        window.by_role("button", "Download")  # the page has started, and the sidecar has answered it
        yield window


@pytest.fixture
def outside() -> Iterator[Outside]:
    with _server() as server:
        yield server


def test_a_page_cannot_fetch_from_another_origin(window: Window, outside: Outside) -> None:
    ended = attempt(window, "fetch(arguments[0]).then(() => done('fetched'), () => undefined);", outside.url)
    assert ended == "connect-src"
    assert outside.requests == []


def test_a_page_cannot_send_a_beacon_to_another_origin(window: Window, outside: Outside) -> None:
    assert attempt(window, "navigator.sendBeacon(arguments[0], 'secret');", outside.url) == "connect-src"
    assert outside.requests == []


def test_a_page_cannot_show_a_remote_image(window: Window, outside: Outside) -> None:
    script = "const image = new Image(); image.onload = () => done('loaded'); image.src = arguments[0];"
    assert attempt(window, script, f"{outside.url}/pixel.png") == "img-src"
    assert outside.requests == []


@pytest.mark.parametrize(
    ("script", "directives"),
    [
        ("new WebSocket(arguments[0].replace('http', 'ws'))", {"connect-src"}),
        ("new EventSource(arguments[0])", {"connect-src"}),
        ("document.body.append(Object.assign(document.createElement('iframe'), {src: arguments[0]}))", {"frame-src"}),
        ("document.body.append(Object.assign(document.createElement('object'), {data: arguments[0]}))", {"object-src"}),
        ("new Audio(arguments[0]).play().catch(() => undefined)", {"media-src"}),
        ("new FontFace('a', `url(${arguments[0]})`).load().catch(() => undefined)", {"font-src"}),
        ("new Worker(URL.createObjectURL(new Blob(['1'])))", {"worker-src", "script-src"}),
        (
            "const link = Object.assign(document.createElement('link'), {rel: 'stylesheet', href: arguments[0]});"
            "document.head.append(link)",
            {"style-src", "style-src-elem"},
        ),
        (
            "const form = Object.assign(document.createElement('form'), {method: 'post', action: arguments[0]});"
            "document.body.append(form); form.submit()",
            {"form-action"},
        ),
        ("document.head.append(Object.assign(document.createElement('base'), {href: arguments[0]}))", {"base-uri"}),
    ],
)
def test_a_page_has_no_other_way_out(window: Window, outside: Outside, script: str, directives: set[str]) -> None:
    assert attempt(window, f"try {{ {script} }} catch {{}}", f"{outside.url}/x") in directives
    assert outside.requests == []


@pytest.mark.parametrize(
    "script",
    [
        "location.href = arguments[0]",
        "location.assign(arguments[0])",
        "window.open(arguments[0])",
        "Object.assign(document.createElement('a'), {href: arguments[0], target: '_blank'}).click()",
        "Object.assign(document.createElement('a'), {href: arguments[0], ping: arguments[0]}).click()",
        "Object.assign(document.createElement('a'), {href: arguments[0], download: 'x'}).click()",
        "document.head.append(Object.assign(document.createElement('meta'),"
        " {httpEquiv: 'refresh', content: `0; url=${arguments[0]}`}))",
        "for (const rel of ['preconnect', 'prefetch', 'preload', 'dns-prefetch', 'modulepreload'])"
        " document.head.append(Object.assign(document.createElement('link'), {rel, href: arguments[0], as: 'image'}))",
    ],
)
def test_a_page_cannot_leave_or_send_ahead(window: Window, outside: Outside, script: str) -> None:
    before = window.driver.current_url
    window.driver.execute_script(script, f"{outside.url}/what-it-knows")
    # A way that is open takes less time than these questions, which are asked after it.
    assert "models" in window.call("models/list")["answer"]
    assert window.driver.current_url == before
    assert len(window.driver.window_handles) == 1
    assert outside.requests == []


@pytest.mark.parametrize(
    "script",
    [
        # A frame reports by a policy that the page itself has added.
        "document.head.append(Object.assign(document.createElement('meta'), {httpEquiv: 'Content-Security-Policy',"
        " content: `img-src 'self'; report-uri ${arguments[0]}`}));"
        "const frame = document.body.appendChild(document.createElement('iframe'));"
        "frame.contentDocument.body.innerHTML = '<img src=\"data:image/png;base64,AAAA\">'",
        "document.head.append(Object.assign(document.createElement('link'), {rel: 'preconnect', href: arguments[0]}))",
        "document.body.appendChild(Object.assign(document.createElement('a'), {href: arguments[0]})).click()",
    ],
    ids=["report", "preconnect", "click"],
)
def test_a_page_opens_no_connection(window: Window, script: str) -> None:
    with _listening() as (url, reached):
        try:
            window.driver.execute_script(script, f"{url}/what-it-knows")
            assert not reached.wait(REACH_SECONDS)
        finally:
            # What the page added of these holds for its life only.
            window.driver.refresh()
            window.by_role("button", "Download")
        host, port = urlsplit(url).netloc.split(":")
        socket.create_connection((host, int(port)), REACH_SECONDS).close()
        assert reached.wait(REACH_SECONDS), "nobody would have been seen"


def test_a_page_cannot_call_others_without_a_server(window: Window) -> None:
    assert window.driver.execute_script("return typeof RTCPeerConnection") == "undefined"


def test_a_page_cannot_load_a_remote_script(window: Window, outside: Outside) -> None:
    script = """
        const script = document.createElement("script");
        script.onload = () => done("loaded");
        script.src = arguments[0];
        document.head.append(script);
    """
    assert attempt(window, script, f"{outside.url}/script.js") in {"script-src", "script-src-elem"}
    assert outside.requests == []


@pytest.mark.parametrize("expression", ["eval('1 + 1')", "new Function('return 2')()"])
def test_a_page_cannot_run_a_text_as_code(window: Window, expression: str) -> None:
    script = f"try {{ return {expression}; }} catch (error) {{ return error.name; }}"
    assert window.driver.execute_script(script) == "EvalError"


def test_a_page_cannot_run_an_inline_script(window: Window) -> None:
    script = """
        const script = document.createElement("script");
        script.textContent = "window.inlineScriptRan = true";
        document.head.append(script);
        script.remove();
        if (window.inlineScriptRan) done("it ran");
    """
    assert attempt(window, script) in {"script-src", "script-src-elem"}


def test_an_inline_style_has_no_effect(window: Window) -> None:
    script = """
        const box = document.createElement("div");
        box.innerHTML = "<p style='position: fixed; color: rgb(1, 2, 3)'>styled</p>";
        document.body.append(box);
        const { color } = getComputedStyle(box.firstChild);
        box.remove();
        if (color === "rgb(1, 2, 3)") done("it was styled");
    """
    assert attempt(window, script) in {"style-src", "style-src-attr"}


def test_a_style_element_has_no_effect(window: Window) -> None:
    script = """
        const style = document.createElement("style");
        style.textContent = "body { outline-color: rgb(1, 2, 3) }";
        document.head.append(style);
        const { outlineColor } = getComputedStyle(document.body);
        style.remove();
        if (outlineColor === "rgb(1, 2, 3)") done("it was styled");
    """
    assert attempt(window, script) in {"style-src", "style-src-elem"}


def test_a_method_made_for_the_window_is_answered(window: Window) -> None:
    assert "models" in window.call("models/list")["answer"]


@pytest.mark.parametrize("method", ["shutdown", "initialize", "rpc.discover", "$/cancelRequest", "no/such"])
def test_a_method_not_made_for_the_window_does_not_exist_for_it(window: Window, method: str) -> None:
    assert window.call(method)["refusal"]["kind"] == "method_not_found"


@pytest.mark.parametrize(
    "command",
    [
        "plugin:store|load",
        "plugin:store|get",
        "plugin:store|set",
        "plugin:dialog|open",
        "plugin:dialog|save",
        "plugin:dialog|message",
        "plugin:fs|read_file",
        "plugin:fs|write_file",
        "plugin:shell|execute",
        "plugin:app|version",
        "plugin:app|set_app_theme",
        "plugin:window|close",
        "plugin:webview|internal_toggle_devtools",
        "plugin:tray|new",
        "plugin:menu|new",
        "plugin:resources|close",
        "no_such_command",
        "plugin:opener|open_url",
        "plugin:opener|open_path",
        "plugin:event|emit",
        "plugin:webview|create_webview_window",
        "plugin:path|resolve_directory",
    ],
)
def test_a_command_that_is_not_granted_is_refused(window: Window, command: str) -> None:
    refusal = window.invoke(command)["refusal"]
    assert "not allowed" in refusal or "not found" in refusal


def test_a_path_that_nobody_offered_is_not_attached(window: Window, data_dir: Path, tmp_path: Path) -> None:
    kept = pictures_in(data_dir)
    picture = draw_picture(tmp_path / "private.png")
    assert window.invoke("attach_paths", {"paths": [str(picture)]})["refusal"]["kind"] == "invalid_params"
    assert pictures_in(data_dir) == kept


def test_a_folder_that_nobody_offered_is_not_imported_from(window: Window, tmp_path: Path) -> None:
    refusal = window.call("models/import", {"path": str(tmp_path)})["refusal"]
    assert refusal["kind"] == "invalid_params"
    assert "nobody" in refusal["message"]  # the shell says so: the sidecar has not looked


def test_a_picture_that_was_pasted_is_read_back_and_shown(window: Window, tmp_path: Path) -> None:
    picture = draw_picture(tmp_path / "a.png").read_bytes()
    shown = window.driver.execute_async_script(_KEEP_AND_SHOW, list(picture))
    assert shown == {"bytes": list(picture), "width": 320}


@pytest.mark.parametrize("url", ["attachment:../shell.json", "attachment:/etc/passwd", "file:///etc/passwd", ""])
def test_nothing_beside_the_attachments_is_read(window: Window, url: str) -> None:
    assert window.invoke("attachment_bytes", {"url": url})["refusal"]["kind"] == "invalid_params"


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "javascript:alert(1)",
        "data:text/html,x",
        "ssh://host",
        "vscode://file/etc/passwd",
        "https://bank.example@evil.example/",
        "mailto:ann@example.com?attach=/etc/passwd",
        f"https://example.com/{'a' * 2000}",
    ],
)
def test_a_link_that_is_not_of_the_web_is_not_opened(window: Window, url: str) -> None:
    assert window.invoke("open_link", {"url": url})["refusal"]["kind"] == "invalid_params"


def attempt(window: Window, script: str, *arguments: str) -> Any:
    """Which directive stopped the script, or what it says itself of how it went."""
    return window.driver.execute_async_script(_ATTEMPT + script, *arguments)


def pictures_in(data_dir: Path) -> set[Path]:
    return set((data_dir / "attachments").glob("*"))


@contextmanager
def _listening() -> Iterator[tuple[str, threading.Event]]:
    """An address, and whether anybody has connected to it."""
    reached = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            with suppress(OSError):  # nobody came
                listener.accept()[0].close()
                reached.set()

        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", reached
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join()


@contextmanager
def _server() -> Iterator[Outside]:
    requests: list[str] = []

    class Answer(http.server.BaseHTTPRequestHandler):
        def answer(self) -> None:
            requests.append(self.path)
            self.send_response(200)
            self.send_header("Access-Control-Allow-Origin", "*")
            self.end_headers()

        def log_request(self, code: object = "-", size: object = "-") -> None:
            """Keeps the test's output free of it."""

    for verb in ("GET", "OPTIONS", "POST"):
        setattr(Answer, f"do_{verb}", Answer.answer)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, name="outside")
        thread.start()
        try:
            yield Outside(f"http://127.0.0.1:{server.server_port}", requests)
        finally:
            server.shutdown()
            thread.join()
