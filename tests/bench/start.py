"""How soon a fresh process answers."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator

from tests.bench.client import Client
from tests.bench.figure import Figure, median
from tests.bench.goal import Goal
from tests.bench.prompts import picture_prompt, text_prompt
from tests.bench.setting import Setting
from tests.pipe import Json

SPAWNS = 21
COLD_STARTS = 5
ANSWERS = 5
SIDE = 1024  # pixels of the picture
TOKENS = 64  # of a whole answer


def run(setting: Setting) -> Iterator[Figure]:
    """`spawn_to_initialized`: from starting the process to the answer of its handshake, median of 21.
    `spawn_to_first_token`: on to the first piece of the first answer, the model's load included, median of 5; `load` is
    that part of it. The process is cold; the model's files lie in the system's cache. `text` and `picture`: whole
    answers of 64 tokens to a short question, alone and about a picture of 1024², the model loaded."""
    setting.repository.place(setting.scratch / "data")
    initialized = [_spawn(setting)[0] for _ in range(setting.rounds(SPAWNS))]
    yield Figure("spawn_to_initialized", median(initialized), "s", goals=(Goal("<", 0.5),))
    cold = [_spawn(setting, ask=True) for _ in range(setting.rounds(COLD_STARTS))]
    yield Figure("spawn_to_first_token", median([first for _, first, _ in cold]), "s")
    yield Figure("load", median([load for _, _, load in cold]), "s", goals=(_on_gpu(10),))
    rng = random.Random(11)
    asked: dict[str, Callable[[], list[Json]]] = {
        "text": lambda: text_prompt(32, rng),
        "picture": lambda: picture_prompt(SIDE, 32, rng),
    }
    with setting.sidecar() as client:
        for (name, prompt), goal in zip(asked.items(), (3, 5), strict=True):
            client.chat(prompt(), max_tokens=2).result()
            seconds = [
                client.chat(prompt(), max_tokens=setting.tokens(TOKENS)).seconds for _ in range(setting.rounds(ANSWERS))
            ]
            yield Figure(name, median(seconds), "s", goals=(_on_gpu(goal),))


def _on_gpu(seconds: float) -> Goal:
    return Goal("<", seconds, device="gpu", geometry="4b")


def _spawn(setting: Setting, *, ask: bool = False) -> tuple[float, float, float]:
    """Seconds to the handshake's answer; to the first piece of an answer and of the model's load, if one is asked
    for."""
    started = time.perf_counter()
    with Client.sidecar(setting.scratch / "data", setting.repository.catalog) as client:
        client.initialize()
        initialized = time.perf_counter() - started
        if not ask:
            return initialized, 0.0, 0.0
        answer = client.chat("hello", max_tokens=2)
        answer.result()
        return initialized, answer.arrivals[0] - started, client.status()["loadSeconds"]
