"""Each row of a batch draws its own tokens. Imports MLX: for the engine thread only."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import mlx.core as mx
import numpy as np

from sidecar.engine.grammar import Grammar

_MASK64 = (1 << 64) - 1

# Beyond any logit and any bias, and finite: where a grammar leaves nothing but forbidden tokens, one of them is taken.
FORBIDDEN = -1e4
FORBIDDING_BIAS = -100.0
OUTSIDE = -1e30  # of what a grammar does not allow: beyond those, too

FEW = 1024  # tokens that nearly always hold the whole nucleus


@dataclass(frozen=True)
class Sampling:
    """How a row chooses among its tokens: `GenerationRequest` without what is open in it. `top_k` 0 keeps all."""

    temperature: float
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    seed: int = 0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    logit_bias: Mapping[int, float] = field(default_factory=dict)
    top_logprobs: int | None = None

    @property
    def is_plain(self) -> bool:
        """Whether it is nothing but the likeliest token, which needs no processor: any costs a synchronisation."""
        changes = self.presence_penalty or self.frequency_penalty or self.logit_bias or self.top_logprobs is not None
        return self.temperature == 0 and not changes


@dataclass(frozen=True)
class Logprobs:
    """What the model thought of one position, lazily: the drawn token's log-probability, shape (1, 1), and the
    likeliest tokens with theirs, shape (1, top)."""

    drawn: mx.array
    tokens: mx.array
    values: mx.array


class RowSampler:
    """Chooses a row's tokens. In this order: bias and penalties, grammar, temperature, top-k, top-p, min-p, draw.

    mlx-vlm has one sampler for the whole batch, and processors that belong to a row: after the prompt this is one and
    leaves a single token for the batch's argmax to pick, later `ChunkedDecoder` asks it for the token. A draw depends
    on nothing but the seed, the position in the answer and the logits, so a row draws the same alone and in company.
    It never raises, as that would leave the batch's KV cache one token ahead of its text: it keeps the error and lets
    the row's likeliest token pass; whoever steps the batch looks at `error` and ends the row.
    """

    def __init__(self, sampling: Sampling, grammar: Grammar | None = None, begun: Sequence[int] = ()) -> None:
        """`begun` is what the answer holds already; `grammar` has gone past it."""
        self._last: int | None = None
        self._sampling = sampling
        self._grammar = grammar
        self._begun = begun
        self._position = len(begun)
        self._bias: mx.array | None = None
        self._counts: mx.array | None = None  # how often the answer holds each token, shape (1, vocabulary)
        self._mask: bytes | None = None  # the grammar's last, and what it adds
        self._outside: mx.array | None = None
        self._logprobs: list[Logprobs] = []
        self.error: Exception | None = None

    def __call__(self, _tokens: mx.array, logits: mx.array) -> mx.array:
        """The first token after a prompt, as logits that leave no other; both have the shape (1, vocabulary)."""
        last, self._last = self._last, None
        nothing = mx.full(logits.shape, -math.inf, dtype=logits.dtype)
        return mx.put_along_axis(nothing, self.next_token(last, logits), mx.zeros((1, 1), logits.dtype), axis=-1)

    def next_token(self, last: int | None, logits: mx.array) -> mx.array:
        """The token after `last`, shape (1, 1)."""
        try:
            scores = logits.astype(mx.float32)
            drawn = self._drawn(self._constrained(last, scores))
            self._position += 1
            if self._sampling.top_logprobs is not None:
                self._logprobs.append(_logprobs(scores, drawn, self._sampling.top_logprobs))
            return drawn
        except Exception as error:
            self.error = error
            return mx.argmax(logits, axis=-1, keepdims=True)

    def goes_on_after(self, token: int) -> None:
        """What the row has so far is read anew, as a prompt; it ends with `token`."""
        self._last = token

    def take_logprobs(self) -> Logprobs | None:
        """Those of the oldest token not taken yet, if they were asked for."""
        return self._logprobs.pop(0) if self._logprobs else None

    def _constrained(self, last: int | None, scores: mx.array) -> mx.array:
        """`scores` after grammar, bias and penalties."""
        sampling = self._sampling
        if self._bias is None and sampling.logit_bias:
            self._bias = _bias(sampling.logit_bias, scores.shape[-1])
        if self._bias is not None:
            scores = scores + self._bias
        if sampling.presence_penalty or sampling.frequency_penalty:
            if self._counts is None:
                self._counts = _times(self._begun, scores.shape[-1])
            if last is not None:
                self._counts = self._counts.at[0, last].add(1.0)
            scores = scores - sampling.frequency_penalty * self._counts - sampling.presence_penalty * (self._counts > 0)
        if self._grammar is not None:
            if last is not None:
                self._grammar.advance(last)
            if (mask := self._grammar.bitmask()) is not None:
                if mask != self._mask or self._outside is None:  # within a text it is the same from token to token
                    self._mask, self._outside = mask, penalty(mask, scores.shape[-1])
                scores = scores + self._outside
        return scores

    def _drawn(self, scores: mx.array) -> mx.array:
        """The token, shape (1, 1)."""
        sampling = self._sampling
        if sampling.temperature == 0:
            return mx.argmax(scores, axis=-1, keepdims=True)
        scores = scores / sampling.temperature
        tokens, top_p = self._candidates(scores)
        if tokens is not None:
            scores = mx.take_along_axis(scores, tokens, axis=-1)
        if top_p < 1:
            scores = nucleus(scores, top_p)
        if sampling.min_p > 0:
            scores = mx.where(
                scores >= scores.max(axis=-1, keepdims=True) + math.log(sampling.min_p), scores, -math.inf
            )
        drawn = mx.random.categorical(scores, key=mx.random.key(draw_seed(sampling.seed, self._position)))[:, None]
        return drawn if tokens is None else mx.take_along_axis(tokens, drawn, axis=-1)

    def _candidates(self, scores: mx.array) -> tuple[mx.array | None, float]:
        """The only tokens that need to be looked at, None for all, and the part of their probability to keep: sorting
        a vocabulary of 150,000 takes longer than many a model's step (22 ms on a CPU)."""
        top_k, top_p = self._sampling.top_k, self._sampling.top_p
        if 0 < top_k < scores.shape[-1]:
            return _likeliest(scores, top_k), top_p
        if top_p < 1 and scores.shape[-1] > FEW:
            few = _likeliest(scores, FEW)
            held = mx.logsumexp(mx.take_along_axis(scores, few, axis=-1))
            share = float(np.array(mx.exp(held - mx.logsumexp(scores))))
            if share >= top_p:
                return few, top_p / share
        return None, top_p


