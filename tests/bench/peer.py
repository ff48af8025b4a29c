"""The peer: mlx-vlm's own server, in an environment of its own (`tests/peer`), with the same weights and OpenBLAS."""

from __future__ import annotations

import http.client
import json
import math
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from sidecar.engine import openblas
from tests.bench.answer import PATIENCE, Answer, body_of
from tests.pipe import ROOT, Json

NAME = "mlx_vlm.server"
_PROJECT = ROOT / "tests" / "peer"
_START_SECONDS = 300.0
_REST_SECONDS, _LOOK_SECONDS, _IDLE_SHARE = 20.0, 0.5, 0.1
_LISTENS = b"Uvicorn running on"
_OURS = ("priority",)  # members that only our sidecar knows


class PeerServer:
    """The running server. Each chat has a connection and a thread of its own."""

    def __init__(self, process: psutil.Process, port: int, model: Path) -> None:
        self._process = process
        self._port = port
        self._model = str(model)
        self._running: dict[Answer, http.client.HTTPConnection] = {}
        self._changing = threading.Lock()

    @property
    def url(self) -> str:
        """What `/chat/completions` is appended to."""
        return f"http://127.0.0.1:{self._port}/v1"

    @classmethod
    @contextmanager
    def serving(cls, model: Path, log: Path) -> Iterator[PeerServer]:
        """Starts it with the model in that folder, and ends it. What it says goes to the file `log`."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        command = [str(python()), str(_PROJECT / "serve.py"), "--model", str(model)]
        command += ["--host", "127.0.0.1", "--port", str(port)]
        kernels = {openblas.VARIABLE: core} if (core := openblas.fitting_core()) else {}  # as the sidecar's
        process = subprocess.Popen(
            command,
            cwd=log.parent,
            env=os.environ | {"HF_HUB_OFFLINE": "1", "PYTHONUNBUFFERED": "1"} | kernels,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        listens, output = threading.Event(), threading.Event()

        def read() -> None:
            assert process.stdout is not None
            with process.stdout as lines, log.open("wb", buffering=0) as file:
                for line in lines:
                    file.write(line)
                    if _LISTENS in line:
                        listens.set()
                        output.set()
            output.set()

        threading.Thread(target=read, daemon=True).start()
        try:
            output.wait(_START_SECONDS)
            if not listens.is_set():
                raise RuntimeError(f"{NAME} did not start: {log.read_text(errors='replace')[-2000:]}")
            yield cls(psutil.Process(process.pid), port, model)
        finally:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """It computes during this alone, once it is at rest: what nobody waits for any more it goes on with, beside
        whatever is measured next (a core for minutes, where a computer is slow)."""
        self._process.resume()
        self._rest()
        try:
            yield
        finally:
            self._process.suspend()

    def _rest(self) -> None:
        """Waits until it has nothing to compute, in bounds."""
        deadline, used = time.monotonic() + _REST_SECONDS, -math.inf
        while time.monotonic() < deadline and self._used() - used > _IDLE_SHARE * _LOOK_SECONDS:
            used = self._used()
            time.sleep(_LOOK_SECONDS)

    def _used(self) -> float:
        """CPU seconds."""
        times = self._process.cpu_times()
        return float(times.user + times.system)

    def chat(
        self, messages: str | list[Json], *, on_end: Callable[[Answer], None] | None = None, **members: Any
    ) -> Answer:
        body = {name: value for name, value in body_of(messages, members).items() if name not in _OURS}
        body |= {"model": self._model, "stream": True, "stream_options": {"include_usage": True}}
        answer = Answer(time.perf_counter())
        threading.Thread(target=self._ask, args=(answer, body, on_end), daemon=True).start()
        return answer

    def cancel_all(self) -> None:
        with self._changing:
            running = dict(self._running)
        for connection in running.values():
            if connection.sock:
                connection.sock.shutdown(socket.SHUT_RDWR)
        for answer in running:
            answer.wait()

    def _ask(self, answer: Answer, body: Json, on_end: Callable[[Answer], None] | None) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        with self._changing:
            self._running[answer] = connection
        try:
            connection.request("POST", "/v1/chat/completions", json.dumps(body), {"Content-Type": "application/json"})
            self._read(answer, connection.getresponse())
        except (OSError, http.client.HTTPException, ValueError, AttributeError) as error:
            # A connection that is shut down while it is read ends in any of these.
            answer.take_end(time.perf_counter(), error={"code": 0, "message": f"{NAME}: {error!r}"})
        finally:
            connection.close()
            with self._changing:
                del self._running[answer]
        if on_end:
            on_end(answer)

    def _read(self, answer: Answer, response: http.client.HTTPResponse) -> None:
        if response.status != 200:
            raise ValueError(f"{response.status}: {response.read(2000).decode(errors='replace')}")
        text: list[str] = []
        usage: Json | None = None
        for line in response:
            now = time.perf_counter()
            data = line.removeprefix(b"data: ").strip()
            if not line.startswith(b"data: ") or data == b"[DONE]":
                continue
            chunk = json.loads(data)
            answer.take_chunk(chunk, now)
            text += [choice["delta"].get("content") or "" for choice in chunk["choices"]]
            usage = chunk.get("usage") or usage
        if usage is None:
            raise ValueError("the stream was cut")
        choice = {"index": 0, "message": {"role": "assistant", "content": "".join(text)}}
        answer.take_end(time.perf_counter(), result={"choices": [choice], "usage": usage})


def python() -> Path:
    """The peer's interpreter; installs its locked project the first time. `BENCH_PEER_PYTHON` names another one, for
    machines without a network."""
    if named := os.environ.get("BENCH_PEER_PYTHON"):
        return Path(named)
    python = _PROJECT / ".venv" / "bin" / "python"
    if not python.exists():
        print(f"Installing the peer, {NAME}, into {python.parents[1]} (800 MB, once) …", file=sys.stderr)
    own = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT")}
    uv = os.environ.get("UV") or shutil.which("uv")
    if uv is None:
        raise SystemExit("The peer is installed by uv: start this through ./just, which gets it, or with --no-peer.")
    subprocess.run([uv, "sync", "--quiet", "--frozen", "--project", str(_PROJECT)], env=own, check=True)
    return python
