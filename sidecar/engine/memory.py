"""What the engine may come to need, from the model's shape, before anything is computed.

No MLX here. The terms and how they compare with what was measured stand in `BENCHMARKS.md`.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MOST_FEATURE_BYTES = 64 << 20  # kept of pictures
PREFILL_TOKENS = 256  # in one step, on a device that cannot compute one block while the next is built
PIECE_MULTIPLICATIONS = (
    1 << 27
)  # of the vision tower at a time, where attention is not fused: 13 ms on one CPU, 26 on another (measured)
PIECE_LEAST = 32  # patches; fewer take no less time
CHUNK_LEAST = 32  # positions, likewise
SCORES_SHARE = 96  # of the budget, for a layer's scores where attention keeps them: 512 positions that 1,000 precede
PICTURE_SCORES = 4  # times as much for a picture's, which come before there are keys and values of its prompt
FEATURE_COPIES = 6  # of a chunk: features or a level, chosen, beside what they are added to, and both put together
PREFIX_SHARE = 4  # a fourth of what keys and values may take is for what the background's prompts share


@dataclass(frozen=True)
class Shape:
    """Of one of the model's towers: how wide its positions are at their widest, `width` bytes a number."""

    hidden: int
    attention: int  # queries of all heads
    mlp: int
    heads: int
    width: int

    @classmethod
    def of_text(cls, config: Any, width: int) -> Shape:
        heads = int(config.num_attention_heads)
        return cls(int(config.hidden_size), heads * int(config.head_dim), int(config.intermediate_size), heads, width)

    @classmethod
    def of_vision(cls, config: Any, width: int) -> Shape:
        hidden = int(config.hidden_size)
        return cls(hidden, hidden, int(config.intermediate_size), int(config.num_heads), width)

    def block_bytes(self, positions: int) -> int:
        """The temporaries of one block: its input, residual and normalised sum; queries, keys and values; both halves
        of the MLP and their product."""
        return positions * self.width * (4 * self.hidden + 4 * self.attention + 3 * self.mlp)

    def score_bytes(self, positions: int, attended: int) -> int:
        """The scores of all heads, where attention is not fused."""
        return positions * attended * self.heads * self.width


