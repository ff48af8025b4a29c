"""From pictures and token ids to what the text model reads. Imports MLX: for the engine thread only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import mlx.core as mx
import numpy as np

from sidecar.engine.features import FeatureCache
from sidecar.worker import Picture

PLAIN_TOKEN = 0  # begins no picture and no film


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


def shown(ids: Sequence[int], pictures: Sequence[Patches], image_token: int) -> np.ndarray[Any, Any]:
    """Which positions of a prompt, and the answer after it, are of pictures. The prompt has them all, and no other such
    tokens; those that a model draws are text like any other."""
    positions = np.flatnonzero(np.array(ids) == image_token)
    is_visual = np.zeros(len(ids), dtype=bool)
    is_visual[positions[: sum(patches.tokens for patches in pictures)]] = True
    return is_visual


@dataclass(frozen=True)
class Prompt:
    """What is read of a prompt, beside its token ids.

    `members` are the `prompt_kwargs` that `BatchGenerator` wants, as `ChunkedDecoder` explains them. `features`
    (visual tokens, width) and `levels` (visual tokens, layers, width) are of its pictures; None without any.
    """

    members: dict[str, mx.array]
    features: mx.array | None = None
    levels: mx.array | None = None


def prompt(
    model: Any, ids: Sequence[int], pictures: Sequence[Patches], cache: FeatureCache | None = None, *, read: int = 0
) -> Prompt:
    """The prompt after its first `read` positions, computed.

    Pictures stand in the order of their positions in `ids`; one that is read already is not looked at, the features of
    those in `cache` are taken from it, those of the others put into it.
    """
    grids = mx.array([patches.grid for patches in pictures]) if pictures else None
    is_visual = shown(ids, pictures, model.config.image_token_id)
    # mlx-vlm would look for pictures in an answer, too.
    last = int(is_visual.nonzero()[0][-1]) if pictures else -1
    positions, deltas = model.language_model.get_rope_index(
        mx.array([[*ids[: last + 1], *[PLAIN_TOKEN] * (len(ids) - last - 1)]]), grids
    )
    members = {
        "inputs_embeds": mx.zeros((1, len(ids) - read, 1)),
        "position_ids": positions[..., read:],
        "rope_deltas": deltas,
    }
    unread = is_visual[read:]
    features = levels = None
    if unread.any():
        features, levels = _unread(model.vision_tower, pictures, cache, int(is_visual[:read].sum()))
        members["deepstack_visual_embeds"] = mx.array(np.where(unread, np.cumsum(unread) - 1, -1)[None])
    mx.eval(members)
    return Prompt(members, features, levels)


def _unread(
    vision_tower: Any, pictures: Sequence[Patches], cache: FeatureCache | None, read: int
) -> tuple[mx.array, mx.array]:
    """Features and deepstack levels of all pictures' tokens but the first `read`."""
    unread = []
    for patches in pictures:
        if read < patches.tokens:
            features, levels = _encode(vision_tower, patches, cache)
            unread.append((features[read:], levels[read:]) if read else (features, levels))
        read = max(0, read - patches.tokens)
    if len(unread) == 1:  # the very arrays that are kept, and no copy
        return unread[0]
    features, levels = (mx.concatenate(list(of)) for of in zip(*unread, strict=True))
    mx.eval(features, levels)
    return features, levels


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
