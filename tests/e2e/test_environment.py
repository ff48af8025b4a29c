"""The stage before the sidecar, through the real shell and the real uv: no index, a silent one, then a good one."""

from __future__ import annotations

import http.server
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.e2e.display import virtual_display
from tests.e2e.window import ROOT, Window, open_window

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="WebKit's driver for app windows exists on Linux only"),
    pytest.mark.timeout(180),
]

TINY_BUNDLE = ROOT / "tauri-app/crates/python-environment/tests/all/tiny_bundle.py"
OWN_UV = ROOT / ".tools/uv/bin/uv"


def test_an_environment_that_failed_and_one_that_was_cancelled_are_made_from_another_index(tmp_path: Path) -> None:
    bundle = tiny_bundle(tmp_path)
    data_dir = tmp_path / "data"
    arguments = ["--data-dir", str(data_dir), "--bundle", str(bundle)]
    with (
        virtual_display() as display,
        closing(socket.create_server(("127.0.0.1", 0))) as silent,  # takes connections and never says a word
        index(tmp_path / "wheels") as good,
        open_window(
            arguments,
            display=display,
            pictures=tmp_path,
            home=tmp_path,
            variables={"UV_DEFAULT_INDEX": closed_address()},
        ) as window,
    ):
        failed = until(window, "failed")
        assert failed["error"]["kind"] == "environment_index_unreachable", failed
        assert window.invoke("shell_state")["answer"]["sidecar"] == {"state": "starting"}

        retry(window, f"http://127.0.0.1:{silent.getsockname()[1]}/simple")
        silent.settimeout(window.patience)
        visitor, _ = silent.accept()
        with visitor:
            window.invoke("environment_cancel")
            assert until(window, "failed")["error"]["kind"] == "request_cancelled"

        retry(window, good)
        ready = until(window, "ready")
        assert ready["source"] == good
        assert " + alpha==1.0" in ready["lines"]
        assert packages(window) == {"alpha": "1.0", "beta": "2.0", "isolated": 1}

        window.invoke("environment_cancel")  # it is there: nothing happens
        assert state(window)["state"] == "ready"
        window.quit()

    with (
        virtual_display() as display,
        open_window(arguments, display=display, pictures=tmp_path, home=tmp_path) as window,
    ):
        assert until(window, "ready")["lines"] == []  # it was there already


def test_an_environment_that_lost_a_module_is_made_anew_before_anybody_hears_of_it(tmp_path: Path) -> None:
    arguments = ["--data-dir", str(tmp_path / "data"), "--bundle", str(tiny_bundle(tmp_path))]
    with index(tmp_path / "wheels") as good, virtual_display() as display:
        open_app = partial(
            open_window,
            arguments,
            display=display,
            pictures=tmp_path,
            home=tmp_path,
            variables={"UV_DEFAULT_INDEX": good},
        )
        with open_app() as window:
            until(window, "ready")
            assert packages(window)["alpha"] == "1.0"
            window.quit()
        [module] = (tmp_path / "data/python").glob("lib/python*/site-packages/alpha/__init__.py")

        shutil.rmtree(module.parent)
        with open_app() as window:
            assert packages(window)["alpha"] == "1.0"
            assert " + alpha==1.0" in until(window, "ready")["lines"]  # it was made anew

            # Emptied in place: what is linked to it in uv's cache is empty, too.
            module.write_text("")
            assert window.invoke("environment_repair") == {"answer": None}
            window.wait(partial(text_of, module), "the module is not whole again")
            assert packages(window)["alpha"] == "1.0"
            assert until(window, "ready")["source"] == good
            window.quit()


def packages(window: Window) -> dict[str, Any]:
    """What the sidecar says it runs on."""
    request: dict[str, Any] = {"requestId": uuid4().hex, "method": "models/list", "params": {}, "onEvent": None}
    answer: dict[str, Any] = window.invoke("rpc_call", request)["answer"]
    return answer


def text_of(file: Path) -> str:
    """Empty where there is no such file: it may go in any moment while the environment is made anew."""
    try:
        return file.read_text()
    except FileNotFoundError:
        return ""


def tiny_bundle(folder: Path) -> Path:
    """A bundle of two packages that are nowhere but in `folder`/wheels, and its own uv."""
    subprocess.run([sys.executable, TINY_BUNDLE, folder], check=True)
    bundle = folder / "project"
    shutil.copy(Path(__file__).with_name("tiny_sidecar.py"), bundle / "sidecar/__main__.py")
    uv = OWN_UV if OWN_UV.exists() else shutil.which("uv")
    assert uv is not None
    (bundle / "uv").symlink_to(uv)
    return bundle


def state(window: Window) -> dict[str, Any]:
    """The environment's, as the window reads it."""
    environment: dict[str, Any] = window.invoke("shell_state")["answer"]["environment"]
    return environment


def until(window: Window, name: str) -> dict[str, Any]:
    """The environment's state, once it is `name`."""

    def look() -> dict[str, Any] | None:
        now = state(window)
        return now if now["state"] == name else None

    return window.wait(look, f"the environment is not {name}: {state(window)}")


def retry(window: Window, address: str) -> None:
    assert window.invoke("environment_retry", {"index": address}) == {"answer": None}
    # The attempt before is over once another one is announced.
    window.wait(lambda: state(window)["state"] != "failed", "no other attempt began")


def closed_address() -> str:
    """An index where nobody listens."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}/simple"


@contextmanager
def index(wheels: Path) -> Iterator[str]:
    """A package index (PEP 503) over a folder of wheels: a listing for each project."""
    root = wheels.with_name("index")
    for wheel in wheels.glob("*.whl"):
        project = root / "simple" / wheel.name.partition("-")[0]
        project.mkdir(parents=True)
        shutil.copy(wheel, project)

    class Listing(http.server.SimpleHTTPRequestHandler):
        def log_request(self, code: object = "-", size: object = "-") -> None:
            """Keeps the test's output free of it."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Listing, directory=str(root))) as server:
        thread = threading.Thread(target=server.serve_forever, name="index")
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/simple"
        finally:
            server.shutdown()
            thread.join()
