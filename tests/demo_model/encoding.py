"""Conversations as arrays: token ids, what each token counts in the loss, three-axis positions, and picture patches.

The processes that draw training data import neither MLX nor Transformers (slow to import, and an accelerator has one
owner): they resize pictures, render the chat template and derive positions here, in NumPy, for whole batches.
`test_network.py` holds the result to what mlx-vlm's processor makes of the same conversation, byte by byte.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from jinja2.sandbox import ImmutableSandboxedEnvironment
from PIL import Image
from tokenizers import Tokenizer

from .architecture import MAX_PATCHES, PATCH, PREPROCESSOR, VISION
from .conversation import Conversation

Array = npt.NDArray[Any]
PROMPT_WEIGHT = 0.1  # of a prompt's token in the loss, against 1 of an answer's: copying appears far earlier with it
MERGED = MAX_PATCHES // 4  # tokens of the largest picture
_HEAD = VISION["hidden_size"] // VISION["num_heads"]
_GRID_SIDE = int(VISION["num_position_embeddings"] ** 0.5)


@dataclass(frozen=True)
class Encoded:
    """One conversation: `ids`, `weights` (tokens,), `positions` (3, tokens), `patches` per picture (patches, 768) of
    bytes."""

    ids: Array
    weights: Array
    positions: Array
    patches: list[Array]
    grids: list[tuple[int, int]]


@dataclass(frozen=True)
class Batch:
    """Padded rows. `features` (rows, tokens) tells which merged patch of the batch a token shows, `pictures * MERGED`
    for none."""

    ids: Array
    weights: Array
    positions: Array
    features: Array
    pictures: PictureBatch | None


@dataclass(frozen=True)
class PictureBatch:
    """Padded pictures: `pixels` (pictures, MAX_PATCHES, 768) of bytes; the rest as the vision tower derives it from
    the grids."""

    pixels: Array
    present: Array  # (pictures, MAX_PATCHES) bool
    embedding_index: Array  # (pictures, MAX_PATCHES, 4)
    embedding_weight: Array  # (pictures, MAX_PATCHES, 4)
    angles: Array  # (pictures, MAX_PATCHES, head width / 2)


class Encoder:
    """Encodes with the tokenizer and the chat template of a model repository."""

    def __init__(self, folder: Path) -> None:
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
        environment.filters["tojson"] = lambda value: json.dumps(value, ensure_ascii=False)
        self._template = environment.from_string((folder / "chat_template.jinja").read_text(encoding="utf-8"))
        token = self._tokenizer.get_vocab().__getitem__
        self.pad: int = token("<|endoftext|>")
        self.image: int = token("<|image_pad|>")
        self._start, self._end, self._assistant = token("<|im_start|>"), token("<|im_end|>"), token("assistant")

    def encode(self, conversation: Conversation) -> Encoded:
        """The whole conversation, its answers included."""
        text = self._template.render(messages=conversation.messages, tools=conversation.tools)
        patches = [picture_patches(picture) for picture in conversation.pictures]
        grids = [grid for _, grid in patches]
        for height, width in grids:
            text = text.replace("<|image_pad|>", "<|placeholder|>" * (height * width // 4), 1)
        ids = self._tokenizer.encode(text.replace("<|placeholder|>", "<|image_pad|>")).ids
        return Encoded(
            np.array(ids, np.int32), self._weights(ids), self._positions(ids, grids), [p for p, _ in patches], grids
        )

    def _weights(self, ids: list[int]) -> Array:
        weights = np.full(len(ids), PROMPT_WEIGHT, np.float32)
        answering = False
        for i, token in enumerate(ids):
            if i >= 3 and ids[i - 3] == self._start and ids[i - 2] == self._assistant:
                answering = True  # ids[i - 1] is the line break after the role
            if answering:
                weights[i] = 1.0
                answering = token != self._end
        weights[np.array(ids) == self.image] = 0.0
        return weights

    def _positions(self, ids: list[int], grids: list[tuple[int, int]]) -> Array:
        """Time, height and width of each token (`get_rope_index` of Qwen3-VL): text counts on, a picture spreads out
        in a plane."""
        positions = np.zeros((3, len(ids)), np.int32)
        following, i, picture = 0, 0, 0
        while i < len(ids):
            if ids[i] == self.image:
                height, width = (side // 2 for side in grids[picture])
                plane = np.indices((1, height, width)).reshape(3, -1)
                positions[:, i : i + plane.shape[1]] = plane + following
                following, i, picture = following + max(height, width), i + plane.shape[1], picture + 1
            else:
                positions[:, i] = following
                following, i = following + 1, i + 1
        return positions


def picture_patches(
    picture: Image.Image, min_pixels: int = PREPROCESSOR["min_pixels"]
) -> tuple[Array, tuple[int, int]]:
    """(patches as bytes (patches, 768), their grid (height, width)) of an RGB picture, resized as Qwen's
    `smart_resize` does: sides that are multiples of two patches, an area between the two limits."""
    unit = 2 * PATCH
    height, width = round(picture.height / unit) * unit, round(picture.width / unit) * unit
    if height * width > PREPROCESSOR["max_pixels"]:
        shrink = math.sqrt(picture.height * picture.width / PREPROCESSOR["max_pixels"])
        height, width = (max(unit, math.floor(side / shrink / unit) * unit) for side in (picture.height, picture.width))
    elif height * width < min_pixels:
        grow = math.sqrt(min_pixels / (picture.height * picture.width))
        height, width = (math.ceil(side * grow / unit) * unit for side in (picture.height, picture.width))
    pixels = np.asarray(picture.resize((width, height), Image.Resampling.BICUBIC))
    # Row and column of a merged token, row and column of a patch in it, channel, row and column of a pixel in the
    # patch.
    blocks = pixels.reshape(height // unit, 2, PATCH, width // unit, 2, PATCH, 3).transpose(0, 3, 1, 4, 6, 2, 5)
    return blocks.reshape(-1, 3 * PATCH * PATCH), (height // PATCH, width // PATCH)


def collate(rows: Sequence[Encoded], length: int, pad: int, image: int, *, pictures: int) -> Batch:
    """Pads rows to `length` tokens and the pictures of all rows to `pictures`."""
    ids = np.full((len(rows), length), pad, np.int32)
    weights = np.zeros((len(rows), length), np.float32)
    positions = np.zeros((3, len(rows), length), np.int32)
    features = np.full((len(rows), length), pictures * MERGED, np.int32)
    used = 0
    for r, row in enumerate(rows):
        count = len(row.ids)
        ids[r, :count], weights[r, :count], positions[:, r, :count] = row.ids, row.weights, row.positions
        shown = [
            used * MERGED + p * MERGED + np.arange(height * width // 4) for p, (height, width) in enumerate(row.grids)
        ]
        if shown:
            features[r, :count][row.ids == image] = np.concatenate(shown)
        used += len(row.grids)
    if not pictures:
        return Batch(ids, weights, positions, features, None)
    patches = [patch for row in rows for patch in row.patches]
    return Batch(
        ids,
        weights,
        positions,
        features,
        collate_pictures(patches, [grid for row in rows for grid in row.grids], pictures),
    )


def collate_pictures(
    patches: Sequence[Array], grids: Sequence[tuple[int, int]], pictures: int, longest: int = MAX_PATCHES
) -> PictureBatch:
    """Pads to `pictures` pictures of `longest` patches."""
    pixels = np.zeros((pictures, longest, 3 * PATCH * PATCH), np.uint8)
    present = np.zeros((pictures, longest), bool)
    present[:, 0] = True  # a softmax over nothing is not a number
    index = np.zeros((pictures, longest, 4), np.int32)
    weight = np.zeros((pictures, longest, 4), np.float32)
    angles = np.zeros((pictures, longest, _HEAD // 2), np.float32)
    for p, (patch, grid) in enumerate(zip(patches, grids, strict=True)):
        count = len(patch)
        pixels[p, :count], present[p, :count] = patch, True
        index[p, :count], weight[p, :count], angles[p, :count] = _grid_constants(*grid)
    return PictureBatch(pixels, present, index, weight, angles)


@cache
def _grid_constants(height: int, width: int) -> tuple[Array, Array, Array]:
    """What Qwen3-VL's vision tower derives from a grid: four neighbours in the table of position embeddings, their
    bilinear weights, and rotary angles; patches in the order in which 2 × 2 of them merge."""
    rows, columns = (
        np.linspace(0, _GRID_SIDE - 1, height, dtype=np.float32),
        np.linspace(0, _GRID_SIDE - 1, width, dtype=np.float32),
    )
    top, left = rows.astype(np.int32), columns.astype(np.int32)
    bottom, right = np.minimum(top + 1, _GRID_SIDE - 1), np.minimum(left + 1, _GRID_SIDE - 1)
    down, across = (rows - top)[:, None], (columns - left)[None]
    index = np.stack([r[:, None] * _GRID_SIDE + c[None] for r in (top, bottom) for c in (left, right)], -1)
    weight = np.stack([(1 - down) * (1 - across), (1 - down) * across, down * (1 - across), down * across], -1)
    frequencies = 1.0 / 10000 ** (np.arange(0, _HEAD // 2, 2, dtype=np.float32) / (_HEAD // 2))
    y, x = np.indices((height, width))
    angles = np.concatenate([y[..., None] * frequencies, x[..., None] * frequencies], -1)

    def merge_order(values: Array) -> Array:
        blocks = values.reshape(height // 2, 2, width // 2, 2, values.shape[-1])
        return blocks.transpose(0, 2, 1, 3, 4).reshape(height * width, values.shape[-1])

    return merge_order(index), merge_order(weight).astype(np.float32), merge_order(angles).astype(np.float32)
