"""Each row of a batch draws its own tokens. Imports MLX: for the engine thread only."""

from __future__ import annotations

import math

import mlx.core as mx

_MASK64 = (1 << 64) - 1


class RowSampler:
    """A logits processor that draws one token and leaves only that one, so that the batch's argmax picks it.

    mlx-vlm has one sampler for the whole batch; a processor belongs to its row. A draw depends on nothing but the
    seed, the position in the answer and the logits, so a row draws the same alone and in company. It never raises,
    as that would leave the batch's KV cache one token ahead of its text: it keeps the error and lets the row's
    likeliest token pass; whoever steps the batch looks at `error` and ends the row.
    """

    def __init__(self, *, temperature: float, top_p: float, seed: int) -> None:
        self._temperature = temperature
        self._top_p = top_p
        self._seed = seed
        self._position = 0
        self.error: Exception | None = None

    def __call__(self, _tokens: mx.array, logits: mx.array) -> mx.array:
        """`logits` and the result have the shape (1, vocabulary)."""
        try:
            key = mx.random.key(draw_seed(self._seed, self._position))
            self._position += 1
            scaled = logits.astype(mx.float32) / self._temperature
            if self._top_p < 1:
                scaled = nucleus(scaled, self._top_p)
            drawn = mx.random.categorical(scaled, key=key)
            return mx.where(mx.arange(logits.shape[-1]) == drawn[:, None], mx.zeros_like(logits), -math.inf)
        except Exception as error:
            self.error = error
            return logits


def nucleus(logits: mx.array, top_p: float) -> mx.array:
    """`logits` with all but the likeliest tokens that together reach the probability `top_p` at minus infinity
    (Holtzman et al., 2020). The likeliest one always stays, and so do those as likely as the last that is kept."""
    descending = -mx.sort(-logits, axis=-1)
    probabilities = mx.softmax(descending, axis=-1)
    before = mx.cumsum(probabilities, axis=-1) - probabilities
    likeliest = mx.arange(logits.shape[-1]) == 0
    least_kept = mx.where((before < top_p) | likeliest, descending, math.inf).min(axis=-1, keepdims=True)
    return mx.where(logits >= least_kept, logits, -math.inf)


def draw_seed(seed: int, position: int) -> int:
    """64 bits that look random for every pair of seed and position (SplitMix64's output function)."""
    state = (seed + (position + 1) * 0x9E3779B97F4A7C15) & _MASK64
    state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK64
    state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK64
    return state ^ (state >> 31)
