"""The program itself, serving: sidecar and proxy without a window."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.pipe import ROOT

PROGRAM = ROOT / "tauri-app/target/debug/knowledge-focus"
SECONDS = 60  # of any wait: the model's load is among them


@dataclass(frozen=True)
class Served:
    """A proxy that listens. `process` is the program's, the sidecar is its child."""

    process: subprocess.Popen[str]
    url: str
    token_file: Path

    @property
    def token(self) -> str:
        return self.token_file.read_text().strip()

    @property
    def port(self) -> int:
        port = urlsplit(self.url).port
        assert port is not None
        return port

    def leave(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Asks it to leave; its exit code."""
        self.process.send_signal(how)
        return self.process.wait(SECONDS)


def command(data_dir: Path, *arguments: str | Path, catalog: Path | None = None) -> list[str | Path]:
    """The command line that serves that data folder."""
    of_catalog: list[str | Path] = ["--catalog", catalog] if catalog else []
    return [PROGRAM, "serve", "--data-dir", data_dir, *of_catalog, *arguments]


@contextmanager
def serving(data_dir: Path, *arguments: str | Path, catalog: Path | None = None) -> Iterator[Served]:
    """Starts it, at a free port unless `arguments` say otherwise, and ends it."""
    where = [] if {"--port", "--socket"} & set(map(str, arguments)) else ["--port", "0"]
    with subprocess.Popen(
        command(data_dir, *where, *arguments, catalog=catalog),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"RUST_BACKTRACE": "1"},
    ) as process:
        try:
            said = lines(process)
            url = said.get(timeout=SECONDS).removeprefix("Listening at ")
            token_file = Path(said.get(timeout=SECONDS).removeprefix("Token in "))
            yield Served(process, url, token_file)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(SECONDS)


def lines(process: subprocess.Popen[str]) -> queue.Queue[str]:
    """What it says on stdout, line by line, as it comes; an empty line once it has ended."""
    said: queue.Queue[str] = queue.Queue()

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            said.put(line.rstrip("\n"))
        said.put("")

    threading.Thread(target=read, daemon=True).start()
    return said
