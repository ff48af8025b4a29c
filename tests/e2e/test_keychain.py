"""A provider's key, from the window through the real shell, keychain and sidecar to the server that it is for."""

from __future__ import annotations

import http.server
import json
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.e2e.display import virtual_display
from tests.e2e.keyring import open_keyring
from tests.e2e.window import Window, open_window

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="WebKit's driver for app windows exists on Linux only"),
    pytest.mark.timeout(180),
]

KEY = "sk-the-key-that-nobody-may-see"


@dataclass
class Server:
    """One that speaks OpenAI's protocol as far as telling its models; `seen` are the Authorization headers it got."""

    url: str
    seen: list[str | None] = field(default_factory=list)


def test_a_kept_key_reaches_its_server_through_every_sidecar_and_nobody_else(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    arguments = ["--data-dir", str(data_dir)]
    with virtual_display() as display, open_keyring(tmp_path) as variables, openai_server() as server:
        with open_window(arguments, display=display, pictures=tmp_path, home=tmp_path, variables=variables) as window:
            created = rpc(window, "providers/create", {"name": "mine", "baseUrl": server.url})
            provider = created["answer"]["provider"]["id"]
            assert window.invoke("secret_set", {"providerId": provider, "secret": f" {KEY}\n", "keep": True}) == {
                "answer": None
            }
            assert authorization(window, provider, server) == f"Bearer {KEY}"

            kill_sidecar(window)
            wait_for_key(window, provider)
            assert authorization(window, provider, server) == f"Bearer {KEY}"

            assert told_anywhere(window, data_dir) == []
            window.quit()

        with open_window(arguments, display=display, pictures=tmp_path, home=tmp_path, variables=variables) as window:
            wait_for_key(window, provider)
            assert authorization(window, provider, server) == f"Bearer {KEY}"
            assert window.invoke("secret_delete", {"providerId": provider}) == {"answer": None}
            assert authorization(window, provider, server) is None
            kill_sidecar(window)
            assert authorization(window, provider, server) is None
            assert told_anywhere(window, data_dir) == []


def test_without_a_keychain_a_key_is_for_this_run(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with (
        virtual_display() as display,
        openai_server() as server,
        open_window(["--data-dir", str(data_dir)], display=display, pictures=tmp_path, home=tmp_path) as window,
    ):
        created = rpc(window, "providers/create", {"name": "mine", "baseUrl": server.url})
        provider = created["answer"]["provider"]["id"]
        key = {"providerId": provider, "secret": KEY}
        refusal = window.invoke("secret_set", {**key, "keep": True})["refusal"]
        assert refusal["kind"] == "keychain_unavailable"
        assert refusal["details"]["reason"]
        assert authorization(window, provider, server) is None
        assert window.invoke("secret_set", {**key, "keep": False}) == {"answer": None}
        kill_sidecar(window)
        wait_for_key(window, provider)
        assert authorization(window, provider, server) == f"Bearer {KEY}"
        refused = [refusal, window.invoke("secret_set", {**key, "secret": f"{KEY} {KEY}", "keep": True})["refusal"]]
        assert refused[1]["kind"] == "secret_invalid"
        assert KEY not in json.dumps(refused)
        assert told_anywhere(window, data_dir) == []


def rpc(window: Window, method: str, params: dict[str, Any]) -> dict[str, Any]:
    """How a method of the sidecar ended, asked as the window asks."""
    payload = {"requestId": str(uuid.uuid4()), "method": method, "params": params, "onEvent": None}
    return window.invoke("rpc_call", payload)


def authorization(window: Window, provider: str, server: Server) -> str | None:
    """What the server was shown when it was asked for its models."""
    answer = rpc(window, "providers/models", {"providerId": provider})
    assert answer == {"answer": {"identifiers": ["a-model"]}}
    return server.seen[-1]


def wait_for_key(window: Window, provider: str) -> None:
    """Until the sidecar says that it has the provider's key."""

    def has_key() -> bool:
        providers = rpc(window, "providers/list", {}).get("answer", {}).get("providers", [])
        return any(each["id"] == provider and each["hasSecret"] for each in providers)

    window.wait(has_key, "the key was not put")


def kill_sidecar(window: Window) -> None:
    """As a crash does; the next call waits for the next one."""
    sidecar = next(each for each in window.app.children() if "--data-dir" in each.cmdline())
    sidecar.kill()
    psutil.wait_procs([sidecar], timeout=window.patience)
    window.wait(lambda: "answer" in rpc(window, "providers/list", {}), "no other sidecar came up")


def told_anywhere(window: Window, data_dir: Path) -> list[str]:
    """Where a key can be read that is nobody's business: files, arguments, variables, the report."""
    key = KEY.encode()
    places = [str(path) for path in data_dir.rglob("*") if path.is_file() and key in path.read_bytes()]
    told = [Path(f"/proc/{process.pid}", name) for process in window.processes() for name in ("cmdline", "environ")]
    places += [str(path) for path in told if key in path.read_bytes()]
    if KEY in window.invoke("diagnostics")["answer"]:
        places.append("diagnostics")
    return places


@contextmanager
def openai_server() -> Iterator[Server]:
    seen: list[str | None] = []

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers["Authorization"])
            body = json.dumps({"object": "list", "data": [{"id": "a-model", "object": "model"}]}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_request(self, code: object = "-", size: object = "-") -> None:
            """Keeps the test's output free of it."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, name="openai")
        thread.start()
        try:
            yield Server(f"http://127.0.0.1:{server.server_port}/v1", seen)
        finally:
            server.shutdown()
            thread.join()
