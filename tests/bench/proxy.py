"""What the localhost proxy costs, and whether the batch of other programs keeps a person waiting."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.bench.client import Client
from tests.bench.figure import Figure, median, p99, skipped
from tests.bench.goal import Goal
from tests.bench.setting import Setting
from tests.pipe import ROOT

REQUESTS = 500
CONNECTIONS = 16
STREAMED = 20_000  # tokens of one answer
BUSY = 60  # connections with requests that can wait; the proxy serves 64
ARRIVALS = 60
LOW_ANSWER, HIGH_ANSWER = 128, 2
SECONDS = 300.0  # of any answer
BUILD = ". setup/rust.sh && cd tauri-app && cargo build --quiet --locked --release -p openai-proxy --example serve"
DEBUG = BUILD.replace(" --release", "")


class Connection:
    """One of a client of the proxy, kept open."""

    def __init__(self, port: int, token: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def ask(self, text: str, *, priority: int = 10, **members: Any) -> http.client.HTTPResponse:
        body = json.dumps({"messages": [{"role": "user", "content": text}], **members})
        path = f"/v1/chat/completions?priority={priority}"
        self._connection.request("POST", path, body, self._headers)
        response = self._connection.getresponse()
        if response.status != 200:
            raise RuntimeError(f"the proxy answered {response.status}: {response.read()[:500]!r}")
        return response

    def answer(self, text: str, **members: Any) -> Any:
        return json.loads(self.ask(text, **members).read())

    def close(self) -> None:
        self._connection.close()


@contextmanager
def proxied(program: Path, data_dir: Path, command: Sequence[str | Path]) -> Iterator[tuple[int, str]]:
    """The port and the token of a proxy before that sidecar."""
    with subprocess.Popen(
        [program, data_dir, *command], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            port, token = process.stdout.readline().split()
            yield int(port), token
        finally:
            process.stdin.close()
            process.wait(SECONDS)


def run(setting: Setting) -> Iterator[Figure]:
    """With an engine that costs nothing: what a request takes longer than through the pipe alone, how many there are a
    second, and how fast one streams. With the real one: how long requests that a person waits for wait for their first
    step while `BUSY` connections have the engine answer requests that can wait."""
    # A figure is of what people run; to see that it works, what the tests have built already will do.
    built, profile = (DEBUG, "debug") if setting.quick else (BUILD, "release")
    if subprocess.run(["sh", "-c", built], cwd=ROOT, check=False).returncode:
        yield skipped("added_latency_p50", "ms", "the proxy cannot be built")
        return
    program = ROOT / f"tauri-app/target/{profile}/examples/serve"
    fake = [sys.executable, "-m", "tests.bench.fake_engine", "--data-dir"]
    folder = setting.scratch / "proxied"
    with (
        proxied(program, folder, [*fake, folder]) as (port, token),
        Client([*fake, str(setting.scratch / "direct")]) as direct,
    ):
        direct.initialize()
        yield _added_latency(setting, direct, port, token)
        yield _requests(setting, port, token)
        yield from _stream(setting, direct, port, token)
    yield _queue_wait(setting, program)


def _added_latency(setting: Setting, direct: Client, port: int, token: str) -> Figure:
    connection = Connection(port, token)
    through: list[float] = []
    past: list[float] = []
    for _ in range(setting.rounds(REQUESTS)):
        # One after the other: what the machine does beside this falls on both.
        begin = time.perf_counter()
        connection.answer("hello", max_tokens=1)
        middle = time.perf_counter()
        direct.chat("hello", max_tokens=1).result()
        through.append(middle - begin)
        past.append(time.perf_counter() - middle)
    connection.close()
    added = 1e3 * (median(through) - median(past))
    note = f"{1e3 * median(through):.2f} against {1e3 * median(past):.2f}"
    return Figure("added_latency_p50", added, "ms", goals=(Goal("<", 2),), note=note)


def _requests(setting: Setting, port: int, token: str) -> Figure:
    each = setting.rounds(REQUESTS)

    def ask() -> None:
        connection = Connection(port, token)
        for _ in range(each):
            connection.answer("hello", max_tokens=1)
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(CONNECTIONS)]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rate = CONNECTIONS * each / (time.perf_counter() - begin)
    return Figure("requests_per_s", rate, "requests/s", note=f"{CONNECTIONS} connections, client and engine in Python")


def _stream(setting: Setting, direct: Client, port: int, token: str) -> Iterator[Figure]:
    tokens = setting.tokens(STREAMED)
    connection = Connection(port, token)
    begin = time.perf_counter()
    response = connection.ask("hello", max_tokens=tokens, stream=True)
    said = sum(line.startswith(b"data: {") for line in response)
    seconds = time.perf_counter() - begin
    connection.close()
    if said < tokens:
        raise RuntimeError(f"{said} chunks came of {tokens} tokens")
    begin = time.perf_counter()
    direct.chat("hello", max_tokens=tokens, stream=True).result()
    past = tokens / (time.perf_counter() - begin)
    note = f"{past:.0f} past the proxy, to a client in Python"
    yield Figure("stream_tokens_per_s", tokens / seconds, "tokens/s", goals=(Goal(">=", 2000),), note=note)


def _queue_wait(setting: Setting, program: Path) -> Figure:
    data_dir = setting.scratch / "data"
    setting.repository.place(data_dir)
    sidecar: list[str | Path] = [
        sys.executable,
        "-m",
        "sidecar",
        "--data-dir",
        data_dir,
        "--catalog",
        setting.repository.catalog,
    ]
    leaving = threading.Event()
    waits: list[float] = []
    with proxied(program, data_dir, sidecar) as (port, token):
        person = Connection(port, token)
        person.answer("hello", priority=1, max_tokens=HIGH_ANSWER)  # the load does not count
        running = threading.Semaphore(0)

        def ask(number: int) -> None:
            connection = Connection(port, token)
            while not leaving.is_set():
                response = connection.ask(f"Tell me of {number}", max_tokens=setting.tokens(LOW_ANSWER), stream=True)
                for line in response:
                    if line.startswith(b"data: {"):
                        running.release()
                    if leaving.is_set():
                        break
            connection.close()

        busy = setting.rounds(BUSY)
        threads = [threading.Thread(target=ask, args=(number,)) for number in range(busy)]
        for thread in threads:
            thread.start()
        running.acquire()
        for number in range(setting.rounds(ARRIVALS)):
            answer = person.answer(f"What is {number}?", priority=1, max_tokens=HIGH_ANSWER)
            waits.append(answer["timings"]["queue_ms"])
        leaving.set()
        person.close()
        for thread in threads:
            thread.join()
    note = f"{len(waits)} arrivals, {busy} connections busy"
    return Figure("queue_wait_p99", p99(waits), "ms", goals=(Goal("<", 100),), note=note)
