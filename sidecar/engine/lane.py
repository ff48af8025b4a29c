"""Rows that are generated together. Imports MLX: for the engine thread only."""

from __future__ import annotations

from types import SimpleNamespace

from mlx_vlm.generate.ar import BatchGenerator

from sidecar.engine.loader import LoadedModel
from sidecar.engine.request import Finished
from sidecar.engine.row import Row
from sidecar.errors import EngineFailed, SidecarError

# More rows buy no throughput on a GPU (4 rows 170–268 tokens a second, 16 rows 217, measured), and each one more
# makes the step longer that a newcomer waits for.
ROWS = 4
PREFILL_TOKENS = 256  # in one step; a cancel or a newcomer waits for one


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
                last = failure(row.sampler.error)
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
