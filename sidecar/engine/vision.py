"""From pictures and token ids to what the text model reads. Imports MLX: for the engine thread only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import mlx.core as mx
import numpy as np

from sidecar.engine.features import FeatureCache
from sidecar.worker.picture import Picture

PLAIN_TOKEN = 0  # begins no picture and no film


@dataclass(frozen=True)
class Patches:
    """One picture as the vision tower sees it: `grid` is its number of frames, rows and columns of patches, `tokens`
    how many prompt positions it takes."""

    picture: Picture
    image_processor: Any
    grid: tuple[int, int, int]
    tokens: int
    guest: bool = False
    """Whether another program shows it, whom nothing tells that the person has shown it before."""

    @property
    def key(self) -> bytes:
        """What its features are kept by."""
        return self.picture.digest + b"guest" * self.guest

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


def cut(picture: Picture, image_processor: Any, *, guest: bool = False) -> Patches:
    """The picture in the model's patches; its width and height are multiples of them already (`fitted_size`)."""
    rows, columns = picture.height // image_processor.patch_size, picture.width // image_processor.patch_size
    tokens = rows * columns // image_processor.merge_size**2
    return Patches(picture, image_processor, (1, rows, columns), tokens, guest)


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

    `members` are the `prompt_kwargs` that `BatchGenerator` wants, as `ChunkedDecoder` explains them. `pictures` are the
    features (tokens, width) and deepstack levels (tokens, layers, width) of each.
    """

    members: dict[str, mx.array]
    pictures: Sequence[tuple[mx.array, mx.array]] = ()

    def seen(self, tokens: np.ndarray[Any, Any]) -> tuple[mx.array, list[mx.array]]:
        """Features and levels of those of all pictures' tokens, at least one, by their ascending numbers. Left to be
        computed when each is needed: copies of all would be 230 MB for 64 pictures of the background (4B model)."""
        chosen, first = [], 0
        for features, levels in self.pictures:
            own = tokens[(first <= tokens) & (tokens < first + len(features))] - first
            if own.size:
                chosen.append((features, levels, mx.array(own, dtype=mx.uint32)))
            first += len(features)
        layers = range(chosen[0][1].shape[1])
        return (
            mx.concatenate([features[own] for features, _, own in chosen]),
            [mx.concatenate([levels[own, layer] for _, levels, own in chosen]) for layer in layers],
        )


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
    visual = is_visual[read:]
    encoded = []
    for patches, begun in unread(pictures, int(is_visual[:read].sum())):
        features, levels = _encode(model.vision_tower, patches, cache)
        encoded.append((features[begun:], levels[begun:]) if begun else (features, levels))
    if encoded:
        members["deepstack_visual_embeds"] = mx.array(np.where(visual, np.cumsum(visual) - 1, -1)[None])
    mx.eval(members)
    return Prompt(members, encoded)


def unread(pictures: Sequence[Patches], tokens: int) -> Iterator[tuple[Patches, int]]:
    """The pictures that the first `tokens` of all their tokens are not the whole of, and how many of each are among
    them."""
    for patches in pictures:
        if tokens < patches.tokens:
            yield patches, tokens
        tokens = max(0, tokens - patches.tokens)


def _encode(vision_tower: Any, patches: Patches, cache: FeatureCache | None) -> tuple[mx.array, mx.array]:
    """The picture's features (tokens, width) and deepstack levels (tokens, layers, width), computed.

    Each picture by itself: attention in the vision tower never crosses pictures, and the peak of memory is that of
    one.
    """
    if cache is not None and (kept := cache.get(patches.key)) is not None:
        return kept
    pixels = mx.array(patches.values()).astype(vision_tower.patch_embed.proj.weight.dtype)
    features, levels = vision_tower(pixels, mx.array([patches.grid]))
    deepstack = mx.stack(levels, axis=1)
    mx.eval(features, deepstack)
    if cache is not None:
        cache.put(patches.key, features, deepstack)
    return features, deepstack