def feature_cache_bytes(budget_bytes: int) -> int:
    """How much of the memory budget kept features may take: a 96th, and 64 MiB at most.

    A picture of 1024² pixels takes 21 MB on the 4B model (1,024 tokens × 2,560 wide × 4 levels × 2 bytes), one of
    448² 4 MB. A chat that goes on does not need them, as its keys and values are kept; more than one large picture's
    would be taken from the 400 MB that the weights leave for those under 3 GB.
    """
    return min(MOST_FEATURE_BYTES, budget_bytes // 96)


def piece_patches(multiplications: int) -> int:
    """How many patches are computed at a time that take so many multiplications each, where attention is not fused."""
    return max(PIECE_LEAST, PIECE_MULTIPLICATIONS // multiplications // PIECE_LEAST * PIECE_LEAST)


@dataclass(frozen=True)
class Memory:
    """The budget and what it goes to; bytes. `bytes_by_bits` are of one position's keys and values, by the bits of a
    number (None: the model's own type), `bytes_a_visual_token` of what the vision tower makes of a picture for one."""

    budget: int
    weights: int
    text: Shape
    layers: int  # of the text model
    vision: Shape
    fused: bool  # whether the device's attention keeps no scores
    ahead: bool  # whether a block of a prompt is built while the one before is computed
    bytes_by_bits: Mapping[int | None, int]
    bytes_a_visual_token: int

    def chunk(self, bits: int | None, read: int = 0) -> int:
        """Positions of a prompt that are read in one step once `read` of them are; a cancel waits for one. Fewer the
        longer the prompt where two blocks are there at once, with scores of each position with all before it."""
        tokens = PREFILL_TOKENS * 2 if self.ahead else PREFILL_TOKENS
        if bits is not None:
            return tokens // 2
        if self.fused or not self.ahead:
            return tokens
        scores = self._most_scores // self.text.score_bytes(1, 1)
        allowed = (math.isqrt(read**2 + 4 * scores) - read) // 2  # x(read + x) = scores
        return max(CHUNK_LEAST, min(tokens, allowed // CHUNK_LEAST * CHUNK_LEAST))

    @property
    def _most_scores(self) -> int:
        return self.budget // SCORES_SHARE

    @property
    def cuts_pictures(self) -> bool:
        """Whether the vision tower's layers take so long for a picture that they are computed a few patches at a
        time."""
        return not (self.fused or self.ahead)

    def attending(self, patches: int) -> int:
        """Of a picture of so many patches: those whose attention is computed at a time."""
        if self.fused:
            return patches
        if self.cuts_pictures:
            return min(patches, piece_patches(2 * self.vision.hidden * patches))
        allowed = PICTURE_SCORES * self._most_scores // self.vision.score_bytes(1, patches)
        return min(patches, max(PIECE_LEAST, allowed // PIECE_LEAST * PIECE_LEAST))

    def bytes_a_position(self, bits: int | None) -> int:
        return self.bytes_by_bits[bits]

    @property
    def fixed(self) -> int:
        """What is there however little is asked."""
        return self.weights + feature_cache_bytes(self.budget)

    def reading_bytes(self, positions: int, bits: int | None, *, read: int = 0, visual: int = 0) -> int:
        """What reading a prompt from its position `read` on takes at once beside its keys and values: one block of one
        chunk, or two. Of positions that are `visual` also what is put in their places."""
        first = min(self.chunk(bits, read), positions - read)
        last = min(self.chunk(bits, max(read, positions - self.chunk(bits))), positions - read)
        # Chunks grow shorter, while keys and values grow by as much for each: between the two none takes more.
        missing = (positions - read - first) * self.bytes_a_position(bits)
        return max(
            self._chunk_bytes(first, read + first, bits, visual) - missing,
            self._chunk_bytes(last, positions, bits, visual),
        )

    def _chunk_bytes(self, chunk: int, positions: int, bits: int | None, visual: int) -> int:
        """Of the chunk that ends at `positions`."""
        # There is no fused kernel for quantised keys and values.
        scores = 0 if self.fused and bits is None else self.text.score_bytes(chunk, positions)
        placed = FEATURE_COPIES * min(chunk, visual) * self.text.hidden * self.text.width
        block = self.text.block_bytes(chunk) + scores + placed
        # What a layer has is copied when it grows; for words there is room for that where features are kept.
        grown = positions * self.bytes_a_position(bits) // self.layers if self.ahead or visual else 0
        return 2 * (block + grown) if self.ahead else block + grown

    def encoding_bytes(self, patches: int) -> int:
        """What encoding a picture takes at once: one block of the vision tower. One and a half times what its widths
        say, as it rotates in float32 and its activation function makes copies (measured)."""
        block = 3 * self.vision.block_bytes(patches) // 2
        if self.fused or not patches:
            return block
        return block + self.vision.score_bytes(self.attending(patches), patches)

    def seen_bytes(self, pictures: Sequence[int]) -> int:
        """What encoded pictures of so many tokens each take until all are read, beside the features that are kept:
        those of one too large for that, and what the others have beyond it."""
        sizes, most = [tokens * self.bytes_a_visual_token for tokens in pictures], feature_cache_bytes(self.budget)
        return sum(sizes) - min(most, sum(size for size in sizes if size <= most))

    def room(self, bits: int | None, most: int) -> int:
        """How many positions of one row, prompt and answer together, the budget has room for; `most` at most."""
        return max(
            0, bisect_right(range(most + 1), self.budget, key=lambda positions: self.of_one(positions, bits)) - 1
        )

    def of_one(self, positions: int, bits: int | None) -> int:
        """What the engine takes with one row of so many positions."""
        return self.fixed + positions * self.bytes_a_position(bits) + self.reading_bytes(positions, bits)

    @property
    def keys_and_values(self) -> int:
        """What rows and kept prefixes may take together, while a prompt is read."""
        return max(0, self.budget - self.fixed - self.reading_bytes(self.chunk(None), None))
