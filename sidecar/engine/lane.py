"""Rows that are generated together. Imports MLX: for the engine thread only."""

from __future__ import annotations

from types import SimpleNamespace

import mlx.core as mx
from mlx_vlm.generate.ar import BatchGenerator

from sidecar.engine.loader import LoadedModel
from sidecar.engine.request import Finished
from sidecar.engine.row import Row
from sidecar.errors import EngineFailed, SidecarError

# More buy little: on a GPU 8 rows make as many tokens a second as 16, and on two CPU cores rows share only the reading
# of the weights (measured).
MOST_ROWS = 8
PREFILL_TOKENS = 256  # in one step; a cancel waits for one


class Lane:
    """A `BatchGenerator` and its rows. Prompts enter one at a time, in the order of their insertion: mlx-vlm would
    sort those that wait by their length, and long ones would starve."""

    def __init__(self, model: LoadedModel, *, rows: int = MOST_ROWS, prefill_tokens: int = PREFILL_TOKENS) -> None:
        self.rows: dict[int, Row] = {}
        self._most_rows = rows
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
        return len(self.rows) < self._most_rows and not self.reads_prompt

    @property
    def reads_prompt(self) -> bool:
        """Whether the next step computes a part of a prompt, too."""
        return bool(self._generator.has_pending_prompts)

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

    def cancel(self, request_id: str) -> bool:
        """Takes the row out, at once. False if it is not here."""
        for uid, row in self.rows.items():
            if row.request.request_id == request_id:
                self._generator.remove(uid)
                del self.rows[uid]
                return True
        return False

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
                last = failure(row.sampler.error)
            else:
                last = row.push(response.token, response.finish_reason)
            if last is None:
                continue
            if response.finish_reason is None:
                self._generator.remove(response.uid)
            ended.append((self.rows.pop(response.uid), last))
        return ended

    def settle(self) -> None:
        """Waits for what the last step has set going: mlx-vlm enqueues the step after it before it returns, and whoever
        came now would wait for two."""
        mx.synchronize(self._generator.stream)

    def close(self) -> None:
        self._generator.close()


def failure(error: Exception) -> SidecarError:
    """What a row's own error is to its caller."""
    if isinstance(error, SidecarError):
        return error
    return EngineFailed("drawing a token failed", reason=type(error).__name__)


class _EndTokens:
    """What `BatchGenerator` asks of a tokenizer's `stopping_criteria`."""

    def __init__(self, tokens: frozenset[int]) -> None:
        self._tokens = tokens

    def add_eos_token_ids(self, tokens: None) -> None:
        assert tokens is None

    def __call__(self, token: int) -> bool:
        return token in self._tokens
