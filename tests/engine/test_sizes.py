"""The size a picture is brought to is the one that the model's image processor would choose."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sidecar.engine.images import bounds_for, model_bounds
from sidecar.errors import EngineFailed
from sidecar.worker.picture import Bounds, PictureError, fitted_size

QWEN = Bounds(multiple=32, min_pixels=256 * 256, max_pixels=4096 * 4096)  # the real model's


@pytest.mark.parametrize(
    ("detail", "most_pixels", "expected"),
    [("low", 1, 256 * 256), (None, 10**9, 1024 * 1024), ("high", None, 1024 * 1024), ("low", None, 448 * 448)],
)
def test_no_bound_leaves_the_sizes_that_the_model_takes(
    detail: str | None, most_pixels: int | None, expected: int
) -> None:
    assert bounds_for(QWEN, detail, most_pixels) == Bounds(32, 256 * 256, expected)


def test_a_model_of_few_pixels_gets_no_more() -> None:
    assert bounds_for(Bounds(32, 1024, 65536), "high", None) == Bounds(32, 1024, 65536)


@pytest.mark.parametrize(
    "files",
    [
        {"preprocessor_config.json": {"size": {"shortest_edge": 65536, "longest_edge": 16777216}, "patch_size": 16}},
        {"preprocessor_config.json": {"size": {"shortest_edge": 65536}, "min_pixels": 4096, "merge_size": 4}},
        {
            "preprocessor_config.json": {"min_pixels": 4096, "max_pixels": 8192, "patch_size": 14},
            "processor_config.json": {"image_processor": {"max_pixels": 16384}},
        },
        {"preprocessor_config.json": {}},
        {},
    ],
)
def test_the_model_s_sizes_are_read_as_mlx_vlm_reads_them(
    prepared: None, tmp_path: Path, files: Mapping[str, Any]
) -> None:
    from mlx_vlm.models.qwen3_vl.processing_qwen3_vl import Qwen3VLImageProcessor, _qwen_vl_image_kwargs

    for name, members in files.items():
        (tmp_path / name).write_text(json.dumps(members))
    theirs = Qwen3VLImageProcessor(**_qwen_vl_image_kwargs(tmp_path))

    assert model_bounds(tmp_path) == Bounds(theirs.patch_size * theirs.merge_size, theirs.min_pixels, theirs.max_pixels)


@pytest.mark.parametrize(
    "members", [{"min_pixels": "many"}, {"min_pixels": 9, "max_pixels": 4}, {"patch_size": 0}, {"patch_size": [1]}]
)
def test_a_model_with_impossible_sizes_cannot_be_asked(tmp_path: Path, members: Mapping[str, Any]) -> None:
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(members))

    with pytest.raises(EngineFailed):
        model_bounds(tmp_path)


@settings(max_examples=500)
@given(
    width=st.integers(1, 20_000),
    height=st.integers(1, 20_000),
    bounds=st.sampled_from([QWEN, Bounds(32, 256 * 256, 448 * 448), Bounds(32, 16384, 65536), Bounds(28, 3136, 10**6)]),
)
@example(width=33, height=6600, bounds=QWEN)
@example(width=100, height=20_000, bounds=Bounds(32, 16384, 65536))
@example(width=16, height=3200, bounds=QWEN)
@example(width=48, height=80, bounds=QWEN)
def test_the_size_is_the_one_mlx_vlm_would_choose(prepared: None, width: int, height: int, bounds: Bounds) -> None:
    from mlx_vlm.models.qwen3_vl.processing_qwen3_vl import _smart_resize_image

    try:
        rows, columns = _smart_resize_image(height, width, bounds.multiple, bounds.min_pixels, bounds.max_pixels)
    except ValueError:
        with pytest.raises(PictureError, match="too_narrow"):
            fitted_size(width, height, bounds)
    else:
        assert fitted_size(width, height, bounds) == (columns, rows)
