"""How soon the person is served again after the sidecar was killed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from tests.bench.figure import Figure, median
from tests.bench.goal import Goal
from tests.bench.setting import Setting
from tests.bench.shell import Shell, measured, real_sidecar, running
from tests.pipe import RpcError

KILLS = 11
SECONDS = 30.0
FIGURES = {
    "killed_to_pong": "s",
    "killed_to_pong_worst": "s",
    "killed_to_first_token": "s",
    "load": "s",
    "first_token_beyond_load_worst": "s",
    "pong_to_first_token_beyond_load_worst": "s",
}


def run(setting: Setting) -> Iterator[Figure]:
    """The sidecar of a shell is killed (SIGKILL) with its model loaded. `killed_to_pong`: until the next one answers
    `ping`, which the shell is asked as by its window, and again when it says that the sidecar is gone.
    `killed_to_first_token`: on to the first piece of an answer, asked for then; `load` is the model's part of it,
    `first_token_beyond_load` all else, and `pong_to_…` that without what came before the pong, which has a goal of its
    own. Medians of 11, or the worst of them."""
    yield from measured(setting, FIGURES, _measure)


def _measure(setting: Setting, program: Path) -> Iterator[Figure]:
    data_dir = setting.scratch / "data"
    with running(program, data_dir, real_sidecar(setting, data_dir)) as shell:
        shell.chat("hello", max_tokens=2).result()
        pongs, firsts, loads = zip(*(_killed(shell) for _ in range(setting.rounds(KILLS))), strict=True)
    beyond = [first - load for first, load in zip(firsts, loads, strict=True)]
    after_pong = [each - pong for each, pong in zip(beyond, pongs, strict=True)]
    yield Figure("killed_to_pong", median(pongs), "s")
    yield Figure("killed_to_pong_worst", max(pongs), "s", goals=(Goal("<", 1),))
    yield Figure("killed_to_first_token", median(firsts), "s")
    yield Figure("load", median(loads), "s")
    yield Figure("first_token_beyond_load_worst", max(beyond), "s")
    yield Figure("pong_to_first_token_beyond_load_worst", max(after_pong), "s", goals=(Goal("<=", 0.5),))


def _killed(shell: Shell) -> tuple[float, float, float]:
    """Seconds from the kill to the answer of `ping`, to the first piece of an answer, and of the model's load."""
    [sidecar] = psutil.Process(shell.process.pid).children()
    sidecar.kill()
    killed = time.perf_counter()
    while not _pong(shell):
        if time.perf_counter() - killed > SECONDS:
            raise TimeoutError(f"no sidecar within {SECONDS} s")
    pong = time.perf_counter() - killed
    answer = shell.chat("hello", max_tokens=2)
    answer.result()
    return pong, answer.arrivals[0] - killed, shell.status()["loadSeconds"]


def _pong(shell: Shell) -> bool:
    try:
        shell.request("ping", {})
    except RpcError as error:
        if not error.data["retryable"]:
            raise
        return False
    return True
