"""mlx-vlm's vision tower, computed part by part. Imports MLX: for the engine thread only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise, starmap
from typing import Any

import mlx.core as mx
from mlx.nn.layers.base import Module
from mlx_vlm.models.base import ensure_fused_sdpa
from mlx_vlm.models.qwen3_vl.vision import apply_rotary_pos_emb_vision

from sidecar.engine.boundary import Boundary
from sidecar.engine.memory import Memory, piece_patches


def cut(tower: Any, boundary: Boundary, memory: Memory) -> None:
    """Has each part of the tower computed before the next is built, and on a CPU a few patches at a time: a block of a
    picture of 1,024² pixels was a stretch of 850 ms there, and is none of over 50 (75 M model, measured). On a GPU only
    attention is cut, where it keeps scores, for their memory."""
    hidden, merged = int(tower.config.hidden_size), int(tower.merger.linear_fc1.weight.shape[0])
    pixels = tower.patch_embed.proj.weight.size // hidden
    merging = (merged + int(tower.config.out_hidden_size)) * merged // int(tower.config.spatial_merge_size) ** 2

    def piecewise(layer: Module, multiplications: int) -> PieceByPiece:
        return PieceByPiece(layer, boundary, piece_patches(multiplications) if memory.cuts_pictures else None)

    tower.patch_embed = piecewise(tower.patch_embed, pixels * hidden)
    tower.blocks = [EvaluatedBlock(block, boundary, tower.config, memory) for block in tower.blocks]
    tower.deepstack_merger_list = [piecewise(merger, merging) for merger in tower.deepstack_merger_list]
    tower.merger = piecewise(tower.merger, merging)


def pieces(start: int, end: int, most: int | None) -> Iterator[slice]:
    """From `start` to `end`, of `most` at a time; None: all at once."""
    for begin in range(start, end, most or end - start):
        yield slice(begin, min(end, begin + (most or end)))


def computed(parts: Iterable[mx.array], boundary: Boundary) -> mx.array:
    """All parts, one after the other, with a boundary behind each."""
    done = []
    for part in parts:
        mx.eval(part)
        boundary.passed()
        done.append(part)
    return done[0] if len(done) == 1 else mx.concatenate(done)


class PieceByPiece(Module):
    """A layer to which patches are independent, or four by four that follow each other."""

    def __init__(self, layer: Module, boundary: Boundary, most: int | None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.layer = layer
        self._boundary = boundary
        self._most = most
        if "proj" in layer:
            self.proj = layer.proj  # where one looks for the type of the pixels

    def __call__(self, x: mx.array) -> mx.array:
        return computed((self.layer(x[piece]) for piece in pieces(0, len(x), self._most)), self._boundary)


class EvaluatedBlock(Module):
    """A block of the tower, whose attention is computed before its MLP is built, and both before the next block: a
    picture of 1,024² pixels peaks at 238 MB instead of 413 evaluated block by block (4B model on CUDA, measured)."""

    def __init__(self, block: Module, boundary: Boundary, config: Any, memory: Memory) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.block = block
        self._boundary = boundary
        self._hidden, self._mlp = int(config.hidden_size), int(config.intermediate_size)
        self._memory = memory

    def __call__(self, x: mx.array, *, cu_seqlens: mx.array, rotary_pos_emb: mx.array) -> mx.array:
        """x, shape (patches, hidden); between two of `cu_seqlens` lie the patches of one picture."""
        attended = computed(self._attended(x, cu_seqlens, rotary_pos_emb), self._boundary)
        mlp = PieceByPiece(self.block.mlp, self._boundary, self._most(2 * self._hidden * self._mlp))
        return attended + mlp(self.block.norm2(attended))

    def _attended(self, x: mx.array, cu_seqlens: mx.array, rotary: mx.array) -> Iterator[mx.array]:
        attention = self.block.attn
        queries, keys, values = self._projected(x, rotary)
        bounds: Any = cu_seqlens.tolist()
        for picture in starmap(slice, pairwise(bounds)):
            most = self._memory.attending(picture.stop - picture.start)
            for piece in pieces(picture.start, picture.stop, most):
                heads = ensure_fused_sdpa(
                    queries[:, :, piece], keys[:, :, picture], values[:, :, picture], attention.scale
                )
                yield x[piece] + attention.proj(heads.transpose(0, 2, 1, 3).reshape(-1, self._hidden))

    def _projected(self, x: mx.array, rotary: mx.array) -> tuple[mx.array, mx.array, mx.array]:
        """Queries, keys and values, shape (1, heads, patches, width)."""
        attention, normed = self.block.attn, self.block.norm1(x)
        if self._memory.cuts_pictures:
            together = PieceByPiece(attention.qkv, self._boundary, self._most(3 * self._hidden**2))(normed)
        else:
            together = attention.qkv(normed)
        heads = together.reshape(len(x), 3, attention.num_heads, -1).transpose(1, 0, 2, 3)[:, None]
        queries, keys = (apply_rotary_pos_emb_vision(of, rotary) for of in (heads[0], heads[1]))
        return queries.transpose(0, 2, 1, 3), keys.transpose(0, 2, 1, 3), heads[2].transpose(0, 2, 1, 3)

    def _most(self, multiplications: int) -> int | None:
        """Patches at a time that take so many multiplications each."""
        return piece_patches(multiplications) if self._memory.cuts_pictures else None
