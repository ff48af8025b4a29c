"""From pictures and token ids to what the text model reads. Imports MLX: for the engine thread only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import mlx.core as mx
import numpy as np

from sidecar.worker import Picture


@dataclass(frozen=True)
class Patches:
    """One picture cut for the vision tower: `values` (patches, channels × frames × height × width), `grid` its number
    of frames, rows and columns of patches, and `tokens` how many prompt positions it takes."""

    values: np.ndarray[Any, Any]
    grid: tuple[int, int, int]
    tokens: int


def cut(picture: Picture, image_processor: Any) -> Patches:
    """The picture as the model's image processor resizes, normalises and cuts it."""
    rgb = np.frombuffer(picture.rgb, dtype=np.uint8).reshape(picture.height, picture.width, 3)
    features = image_processor([rgb.transpose(2, 0, 1)])
    frames, rows, columns = (int(count) for count in features["image_grid_thw"][0])
    tokens = frames * rows * columns // image_processor.merge_size**2
    return Patches(features["pixel_values"], (frames, rows, columns), tokens)


def prompt_inputs(model: Any, ids: Sequence[int], pictures: Sequence[Patches]) -> dict[str, mx.array]:
    """The `prompt_kwargs` with which `BatchGenerator` prefills this prompt, computed.

    Pictures stand in the order of their positions in `ids`. Each is encoded by itself: attention in the vision tower
    never crosses pictures, and the peak of memory is that of one. `deepstack_visual_embeds` has the shape that
    `ChunkedDecoder` explains.
    """
    tokens = mx.array([ids])
    language_model = model.language_model
    inputs = {"inputs_embeds": language_model.model.embed_tokens(tokens)}
    if pictures:
        features, deepstack = _encode(model.vision_tower, pictures)
        is_visual = np.array(ids) == model.config.image_token_id
        positions = mx.array(np.flatnonzero(is_visual), dtype=mx.uint32)
        embeddings = inputs["inputs_embeds"]
        embeddings[0, positions] = features.astype(embeddings.dtype)
        per_position = mx.zeros((1, len(ids), *deepstack.shape[1:]), dtype=embeddings.dtype)
        per_position[0, positions] = deepstack.astype(embeddings.dtype)
        inputs |= {
            "inputs_embeds": embeddings,
            "visual_pos_masks": mx.array(is_visual[None]),
            "deepstack_visual_embeds": per_position,
        }
    grids = mx.array([patches.grid for patches in pictures]) if pictures else None
    inputs["position_ids"], inputs["rope_deltas"] = language_model.get_rope_index(tokens, grids)
    mx.eval(inputs)
    return inputs


def _encode(vision_tower: Any, pictures: Sequence[Patches]) -> tuple[mx.array, mx.array]:
    """Features (tokens, width) and deepstack features (tokens, layers, width) of all pictures, one after the other."""
    features, deepstack = [], []
    for patches in pictures:
        pixels = mx.array(patches.values).astype(vision_tower.patch_embed.proj.weight.dtype)
        feature, levels = vision_tower(pixels, mx.array([patches.grid]))
        mx.eval(feature, levels)
        features.append(feature)
        deepstack.append(mx.stack(levels, axis=1))
    return mx.concatenate(features), mx.concatenate(deepstack)
