"""The logits of the whole vocabulary, computed in pieces. Imports MLX: for the engine thread only."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import mlx.core as mx
from mlx.nn.layers.base import Module
from mlx.nn.layers.quantized import QuantizedEmbedding, QuantizedLinear

from sidecar.engine.boundary import Boundary

PIECE = 40_000
"""Tokens of the vocabulary. All 151,936 of eight rows took as long as eight layers (75 M model on a CPU: 50 ms): the
longest stretch of a step, by which the number of rows is bounded."""


class PieceByPiece:
    """x, shape (…, tokens, hidden), to logits, shape (…, tokens, vocabulary), with a boundary behind each piece of
    single tokens where those are cut. A prompt's stay lazy: nobody draws from most of them, and what nobody needs is
    never computed. The pieces share the weights' memory; the sums are those of one multiplication."""

    def __init__(self, head: Module, boundary: Boundary) -> None:
        """`head` is a linear layer without a bias or an embedding, quantised or not."""
        self._boundary = boundary
        size = head.weight.shape[0]
        self._pieces = [_piece(head, slice(start, min(start + PIECE, size))) for start in range(0, size, PIECE)]

    def __call__(self, x: mx.array) -> mx.array:
        logits, cuts = [], self._boundary.cuts_single_tokens and x.shape[-2] == 1
        for piece in self._pieces:
            logits.append(piece(x))
            if cuts:
                mx.eval(logits[-1])
                self._boundary.passed()
        return mx.concatenate(logits, axis=-1)


def cut(language_model: Any, boundary: Boundary) -> None:
    """Has the logits of an mlx-vlm language model computed in pieces."""
    if language_model.args.tie_word_embeddings:
        language_model.model.embed_tokens = TiedHead(language_model.model.embed_tokens, boundary)
    else:
        language_model.lm_head = Head(language_model.lm_head, boundary)


class Head(Module):
    """In the place of a linear layer."""

    def __init__(self, head: Module, boundary: Boundary) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._logits = PieceByPiece(head, boundary)

    def __call__(self, x: mx.array) -> mx.array:
        return self._logits(x)


class TiedHead(Module):
    """In the place of an embedding that is the head, too."""

    def __init__(self, embedding: Module, boundary: Boundary) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.embedding = embedding
        self._logits = PieceByPiece(embedding, boundary)

    def __call__(self, tokens: mx.array) -> mx.array:
        embedded: mx.array = self.embedding(tokens)
        return embedded

    def as_linear(self, x: mx.array) -> mx.array:
        return self._logits(x)


def _piece(head: Any, rows: slice) -> Callable[[mx.array], mx.array]:
    weight = head.weight[rows]
    if not isinstance(head, QuantizedLinear | QuantizedEmbedding):
        return lambda x: x @ weight.T
    scales, biases = head.scales[rows], head.get("biases")
    return partial(
        _quantised,
        weight=weight,
        scales=scales,
        biases=None if biases is None else biases[rows],
        group_size=head.group_size,
        bits=head.bits,
        mode=head.mode,
    )


def _quantised(x: mx.array, *, weight: mx.array, **form: Any) -> mx.array:
    return mx.quantized_matmul(x, weight, transpose=True, **form)
