"""One answer on its way through a lane. Imports MLX: for the engine thread only."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Literal

from sidecar.engine.loader import LoadedModel
from sidecar.engine.request import Finished, Job, TextDelta
from sidecar.engine.sampling import RowSampler
from sidecar.engine.text import AnswerText


class Row:
    """One answer on its way."""

    def __init__(
        self,
        job: Job,
        *,
        model: LoadedModel,
        ids: Sequence[int],
        inputs: dict[str, Any],
        max_tokens: int,
        sampler: RowSampler | None,
        admitted: float,
    ) -> None:
        """`ids` and `inputs` are the prompt, as `vision.prompt_inputs` makes the latter; `admitted` is of
        `time.monotonic`."""
        self.request = job.request
        self.deliver = job.deliver
        self.submitted = job.submitted
        self.ids = ids
        self.inputs = inputs
        self.max_tokens = max_tokens
        self.sampler = sampler
        self._admitted = admitted
        self._completion_tokens = 0
        self._first_token = 0.0
        self._end_tokens = model.end_tokens
        self._text = AnswerText(model.token_bytes, job.request.stop)

    def push(self, token: int, finish_reason: str | None) -> Finished | None:
        """Delivers the text that the next token brings, and returns the end of the answer if this is it."""
        if self._completion_tokens == 0:
            self._first_token = time.monotonic()
        self._completion_tokens += 1
        text = "" if token in self._end_tokens else self._text.push(token)
        done = finish_reason is not None or self._text.stopped
        if done and not self._text.stopped:
            text += self._text.finish()
        if text:
            self.deliver(TextDelta(text))
        if not done:
            return None
        return self._finished("length" if finish_reason == "length" and not self._text.stopped else "stop")

    @property
    def tokens_per_second(self) -> float | None:
        """The rate after the first token."""
        seconds = time.monotonic() - self._first_token
        return (self._completion_tokens - 1) / seconds if self._completion_tokens > 1 and seconds > 0 else None

    def _finished(self, reason: Literal["stop", "length"]) -> Finished:
        now = time.monotonic()
        return Finished(
            finish_reason=reason,
            prompt_tokens=len(self.ids),
            completion_tokens=self._completion_tokens,
            queued_seconds=self._admitted - self.submitted,
            first_token_seconds=self._first_token - self.submitted,
            total_seconds=now - self.submitted,
        )
