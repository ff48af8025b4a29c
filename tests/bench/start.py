"""How soon a fresh process answers."""

from __future__ import annotations

import time
from collections.abc import Iterator

from tests.bench.client import Client
from tests.bench.figure import Figure, median
from tests.bench.setting import Setting

SPAWNS = 21
COLD_STARTS = 5


def run(setting: Setting) -> Iterator[Figure]:
    """`spawn_to_initialized`: from starting the process to the answer of its handshake, median of 21.
    `spawn_to_first_token`: on to the first piece of the first answer, the model's load included, median of 5. The
    process is cold; the model's files lie in the system's cache."""
    setting.repository.place(setting.scratch / "data")
    initialized = [_spawn(setting)[0] for _ in range(setting.rounds(SPAWNS))]
    yield Figure("spawn_to_initialized", median(initialized), "s", goal="< 0.5")
    first_token = [_spawn(setting, ask=True)[1] for _ in range(setting.rounds(COLD_STARTS))]
    yield Figure("spawn_to_first_token", median(first_token), "s")


def _spawn(setting: Setting, *, ask: bool = False) -> tuple[float, float]:
    """Seconds to the handshake's answer, and to the first piece of an answer if one is asked for."""
    started = time.perf_counter()
    with Client.sidecar(setting.scratch / "data", setting.repository.catalog) as client:
        client.initialize()
        initialized = time.perf_counter() - started
        if not ask:
            return initialized, 0.0
        answer = client.chat("hello", max_tokens=2)
        answer.result()
        return initialized, answer.arrivals[0] - started
