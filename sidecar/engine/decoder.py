"""The text model as `BatchGenerator` calls it: right across prefill chunks, and with bounded memory.

Imports MLX: for the engine thread only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mlx.core as mx
import numpy as np
from mlx.nn.layers.base import Module

from sidecar.engine import kv_cache
from sidecar.engine.boundary import Boundary
from sidecar.engine.sampling import RowSampler
from sidecar.engine.vision import Prompt


class ChunkAbandonedError(Exception):
    """The rest of a chunk is not computed: its row leaves the lane."""


class EvaluatedLayer(Module):
    """A layer whose result is computed before the next one is built, or while it is (`Boundary.ahead`).

    One lazy graph over all layers keeps every temporary: 4,095 tokens of the 4B model in chunks of 512 peaked at
    12.4 GB, evaluated layer by layer at 3.6 (CUDA, measured). There a device that waits for each next layer to be built
    idles most of the time: 281 tokens took 109 ms, with one layer under way 52, and in one chunk instead of two 33.
    Single tokens are left lazy, as they cost no memory, unless `boundary` wants to cut there.
    """

    def __init__(self, layer: Module, boundary: Boundary) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.layer = layer
        self._boundary = boundary
        if "self_attn" in layer:
            self.self_attn = layer.self_attn  # mlx-vlm looks here for the rotary embedding

    def __call__(self, x: mx.array, *args: Any, **kwargs: Any) -> mx.array:
        result: mx.array = self.layer(x, *args, **kwargs)
        if result.shape[-2] > 1 or self._boundary.cuts_single_tokens:
            if self._boundary.ahead:
                mx.async_eval(result)  # type: ignore[no-untyped-call]
                mx.eval(x)  # what the layer before computed
            else:
                mx.eval(result)
            read = result.shape[-2] if result.shape[-2] > 1 else 0
            if not self._boundary.passed(read=read) and read:
                raise ChunkAbandonedError
        return result


class ChunkedDecoder:
    """Wraps mlx-vlm's Qwen3-VL language model.

    `BatchGenerator` cuts a prompt's embeddings into chunks, and with them what it knows to be as long as they are. Here
    the embeddings are made chunk by chunk, and what it cuts stands for them: `inputs_embeds` is as long as the prompt
    and one wide, `deepstack_visual_embeds` says for each position which row of the pictures' features belongs there,
    -1 where none does. Whole they would be 84 MB for 4,096 tokens with a picture, twice
    that while they are cut (4B model).

    mlx-vlm 0.7.10's own way is wrong, too: it cuts `visual_pos_masks` but hands the deepstack features over whole, so
    that a picture that a chunk cuts, or a second picture in a later chunk, silently gets the first picture's rows.
    """

    def __init__(self, language_model: Any, boundary: Boundary, kv_bits: int | None = None) -> None:
        """Rows keep their keys and values in `kv_bits` bits, None in the model's own type.
        `boundary` is the layers'."""
        self._language_model = language_model
        self._boundary = boundary
        self._kv_bits = kv_bits
        self._begins_with: list[Any] | None = None
        self._prompt: Prompt | None = None
        self.abandoned = False
        """Whether a chunk of the prompt was: some layers lack it, and nothing may follow."""

    def read_next(self, prompt: Prompt | None, begins_with: list[Any] | None = None) -> None:
        """What the chunks after this are of, and the keys and values that the row has before it reads anything."""
        self._prompt = prompt
        self._begins_with = begins_with
        self.abandoned = False

    @property
    def layers(self) -> list[Any]:
        layers: list[Any] = self._language_model.layers
        return layers

    def make_cache(self) -> list[Any]:
        """The next row's; mlx-vlm asks for it before the row's first step, and merges it with others' when it joins
        them."""
        begins_with, self._begins_with = self._begins_with, None
        return kv_cache.empty(len(self.layers), self._kv_bits) if begins_with is None else begins_with

    def __call__(
        self,
        inputs: mx.array,
        *,
        inputs_embeds: mx.array,
        deepstack_visual_embeds: mx.array | None = None,
        **kwargs: Any,
    ) -> Any:
        """A chunk of the prompt that `read_next` named; None if it was abandoned. Not even then an exception: mlx-vlm
        would lose the tokens that it has just drawn for the other rows."""
        if self._boundary.cuts_single_tokens:
            # The step of the other rows ends with the logits of all of them, as long as several layers.
            mx.synchronize()
            self._boundary.passed(drawn=True)
        try:
            return self._chunk(inputs, inputs_embeds, deepstack_visual_embeds, **kwargs)
        except ChunkAbandonedError:
            self.abandoned = True
            return None

    def _chunk(
        self, inputs: mx.array, inputs_embeds: mx.array, deepstack_visual_embeds: mx.array | None, **kwargs: Any
    ) -> Any:
        if deepstack_visual_embeds is None:
            return self._language_model(inputs, **kwargs)
        rows = np.array(deepstack_visual_embeds)[0]
        positions = np.flatnonzero(rows >= 0)
        if not positions.size:
            return self._language_model(inputs, **kwargs)
        assert self._prompt is not None
        embeddings = self._language_model.model.embed_tokens(inputs)
        features, levels = self._prompt.seen(rows[positions])
        embeddings[0, mx.array(positions, dtype=mx.uint32)] = features.astype(embeddings.dtype)
        return self._language_model(
            inputs,
            inputs_embeds=embeddings,
            visual_pos_masks=mx.array(rows[None] >= 0),
            deepstack_visual_embeds=[level.astype(embeddings.dtype) for level in levels],
            **kwargs,
        )

    def supports_fused_greedy_logits_processors(self, _processors: Sequence[Sequence[RowSampler] | None]) -> bool:
        """mlx-vlm asks before it calls `fused_greedy_decode` for rows that have some."""
        return True

    def fused_greedy_decode(
        self,
        inputs: mx.array,
        *,
        cache: list[Any],
        logits_processors: Sequence[Sequence[RowSampler] | None] = (),
        **kwargs: Any,
    ) -> mx.array:
        """The next token of each row, shape (rows,), after its last one in `inputs`, shape (rows, 1).

        mlx-vlm calls this where it exists. Left alone it takes each row's logarithm of the sum of all likelihoods, and
        needs it for nothing: 2 ms a row on a CPU with 150,000 tokens (measured).
        """
        mx.async_eval(inputs)  # type: ignore[no-untyped-call]  # apart, so that they are there before the model's step is
        logits = self._language_model(inputs, cache=cache, **kwargs).logits[:, -1, :]
        if not any(logits_processors):
            return mx.argmax(logits, axis=-1)
        mx.async_eval(logits)  # type: ignore[no-untyped-call]  # under way while grammars make their masks
        samplers = [row[0] if row else None for row in logits_processors]
        tokens = [
            sampler.next_token(last, logits[row : row + 1]) if sampler else mx.argmax(logits[row], keepdims=True)[None]
            for row, (last, sampler) in enumerate(zip(np.array(inputs)[:, 0].tolist(), samplers, strict=True))
        ]
        return mx.concatenate(tokens)[:, 0]
