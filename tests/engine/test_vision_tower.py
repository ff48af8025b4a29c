"""The vision tower in pieces: the same features, and a person may go first between any two."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sidecar.engine.boundary import Boundary
from sidecar.engine.memory import PIECE_LEAST, Memory, Shape

ROWS, COLUMNS = 12, 20  # patches of the picture
METAL, CUDA, CPU = ({"fused": fused, "ahead": ahead} for fused, ahead in ((True, False), (False, True), (False, False)))


def memory_of(tower: Any, *, budget: int = 3_000_000_000, fused: bool, ahead: bool) -> Memory:
    """What it takes on such a device; of the text model nothing is asked here."""
    vision = Shape.of_vision(tower.config, 4)
    return Memory(
        budget=budget,
        weights=0,
        text=vision,
        layers=1,
        vision=vision,
        fused=fused,
        ahead=ahead,
        bytes_by_bits={None: 1},
        bytes_a_visual_token=1,
    )


def features(tower: Any) -> list[np.ndarray[Any, Any]]:
    """Of a picture of noise: the features, and the deepstack levels."""
    import mlx.core as mx

    side = 3 * 2 * 16 * 16  # channels, frames, height and width of a patch
    pixels = mx.array(np.random.default_rng(3).normal(size=(ROWS * COLUMNS, side)).astype(np.float32))
    last, levels = tower(pixels, mx.array([[1, ROWS, COLUMNS]]))
    return [np.array(array) for array in (last, *levels)]


@pytest.fixture
def tower(random_model: Path) -> Any:
    """mlx-vlm's own."""
    import mlx.core as mx
    from mlx_vlm.utils import load_model

    model = load_model(random_model)
    model.set_dtype(mx.float32)
    return model.vision_tower


@pytest.mark.parametrize("device", [METAL, CUDA, CPU])
def test_a_picture_has_the_features_that_mlx_vlm_gives_it(
    tower: Any, device: dict[str, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    from sidecar.engine import memory, vision_tower

    monkeypatch.setattr(memory, "PIECE_MULTIPLICATIONS", 1)  # so that each piece is as small as one can be
    expected = features(tower)

    vision_tower.cut(tower, Boundary(), memory_of(tower, **device))

    for ours, theirs in zip(features(tower), expected, strict=True):
        assert ours == pytest.approx(theirs, abs=1e-5)


def test_on_a_gpu_that_keeps_scores_only_attention_is_cut(tower: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlx_vlm.models import base
    from mlx_vlm.models.qwen3_vl import vision as library

    from sidecar.engine import vision_tower

    queries: list[int] = []
    patches: list[int] = []
    monkeypatch.setattr(library.MLP, "__call__", noting(library.MLP.__call__, patches))
    monkeypatch.setattr(vision_tower, "ensure_fused_sdpa", noting_queries(base.ensure_fused_sdpa, queries))

    vision_tower.cut(tower, Boundary(), memory_of(tower, budget=1, **CUDA))  # as little as one can compute at a time
    features(tower)

    assert set(patches) == {ROWS * COLUMNS}
    assert max(queries) == PIECE_LEAST


def test_no_piece_of_a_picture_is_longer_than_one_can_be(tower: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlx_vlm.models import base
    from mlx_vlm.models.qwen3_vl import vision as library

    from sidecar.engine import memory, vision_tower

    monkeypatch.setattr(memory, "PIECE_MULTIPLICATIONS", 1)
    boundary, ways = Boundary(), count()
    patches: list[int] = []
    blocks, mergers = len(tower.blocks), 1 + len(tower.deepstack_merger_list)
    for layer in (library.MLP, library.PatchMerger, library.PatchEmbed):
        monkeypatch.setattr(layer, "__call__", noting(layer.__call__, patches))
    monkeypatch.setattr(vision_tower, "ensure_fused_sdpa", noting_queries(base.ensure_fused_sdpa, patches))

    vision_tower.cut(tower, boundary, memory_of(tower, **CPU))
    with boundary.background(lambda: next(ways) >= 0):
        features(tower)

    pieces = -(-ROWS * COLUMNS // memory.PIECE_LEAST)
    assert max(patches) == memory.PIECE_LEAST
    assert next(ways) == pieces * (
        3 * blocks + mergers + 1
    )  # queries, attention and MLP; the mergers; the patches themselves


def noting(call: Any, patches: list[int]) -> Any:
    def noted(layer: Any, x: Any, *args: Any, **members: Any) -> Any:
        patches.append(x.shape[0])
        return call(layer, x, *args, **members)

    return noted


def noting_queries(attend: Any, patches: list[int]) -> Any:
    def noted(queries: Any, keys: Any, values: Any, scale: float) -> Any:
        patches.append(queries.shape[2])
        return attend(queries, keys, values, scale)

    return noted
