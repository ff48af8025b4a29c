"""What the localhost proxy costs, and whether other programs that keep it busy keep the person waiting."""

from __future__ import annotations

import http.client
import json
import random
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.bench import attack
from tests.bench.arrivals import arrive, sent_to_step_ms, warm
from tests.bench.client import Client
from tests.bench.figure import Figure, median, p99
from tests.bench.goal import Goal
from tests.bench.setting import Setting
from tests.bench.shell import Shell, measured, real_sidecar, running

REQUESTS = 500
CONNECTIONS = 16
STREAMED = 20_000  # tokens of one answer
BUSY = 64  # connections with requests that can wait: as many as the proxy serves
ARRIVALS = 60
LOW_ANSWER = 128  # tokens
SECONDS = 300.0  # of any answer
FIGURES = {
    "added_latency_p50": "ms",
    "requests_per_s": "requests/s",
    "stream_tokens_per_s": "tokens/s",
    "queue_wait_p99": "ms",
    **attack.FIGURES,
}


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


def run(setting: Setting) -> Iterator[Figure]:
    """With an engine that costs nothing: what a request takes longer than through the pipe alone, how many there are a
    second, and how fast one streams. With the real one: how long the window's own requests wait for their first step
    while `BUSY` connections of the proxy's have the engine answer requests that can wait, and while the proxy is
    attacked."""
    yield from measured(setting, FIGURES, _measure)


def _measure(setting: Setting, program: Path) -> Iterator[Figure]:
    fake = [sys.executable, "-m", "tests.bench.fake_engine", "--data-dir"]
    folder = setting.scratch / "proxied"
    with (
        running(program, folder, [*fake, folder]) as shell,
        Client([*fake, str(setting.scratch / "direct")]) as direct,
    ):
        direct.initialize()
        yield _added_latency(setting, direct, shell.port, shell.token)
        yield _requests(setting, shell.port, shell.token)
        yield from _stream(setting, direct, shell.port, shell.token)
    yield _queue_wait(setting, program)
    yield from attack.figures(setting, program)


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
    rng = random.Random(4)
    data_dir = setting.scratch / "data"
    busy = setting.rounds(BUSY)
    with running(program, data_dir, real_sidecar(setting, data_dir)) as shell:
        warm(shell, rng)
        with _busy(shell, busy, setting.tokens(LOW_ANSWER)):
            answers = arrive(shell, setting.rounds(ARRIVALS), rng)
    waits = [sent_to_step_ms(answer) for answer in answers]
    note = f"{len(waits)} arrivals of the window's, {busy} connections busy"
    return Figure("queue_wait_p99", p99(waits), "ms", goals=(Goal("<", 100),), note=note)


@contextmanager
def _busy(shell: Shell, connections: int, tokens: int) -> Iterator[None]:
    """So many connections at once, each with one request after the other; the first ones are being answered.

    Raises:
        RuntimeError: one of them was refused, or none was answered in time.
    """
    leaving, running = threading.Event(), threading.Event()
    waiting = threading.Barrier(connections + 1)
    failed: list[Exception] = []

    def ask(number: int) -> None:
        connection = Connection(shell.port, shell.token)
        try:
            waiting.wait(SECONDS)
            while not leaving.is_set():
                for line in connection.ask(f"Tell me of {number}", max_tokens=tokens, stream=True):
                    if line.startswith(b"data: {"):
                        running.set()
                    if leaving.is_set():
                        break
        except Exception as error:
            failed.append(error)
            running.set()
        finally:
            connection.close()

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(connections)]
    for thread in threads:
        thread.start()
    try:
        waiting.wait(SECONDS)
        if not running.wait(SECONDS):
            raise RuntimeError(f"nothing was answered in {SECONDS} s")
        yield
    finally:
        leaving.set()
        for thread in threads:
            thread.join()
    if failed:
        raise RuntimeError(f"{len(failed)} connections were not busy") from failed[0]
