"""Rows that are generated together. Imports MLX: for the engine thread only."""

from __future__ import annotations

import logging
import sys
from types import SimpleNamespace
from typing import Literal

import mlx.core as mx
from mlx_vlm.generate.ar import BatchGenerator
from mlx_vlm.models.cache import KVCache

from sidecar.engine import kv_cache, vision
from sidecar.engine.decoder import ChunkedDecoder
from sidecar.engine.loader import LoadedModel
from sidecar.engine.prefixes import PrefixCache
from sidecar.engine.request import Finished
from sidecar.engine.row import Row
from sidecar.errors import EngineFailed, SidecarError

log = logging.getLogger(__name__)

# More buy little: on a GPU 8 rows make as many tokens a second as 16, and on two CPU cores rows share only the reading
# of the weights (measured).
MOST_ROWS = 8
KV_STEP = 256  # positions by which mlx-vlm's caches grow

Keeps = Literal["whole answers", "what prompts share"]
Ended = tuple[Row, Finished | SidecarError | None]
"""A row, and the last thing to deliver to it; None where it goes on later."""


class Lane:
    """A `BatchGenerator` and its rows. Prompts enter one at a time, in the order of their insertion: mlx-vlm would
    sort those that wait by their length, and long ones would starve.

    It ends its rows itself: the generator drops the keys and values of one that it ends before anybody could keep
    them.
    """

    def __init__(
        self,
        model: LoadedModel,
        *,
        keeps: Keeps,
        prefix_bytes: int,
        kv_bits: int | None = None,
    ) -> None:
        """`keeps` says what later rows may begin with, in `prefix_bytes` at most: all of an answer, for a chat to go on
        from there, or what prompts have in common. `kv_bits` None keeps keys and values in the model's own type."""
        self.rows: dict[int, Row] = {}
        self.prefixes = PrefixCache(prefix_bytes)
        self._model = model
        self._keeps = keeps
        self._kv_bits = kv_bits
        self.most_read = model.memory.chunk(kv_bits)
        """Positions of a prompt that a step reads at most, ever."""
        self._reads_at_most = self.most_read
        self._bytes_a_position = model.memory.bytes_a_position(kv_bits)
        self._decoder = ChunkedDecoder(model.model.language_model, model.boundary, kv_bits)
        self._generator = BatchGenerator(
            self._decoder,
            SimpleNamespace(stopping_criteria=_NoEnd()),
            completion_batch_size=MOST_ROWS,
            prefill_batch_size=1,
            prefill_step_size=self.most_read,
            compute_logprobs=False,
        )

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def has_room(self) -> bool:
        return len(self.rows) < MOST_ROWS and not self.reads_prompt

    @property
    def reads_prompt(self) -> bool:
        """Whether the next step computes a part of a prompt, too."""
        return bool(self._generator.has_pending_prompts)

    @property
    def has_abandoned(self) -> bool:
        """Whether the youngest row's prompt was given up in the midst of a chunk: the row is to be evicted."""
        return self._decoder.abandoned

    @property
    def drawing(self) -> int:
        """How many rows get a token with each step; the others wait for their prompts to be read."""
        batch = self._generator._generation_batch
        return 0 if batch is None else len(batch.uids)

    @property
    def delays_streams(self) -> bool:
        """Whether the prompt that is read next keeps rows waiting for their tokens that are no less urgent."""
        if not self.reads_prompt:
            return False
        *streams, reader = self.rows.values()
        return any(row.request.rank <= reader.request.rank for row in streams)

    def read_at_most(self, tokens: int) -> None:
        """How many positions of a prompt the next steps read, where there is memory for so many."""
        self._reads_at_most = tokens

    def _cut_chunk(self) -> None:
        prompts = self._generator._prompt_batch
        read = next(reversed(self.rows.values())).cached_tokens
        read += 0 if prompts is None else prompts._processed_prompt_columns
        tokens = min(self._reads_at_most, self._model.memory.chunk(self._kv_bits, read))
        # mlx-vlm hands the generator's own number to each prompt when it begins.
        self._generator.prefill_step_size = tokens
        if prompts is not None:
            prompts.prefill_step_size = tokens

    def needs(self, new: Row | None = None) -> int:
        """Bytes that its rows may come to take, with that one more. In a batch each row is as long as the longest."""
        rows = [*self.rows.values(), *([new] if new else [])]
        longest = max((row.most_positions for row in rows), default=0)
        keys_and_values = len(rows) * -(-longest // KV_STEP) * KV_STEP * self._bytes_a_position
        return keys_and_values + self.prefixes.nbytes + self._reading_bytes(new)

    def _reading_bytes(self, new: Row | None) -> int:
        """What the prompt of the youngest row takes beside its keys and values; nothing once it is read."""
        if new is None and not self.reads_prompt:
            return 0
        row, memory = new or next(reversed(self.rows.values())), self._model.memory
        positions, read = len(row.sequence), row.cached_tokens
        if new is not None and not read and (hit := self.prefixes.longest(row.key)):
            read = hit[1]  # as `begin` will find
        most = memory.reading_bytes(positions, self._kv_bits, read=read)
        pictures, end = row.unread_pictures(read)
        if not pictures:
            return most
        # A row's pictures are encoded before there are keys and values of it, and read before there are all.
        encoding = memory.encoding_bytes(row.most_patches) - positions * self._bytes_a_position
        showing = memory.reading_bytes(end, self._kv_bits, read=read, visual=sum(pictures))
        showing -= (positions - end) * self._bytes_a_position
        return memory.seen_bytes(pictures) + max(most, encoding, showing)

    def begin(self, row: Row) -> None:
        """Finds out how much of the row's prompt has been read already, and holds it for the row."""
        row.begins_with, row.cached_tokens = None, 0
        if (hit := self.prefixes.longest(row.key)) is None:
            return
        prefix, shared = hit
        row.begins_with, row.cached_tokens = kv_cache.beginning(prefix.layers, shared), shared
        if self._keeps == "what prompts share":
            self.prefixes.cut(prefix, shared)

    def insert(self, row: Row) -> None:
        """Encodes the row's pictures and queues its prompt; `has_room` must hold, and `begin` was called."""
        model, begins_with, read = self._model, row.begins_with, row.cached_tokens
        row.begins_with = None
        row.is_computed_now()
        prompt = vision.prompt(model.model, row.sequence, row.pictures, model.features, read=read)
        self._decoder.read_next(prompt, begins_with)
        (uid,) = self._generator.insert(
            [row.sequence[read:]],
            max_tokens=[sys.maxsize],
            prompt_kwargs=[prompt.members],
            logits_processors=[[row.sampler] if row.sampler else []],
        )
        self.rows[uid] = row

    def cancel(self, request_id: str) -> Row | None:
        """Takes the row out, at once, and returns it if it was here."""
        for uid, row in self.rows.items():
            if row.request.request_id == request_id:
                self._remove(uid)
                return row
        return None

    def evict(self) -> Ended:
        """Takes the youngest row out, to go on later as if nothing had been: what it has is read again then. Its next
        token is drawn already, and delivered; that may have been its last. No step may be under way."""
        uid, row = next(reversed(self.rows.items()))
        batch, last = self._generator._generation_batch, None
        if uid in batch.uids:
            token = int(batch._next_tokens[batch.uids.index(uid)].item())
            last = self._pushed(row, token)
            if row.sampler is not None:
                row.sampler.goes_on_after(token)
        self._generator.remove(uid)
        del self.rows[uid]
        return row, last

    def step(self) -> list[Ended]:
        """One token for each row and one chunk of a prompt. Returns the rows that ended, and the last thing to
        deliver to each."""
        ended: list[Ended] = []
        if self.reads_prompt:
            self._cut_chunk()
        _, responses = self._generator.next()
        if not self.reads_prompt:
            self._decoder.read_next(None)
        for response in responses:
            row = self.rows[response.uid]
            last = self._pushed(row, response.token)
            if self._keeps == "what prompts share" and len(row.tokens) == 1 and not row.cached_tokens:
                self._try_to_keep(response.uid, copy=True)
            if last is not None:
                self._remove(response.uid)
                ended.append((row, last))
        return ended

    def _pushed(self, row: Row, token: int) -> Finished | SidecarError | None:
        """What goes wrong in it is the row's own, and ends no other."""
        if row.sampler is not None and row.sampler.error is not None:
            return failure(row.sampler.error)
        try:
            return row.push(token)
        except Exception as error:
            log.exception("A token could not be delivered, request=%s", row.request.request_id)
            return failure(error)

    def _remove(self, uid: int) -> None:
        if self._keeps == "whole answers":
            self._try_to_keep(uid, copy=False)
        self._generator.remove(uid)
        del self.rows[uid]

    def _try_to_keep(self, uid: int, *, copy: bool) -> None:
        try:
            self._keep(uid, copy=copy)
        except Exception:  # it only makes a later answer faster
            log.exception("What a request has read could not be kept")

    def _keep(self, uid: int, *, copy: bool) -> None:
        """Keeps what the row has read. Without `copy` it reads nothing more."""
        row = self.rows[uid]
        for batch in (self._generator._generation_batch, self._generator._prompt_batch):
            if batch is None or uid not in batch.uids:
                continue
            layers = batch.prompt_cache
            alone = all(isinstance(layer, KVCache) for layer in layers)
            if alone and not layers[0].offset:
                return
            if copy or not alone:
                layers = kv_cache.copied(layers, batch.uids.index(uid))
            self.prefixes.keep(row.key[: layers[0].offset], list(layers))

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
    return EngineFailed("a token of the answer failed", reason=type(error).__name__)


class _NoEnd:
    """What `BatchGenerator` asks of a tokenizer's `stopping_criteria`."""

    def add_eos_token_ids(self, tokens: None) -> None:
        assert tokens is None

    def __call__(self, token: int) -> bool:
        return False
