"""One answer on its way through a lane. Imports MLX: for the engine thread only."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np

from sidecar.engine.loader import LoadedModel
from sidecar.engine.reply import Reply
from sidecar.engine.request import Delta, Finished, Job, TokenLogprob
from sidecar.engine.sampling import Logprobs, RowSampler


class Row:
    """One answer on its way."""

    def __init__(
        self,
        job: Job,
        *,
        model: LoadedModel,
        ids: Sequence[int],
        begun: Sequence[int] = (),
        inputs: dict[str, Any],
        max_tokens: int,
        sampler: RowSampler | None,
        admitted: float,
    ) -> None:
        """`ids` and `inputs` are the prompt, as `vision.prompt_inputs` makes the latter; the last of `ids` are `begun`,
        the tokens that the answer begins with. `admitted` is of `time.monotonic`."""
        self.request = job.request
        self.deliver = job.deliver
        self.submitted = job.submitted
        self.ids = ids
        self.inputs = inputs
        self.max_tokens = max_tokens
        self.sampler = sampler
        self._admitted = admitted
        self._begun = begun
        self._completion_tokens = 0
        self._first_token = 0.0
        self._model = model
        self._reply = Reply(
            model.token_bytes,
            call=model.vocabulary.call if job.request.callable_tools else None,
            call_end=model.vocabulary.call_end,
            stop=job.request.stop,
        )

    def push(self, token: int, finish_reason: str | None) -> Finished | None:
        """Delivers what the next token brings, and returns the end of the answer if this is it."""
        if self._completion_tokens == 0:
            self._first_token = time.monotonic()
            for each in self._begun:
                self._deliver(self._reply.push(each))
        self._completion_tokens += 1
        logprobs = self.sampler.take_logprobs() if self.sampler else None
        if token not in self._model.end_tokens:
            self._deliver(self._reply.push(token, self._readable(token, logprobs) if logprobs else None))
        if finish_reason is None and not self._reply.stopped:
            return None
        self._deliver(self._reply.finish())
        if finish_reason == "length" and not self._reply.stopped:
            return self._finished("length")
        return self._finished("tool_calls" if self._reply.calls else "stop")

    @property
    def tokens_per_second(self) -> float | None:
        """The rate after the first token."""
        seconds = time.monotonic() - self._first_token
        return (self._completion_tokens - 1) / seconds if self._completion_tokens > 1 and seconds > 0 else None

    def _deliver(self, deltas: Iterator[Delta]) -> None:
        for delta in deltas:
            self.deliver(delta)

    def _readable(self, token: int, logprobs: Logprobs) -> TokenLogprob:
        spelled = self._model.token_bytes
        others = zip(np.array(logprobs.tokens)[0].tolist(), np.array(logprobs.values)[0].tolist(), strict=True)
        top = tuple(TokenLogprob(spelled(other), logprob) for other, logprob in others)
        return TokenLogprob(spelled(token), float(np.array(logprobs.drawn)[0, 0]), top)

    def _finished(self, reason: Literal["stop", "length", "tool_calls"]) -> Finished:
        now = time.monotonic()
        return Finished(
            finish_reason=reason,
            prompt_tokens=len(self.ids) - len(self._begun),
            completion_tokens=self._completion_tokens + len(self._begun),
            queued_seconds=self._admitted - self.submitted,
            first_token_seconds=self._first_token - self.submitted,
            total_seconds=now - self.submitted,
        )