def _likeliest(scores: mx.array, count: int) -> mx.array:
    """The numbers of the `count` likeliest tokens, in no order."""
    return mx.argpartition(-scores, kth=max(count - 1, 0), axis=-1)[:, :count]


def nucleus(logits: mx.array, top_p: float) -> mx.array:
    """`logits` with all but the likeliest tokens that together reach the probability `top_p` at minus infinity
    (Holtzman et al., 2020). The likeliest one always stays, and so do those as likely as the last that is kept."""
    descending = -mx.sort(-logits, axis=-1)
    probabilities = mx.softmax(descending, axis=-1)
    before = mx.cumsum(probabilities, axis=-1) - probabilities
    likeliest = mx.arange(logits.shape[-1]) == 0
    least_kept = mx.where((before < top_p) | likeliest, descending, math.inf).min(axis=-1, keepdims=True)
    return mx.where(logits >= least_kept, logits, -math.inf)


def penalty(bitmask: bytes, size: int) -> mx.array:
    """What to add to logits so that only the tokens whose bit is set are drawn, shape (1, size)."""
    if mx.default_device() == mx.gpu:  # unpacked there, as to bring it there takes longer: 19 KB instead of 600
        return _unpacked(mx.array(np.frombuffer(bitmask, dtype=np.uint32)))[None, :size]
    # To select by booleans takes MLX 0.9 ms on a CPU for 150,000 tokens, to add 0.1, and numpy 0.06 to make this
    # (measured).
    values = np.unpackbits(np.frombuffer(bitmask, dtype=np.uint8), count=size, bitorder="little").astype(np.float32)
    values -= 1
    values *= -OUTSIDE
    return mx.array(values[None])


def _unpacked(words: mx.array) -> mx.array:
    """`OUTSIDE` for each bit that is not set, lowest bits first, and 0 for each that is."""
    bits = (words[:, None] >> mx.arange(32, dtype=mx.uint32)) & 1
    return ((bits.astype(mx.float32) - 1) * -OUTSIDE).flatten()


def draw_seed(seed: int, position: int) -> int:
    """64 bits that look random for every pair of seed and position (SplitMix64's output function)."""
    state = (seed + (position + 1) * 0x9E3779B97F4A7C15) & _MASK64
    state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK64
    state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK64
    return state ^ (state >> 31)


def _bias(logit_bias: Mapping[int, float], size: int) -> mx.array:
    dense = np.zeros((1, size), dtype=np.float32)
    for token, bias in logit_bias.items():
        dense[0, token] = FORBIDDEN if bias <= FORBIDDING_BIAS else bias
    return mx.array(dense)


def _times(tokens: Sequence[int], size: int) -> mx.array:
    """How often there is each token, shape (1, size). One by one, 3,900 took 116 ms (measured), now 1."""
    return mx.array(np.bincount(np.array(tokens, dtype=np.int64), minlength=size).astype(np.float32)[None])


def _logprobs(scores: mx.array, drawn: mx.array, top: int) -> Logprobs:
    """Of the model's own distribution: before grammar, bias, penalties and temperature."""
    logprobs = scores - mx.logsumexp(scores, axis=-1, keepdims=True)
    likeliest = _likeliest(logprobs, top)
    values = mx.take_along_axis(logprobs, likeliest, axis=-1)
    order = mx.argsort(-values, axis=-1)
    result = Logprobs(
        mx.take_along_axis(logprobs, drawn, axis=-1),
        mx.take_along_axis(likeliest, order, axis=-1),
        mx.take_along_axis(values, order, axis=-1),
    )
    mx.async_eval(result.drawn, result.tokens, result.values)  # type: ignore[no-untyped-call]
    return result
