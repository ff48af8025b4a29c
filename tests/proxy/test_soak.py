"""Requests of every sort while the sidecar is killed again and again.

`SOAK=10000` makes so many, with a kill every 15 to 25 s; a run of all tests makes a few hundred, with three kills. The
real engine answers, on a small model: what a kill can leave half done is the engine's, the worker's and the database's,
and an engine that costs nothing would have none of it."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.proxy.serving import serving
from tests.proxy.traffic import DECK, Ended, Traffic
from tests.rpc.asking import MODEL

SOAK = int(os.environ.get("SOAK", "300"))
WHOLE = SOAK >= 10_000
PAUSE_SECONDS = (12.0, 22.0) if WHOLE else (1.0, 2.0)
"""Between the first answer and the kill; a restart and the model's load take some three more."""
KILLS = SOAK if WHOLE else 3
"""At most: the supervisor gives up after five within a minute of sidecars that were as young as this."""
MOST_GROWTH = 10e6  # bytes, after the first tenth of the requests


@pytest.mark.timeout(120 + SOAK // 2)
def test_over_many_requests_and_kills_each_request_ends_well_and_the_proxy_does_not_grow(
    model_data: Path, model_catalog: Path
) -> None:
    with serving(model_data, catalog=model_catalog) as served:
        program = psutil.Process(served.process.pid)
        traffic = Traffic(served.port, served.token, MODEL, seed=SOAK)
        with killing_its_sidecar(program, traffic) as killed:
            traffic.run(SOAK // 10)
            before = program.memory_info().rss
            traffic.run(SOAK - SOAK // 10)
            while len(killed) < min(KILLS, 3):
                traffic.run(1)
        after = program.memory_info().rss
        print(f"\n{len(killed)} kills; the proxy {before / 1e6:.1f} MB, then {after / 1e6:.1f}")
        for (sort, ended), count in sorted(traffic.ends.items(), key=str):
            print(f"{count:6} {sort}: {ended.value}")
        assert {sort.__name__ for sort in DECK} == {sort for sort, ended in traffic.ends if ended != Ended.RETRYABLE}
        assert after - before <= MOST_GROWTH


@contextmanager
def killing_its_sidecar(program: psutil.Process, traffic: Traffic) -> Iterator[list[int]]:
    """Kills the sidecar of the program again and again, each some time after its first answer: on a busy machine a
    model may take longer to load than there is between two kills. Yields the processes that were killed."""
    rng = random.Random(SOAK)
    killed: list[int] = []
    over = threading.Event()

    def kill() -> None:
        while len(killed) < KILLS:
            traffic.answered.wait()
            if over.wait(rng.uniform(*PAUSE_SECONDS)):
                return
            for sidecar in program.children():
                sidecar.kill()
                killed.append(sidecar.pid)
            traffic.answered.clear()

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield killed
    finally:
        over.set()
        traffic.answered.set()
        thread.join()
