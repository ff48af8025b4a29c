"""Rows that are generated together. Imports MLX: for the engine thread only."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, Literal

from mlx_vlm.generate.ar import BatchGenerator

from sidecar.engine.loader import LoadedModel
from sidecar.engine.request import Finished, Job, TextDelta
from sidecar.engine.sampling import RowSampler
from sidecar.engine.text import AnswerText
from sidecar.errors import EngineFailed, SidecarError

log = logging.getLogger(__name__)

# More rows buy no throughput on a GPU (4 rows 170–268 tokens a second, 16 rows 217, measured), and each one more
# makes the step longer that a newcomer waits for.
ROWS = 4
PREFILL_TOKENS = 256  # in one step; a cancel or a newcomer waits for one


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


class Lane:
    """A `BatchGenerator` and its rows. Prompts enter one at a time, in the order of their insertion: mlx-vlm would
    sort those that wait by their length, and long ones would starve."""

    def __init__(self, model: LoadedModel, *, rows: int = ROWS, prefill_tokens: int = PREFILL_TOKENS) -> None:
        self._most_rows = rows
        self.rows: dict[int, Row] = {}
        self._generator = BatchGenerator(
            model.decoder,
            SimpleNamespace(stopping_criteria=_EndTokens(model.end_tokens)),
            completion_batch_size=rows,
            prefill_batch_size=1,
            prefill_step_size=prefill_tokens,
            compute_logprobs=False,
        )

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def has_room(self) -> bool:
        return len(self.rows) < self._most_rows and not self._generator.has_pending_prompts

    def insert(self, row: Row) -> None:
        """Queues the row's prompt; `has_room` must hold."""
        (uid,) = self._generator.insert(
            [list(row.ids)],
            max_tokens=[row.max_tokens],
            prompt_kwargs=[row.inputs],
            logits_processors=[[row.sampler] if row.sampler else []],
        )
        row.inputs = {}  # the generator lets go of them when the prompt is read; so must we
        self.rows[uid] = row

    def cancel(self, request_id: str) -> Row | None:
        """Takes the row out, at once."""
        for uid, row in self.rows.items():
            if row.request.request_id == request_id:
                self._generator.remove(uid)
                return self.rows.pop(uid)
        return None

    def step(self) -> list[tuple[Row, Finished | SidecarError]]:
        """One token for each row and one chunk of a prompt. Returns the rows that ended, and the last thing to
        deliver to each."""
        ended: list[tuple[Row, Finished | SidecarError]] = []
        _, responses = self._generator.next()
        for response in responses:
            row = self.rows.get(response.uid)
            if row is None:
                continue
            last: Finished | SidecarError | None
            if row.sampler is not None and row.sampler.error is not None:
                last = EngineFailed("drawing a token failed", reason=type(row.sampler.error).__name__)
            else:
                last = row.push(response.token, response.finish_reason)
            if last is None:
                continue
            if response.finish_reason is None:
                self._generator.remove(response.uid)
            ended.append((self.rows.pop(response.uid), last))
        return ended

    def close(self) -> None:
        self._generator.close()


class _EndTokens:
    """What `BatchGenerator` asks of a tokenizer's `stopping_criteria`."""

    def __init__(self, tokens: frozenset[int]) -> None:
        self._tokens = tokens

    def add_eos_token_ids(self, tokens: None) -> None:
        assert tokens is None

    def __call__(self, token: int) -> bool:
        return token in self._tokens
