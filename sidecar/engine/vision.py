"""From pictures and token ids to what the text model reads. Imports MLX: for the engine thread only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import mlx.core as mx
import numpy as np

from sidecar.engine.features import FeatureCache
from sidecar.worker import Picture


@dataclass(frozen=True)
class Patches:
    """One picture as the vision tower sees it: `grid` is its number of frames, rows and columns of patches, `tokens`
    how many prompt positions it takes."""

    picture: Picture
    image_processor: Any
    grid: tuple[int, int, int]
    tokens: int

    def values(self) -> np.ndarray[Any, Any]:
        """Normalised pixels (patches, channels × frames × height × width), bit for bit what mlx-vlm's image processor
        makes of this picture. That one takes more than three times as long on the thread that everybody waits for
        (38 ms instead of 11 for 1,036 tokens, measured), and resizes very long pictures once more."""
        by = self.image_processor
        _, rows, columns = self.grid
        side, merge, channels = by.patch_size, by.merge_size, 3
        pixels = np.frombuffer(self.picture.rgb, dtype=np.uint8)
        pixels = pixels.reshape(rows // merge, merge, side, columns // merge, merge, side, channels)
        pixels = pixels.transpose(0, 3, 1, 4, 6, 2, 5).reshape(-1, channels, 1, side, side)
        values = np.empty((len(pixels), channels, by.temporal_patch_size, side, side), dtype=np.float32)
        levels = np.arange(256, dtype=np.float32) * np.float32(by.rescale_factor)
        for channel, (mean, deviation) in enumerate(zip(by.image_mean, by.image_std, strict=True)):
            normalised = (levels - np.float32(mean)) / np.float32(deviation)
            values[:, channel] = normalised[pixels[:, channel]]
        return values.reshape(len(pixels), -1)


def cut(picture: Picture, image_processor: Any) -> Patches:
    """The picture in the model's patches; its width and height are multiples of them already (`fitted_size`)."""
    rows, columns = picture.height // image_processor.patch_size, picture.width // image_processor.patch_size
    return Patches(picture, image_processor, (1, rows, columns), rows * columns // image_processor.merge_size**2)


def prompt_inputs(
    model: Any, ids: Sequence[int], pictures: Sequence[Patches], cache: FeatureCache | None = None, *, read: int = 0
) -> dict[str, mx.array]:
    """The `prompt_kwargs` with which `BatchGenerator` prefills this prompt after its first `read` positions, computed.

    Pictures stand in the order of their positions in `ids`; one that is read already is not looked at, the features of
    those in `cache` are taken from it, those of the others put into it. `deepstack_visual_embeds` has the shape that
    `ChunkedDecoder` explains.
    """
    tokens = mx.array([ids])
    language_model = model.language_model
    inputs = {"inputs_embeds": language_model.model.embed_tokens(tokens[:, read:])}
    is_visual = np.array(ids) == model.config.image_token_id
    if is_visual[read:].any():
        features, deepstack = _unread(model.vision_tower, pictures, cache, int(is_visual[:read].sum()))
        is_visual = is_visual[read:]
        positions = mx.array(np.flatnonzero(is_visual), dtype=mx.uint32)
        embeddings = inputs["inputs_embeds"]
        embeddings[0, positions] = features.astype(embeddings.dtype)
        per_position = mx.zeros((1, len(is_visual), *deepstack.shape[1:]), dtype=embeddings.dtype)
        per_position[0, positions] = deepstack.astype(embeddings.dtype)
        inputs |= {
            "inputs_embeds": embeddings,
            "visual_pos_masks": mx.array(is_visual[None]),
            "deepstack_visual_embeds": per_position,
        }
    grids = mx.array([patches.grid for patches in pictures]) if pictures else None
    positions, inputs["rope_deltas"] = language_model.get_rope_index(tokens, grids)
    inputs["position_ids"] = positions[..., read:]
    mx.eval(inputs)
    return inputs


def _unread(
    vision_tower: Any, pictures: Sequence[Patches], cache: FeatureCache | None, read: int
) -> tuple[mx.array, mx.array]:
    """Features and deepstack levels of all pictures' tokens but the first `read`."""
    features, deepstack = [], []
    for patches in pictures:
        if read < patches.tokens:
            of_picture, levels = _encode(vision_tower, patches, cache)
            features.append(of_picture[read:])
            deepstack.append(levels[read:])
        read = max(0, read - patches.tokens)
    return mx.concatenate(features), mx.concatenate(deepstack)


def _encode(vision_tower: Any, patches: Patches, cache: FeatureCache | None) -> tuple[mx.array, mx.array]:
    """The picture's features (tokens, width) and deepstack levels (tokens, layers, width), computed.

    Each picture by itself: attention in the vision tower never crosses pictures, and the peak of memory is that of
    one.
    """
    digest = patches.picture.digest
    if cache is not None and (kept := cache.get(digest)) is not None:
        return kept
    pixels = mx.array(patches.values()).astype(vision_tower.patch_embed.proj.weight.dtype)
    features, levels = vision_tower(pixels, mx.array([patches.grid]))
    deepstack = mx.stack(levels, axis=1)
    mx.eval(features, deepstack)
    if cache is not None:
        cache.put(digest, features, deepstack)
    return features, deepstack
