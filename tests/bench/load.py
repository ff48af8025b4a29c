"""Background work without end: requests that are asked anew whenever one is answered."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence

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
    """Keeps a server busy with low-priority requests, as many at a time as there are prompts."""

    def __init__(self, server: Server, prompts: Sequence[Prompt], max_tokens: int, seed: int) -> None:
        self._server = server
        self._prompts = prompts
        self._max_tokens = max_tokens
        self._rng = random.Random(seed)
        self._changed = threading.Condition()
        self._stopping = False
        self._answers: list[Answer] = []
        self._failed: Answer | None = None

    def __enter__(self) -> Saturation:
        for prompt in self._prompts:
            self._ask(prompt)
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._stopping = True
        self._server.cancel_all()

    def wait_until_it_runs(self) -> None:
        """Waits until as many answers have a first piece as there are prompts, or one has ended: the rows are full.

        Raises:
            RpcError: a background request failed.
        """
        deadline = time.monotonic() + PATIENCE
        while not self._runs():
            if time.monotonic() > deadline:
                raise TimeoutError("the background work does not get going")
            time.sleep(0.02)

    def arrivals(self) -> list[float]:
        """When pieces of background answers came, in order.

        Raises:
            RpcError: a background request failed.
        """
        with self._changed:
            if self._failed is not None:
                self._failed.result()
            return sorted(moment for answer in self._answers for moment in list(answer.arrivals))

    def _runs(self) -> bool:
        self.arrivals()
        with self._changed:
            started = [answer for answer in self._answers if answer.arrivals]
            return len(started) >= len(self._prompts) // 2

    def _ask(self, prompt: Prompt) -> None:
        with self._changed:
            if self._stopping:
                return
            messages = prompt(self._rng)
            answer = self._server.chat(
                messages, priority=10, max_tokens=self._max_tokens, on_end=lambda answer: self._ended(answer, prompt)
            )
            self._answers.append(answer)

    def _ended(self, answer: Answer, prompt: Prompt) -> None:
        if answer.failed:  # not asked again: it would fail for ever
            with self._changed:
                if not self._stopping:
                    self._failed = self._failed or answer
            return
        self._ask(prompt)
