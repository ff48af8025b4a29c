"""Background work without end: requests that are asked anew whenever one is answered."""

from __future__ import annotations

import queue
import random
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial

from tests.bench.answer import PATIENCE, Answer, Server
from tests.bench.prompts import picture_prompt, text_prompt
from tests.pipe import Json

Prompt = Callable[[random.Random], list[Json]]

# A picture that background work is not made to shrink: 448² pixels.
MIXED: tuple[Prompt, ...] = (
    lambda rng: text_prompt(2000, rng),
    lambda rng: picture_prompt(448, 60, rng),
    *[lambda rng: text_prompt(60, rng)] * 6,
)
"""Eight requests at once: one with a long prompt, one with a picture, six short ones."""


class Saturation:
    """Keeps a server busy with low-priority requests, as many at a time as there are prompts.

    They are written by a thread of their own: the one that reads notes when pieces arrive, and must not be kept.
    """

    def __init__(self, server: Server, prompts: Sequence[Prompt], max_tokens: int, seed: int) -> None:
        self._server = server
        self._prompts = prompts
        self._max_tokens = max_tokens
        self._rng = random.Random(seed)
        self._answers: list[Answer] = []
        self._failed: list[Answer] = []
        self._stopping = False
        self._next: queue.SimpleQueue[Prompt | None] = queue.SimpleQueue()
        self._asking = threading.Thread(target=self._ask, daemon=True)

    def __enter__(self) -> Saturation:
        for prompt in self._prompts:
            self._next.put(prompt)
        self._asking.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping = True
        self._next.put(None)
        self._asking.join()
        self._server.cancel_all()

    def wait_until_it_runs(self) -> None:
        """Waits until half as many answers have begun as there are prompts: an engine may have fewer rows than that.

        Raises:
            RpcError: a background request failed.
        """
        deadline = time.monotonic() + PATIENCE
        while sum(bool(answer.arrivals) for answer in list(self._answers)) < len(self._prompts) / 2:
            if self._failed or time.monotonic() > deadline:
                self.arrivals()
                raise TimeoutError("the background work does not get going")
            time.sleep(0.02)

    def arrivals(self) -> list[float]:
        """When pieces of background answers came, in order.

        Raises:
            RpcError: a background request failed.
        """
        for answer in self._failed:
            answer.result()
        return sorted(moment for answer in list(self._answers) for moment in list(answer.arrivals))

    def _ask(self) -> None:
        while (prompt := self._next.get()) is not None and not self._stopping:
            self._answers.append(
                self._server.chat(
                    prompt(self._rng),
                    priority=10,
                    max_tokens=self._max_tokens,
                    on_end=partial(self._ended, prompt),
                )
            )

    def _ended(self, prompt: Prompt, answer: Answer) -> None:
        if not answer.failed:
            self._next.put(prompt)
        elif not self._stopping:  # not asked again: it would fail for ever
            self._failed.append(answer)
