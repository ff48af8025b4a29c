"""A chat on its way, as its client sees it, whoever serves it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.pipe import Json, RpcError

PATIENCE = 600.0  # seconds for one answer: a GPU's very first load, or the end of a long queue


@dataclass(eq=False)
class Answer:
    """Moments are of `time.perf_counter`; `arrivals` are those of the pieces that bring text or a tool call."""

    sent: float
    arrivals: list[float] = field(default_factory=list)
    ended: float | None = None
    timings: Json | None = None
    """What the engine itself measured, where it tells: `queue_ms`, `prefill_ms`, `ttft_ms`, `tokens_per_second`."""
    _result: Json | None = None
    _error: Json | None = None
    _done: threading.Event = field(default_factory=threading.Event)

    def wait(self, timeout: float = PATIENCE) -> None:
        """Waits for the end, good or bad.

        Raises:
            TimeoutError: it did not come in `timeout` seconds.
        """
        if not self._done.wait(timeout):
            raise TimeoutError(f"no answer within {timeout} s")

    def result(self) -> Json:
        """The whole answer.

        Raises:
            RpcError: the request was refused or failed.
        """
        self.wait()
        if self._error is not None:
            raise RpcError(self._error)
        assert self._result is not None
        return self._result

    def answered_timings(self) -> Json:
        """`timings`, once the answer is there."""
        self.result()
        assert self.timings is not None
        return self.timings

    @property
    def failed(self) -> bool:
        """Whether it ended with an error."""
        return self._error is not None

    @property
    def text(self) -> str:
        content: str | None = self.result()["choices"][0]["message"]["content"]
        return content or ""

    @property
    def tokens(self) -> int:
        """Tokens generated."""
        count: int = self.result()["usage"]["completion_tokens"]
        return count

    @property
    def ttft(self) -> float:
        """Seconds from the request to its first piece."""
        self.result()
        return self.arrivals[0] - self.sent

    @property
    def seconds(self) -> float:
        """Seconds from the request to its end."""
        self.result()
        assert self.ended is not None
        return self.ended - self.sent

    @property
    def seconds_per_token(self) -> float:
        """Of decoding: the first token is not counted."""
        tokens = self.tokens
        return (self.arrivals[-1] - self.arrivals[0]) / (tokens - 1)

    def take_chunk(self, chunk: Json, now: float) -> None:
        """A chunk came."""
        self.timings = chunk.get("timings") or self.timings
        for choice in chunk["choices"]:
            if choice["delta"].get("content") or choice["delta"].get("tool_calls"):
                self.arrivals.append(now)

    def take_end(self, now: float, *, result: Json | None = None, error: Json | None = None) -> None:
        """The answer is complete, or failed."""
        self.ended, self._result, self._error = now, result, error
        if result is not None:
            self.timings = result.get("timings") or self.timings
        self._done.set()


class Server(Protocol):
    """Who answers chats: the sidecar, or a peer."""

    def chat(
        self, messages: str | list[Json], *, on_end: Callable[[Answer], None] | None = None, **members: Any
    ) -> Answer:
        """Sends a chat, streamed, greedy and of high priority unless `members` say otherwise. `on_end` is called by
        the thread that reads, and must not wait."""

    def cancel_all(self) -> None:
        """Cancels all chats that run, and returns when they have ended."""


def body_of(messages: str | list[Json], members: Json) -> Json:
    """The request's body, with the defaults that `Server.chat` promises."""
    if isinstance(messages, str):
        messages = [{"role": "user", "content": messages}]
    return {"messages": messages, "stream": True, "temperature": 0, "priority": 1} | members
