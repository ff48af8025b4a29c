"""Pictures are cut as mlx-vlm cuts them, and seen once, however often they are asked about."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sidecar.engine import RequestPriority, backend
from sidecar.engine.images import BACKGROUND_PIXELS, MAX_PIXELS
from sidecar.worker.picture import Picture
from tests.engine.conftest import Bench
from tests.engine.pictures import about, circle, data_url, encoded, image_part, noise, plain, text_part
from tests.engine.synthetic import write_model

HIGH = RequestPriority.HIGH


@pytest.fixture(scope="module")
def roomy_model(prepared: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random model that takes pictures of the real model's sizes."""
    folder = write_model(tmp_path_factory.mktemp("models") / "roomy", seed=11)
    (folder / "preprocessor_config.json").write_text(
        '{"patch_size": 16, "merge_size": 2, "size": {"shortest_edge": 65536, "longest_edge": 16777216},'
        ' "image_mean": [0.5, 0.4, 0.3], "image_std": [0.5, 0.25, 0.125]}'
    )
    return folder


@pytest.fixture
def tower_calls(prepared: None, monkeypatch: pytest.MonkeyPatch) -> list[list[list[int]]]:
    """The grids of the real vision tower's calls."""
    from mlx_vlm.models.qwen3_vl.vision import VisionModel

    calls: list[list[list[int]]] = []
    see = VisionModel.__call__

    def counted(tower: Any, pixels: Any, grids: Any, **options: Any) -> Any:
        calls.append(grids.tolist())
        return see(tower, pixels, grids, **options)

    monkeypatch.setattr(VisionModel, "__call__", counted)
    return calls


@pytest.mark.parametrize("size", [(256, 256), (448, 96), (64, 1024)])
def test_a_picture_is_cut_bit_for_bit_as_mlx_vlm_cuts_it(roomy_model: Path, size: tuple[int, int]) -> None:
    from sidecar.engine import loader, vision

    processor = loader.load(roomy_model, backend.device(), backend.memory_budget()).image_processor
    colourful = np.random.default_rng(1).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)

    ours = vision.cut(Picture(*size, colourful.tobytes()), processor)
    theirs = processor([colourful.transpose(2, 0, 1)], min_pixels=1)

    assert ours.grid == tuple(theirs["image_grid_thw"][0])
    assert ours.tokens == processor.num_image_tokens(size[1], size[0], min_pixels=1)
    assert np.array_equal(ours.values(), theirs["pixel_values"])


async def test_a_second_question_about_a_picture_does_not_look_again(
    bench: Bench, roomy_model: Path, tower_calls: list[Any]
) -> None:
    picture = data_url(encoded(noise((320, 288))))
    first = await bench.ask(about(picture, text="What is this?"), model=roomy_model, max_tokens=24)
    looked = len(tower_calls)
    again = await bench.ask(about(picture, text="What is this?"), model=roomy_model, max_tokens=24)
    other = await bench.ask(about(picture, text="And its colour?"), model=roomy_model, max_tokens=24)
    assert (looked, len(tower_calls)) == (1, 1)
    await bench.engine.unload_model()
    fresh = await bench.ask(about(picture, text="And its colour?"), model=roomy_model, max_tokens=24)

    assert len(tower_calls) == 2
    assert again.pieces == first.pieces
    assert fresh.pieces == other.pieces
    unlike = data_url(encoded(circle("red", (320, 288))))
    assert (await bench.ask(about(unlike), model=roomy_model, max_tokens=24)).pieces != first.pieces


async def test_the_same_pixels_in_another_file_are_the_same_picture(
    bench: Bench, roomy_model: Path, tower_calls: list[Any]
) -> None:
    image = noise((320, 320))

    answers = [
        await bench.ask(about(data_url(encoded(image, kind))), model=roomy_model) for kind in ("PNG", "BMP", "TIFF")
    ]

    assert len(tower_calls) == 1
    assert len({answer.pieces for answer in answers}) == 1


async def test_pictures_alike_in_a_conversation_are_seen_once_and_others_each(
    bench: Bench, roomy_model: Path, tower_calls: list[Any]
) -> None:
    red, grain = data_url(encoded(plain("red", (300, 260)))), data_url(encoded(noise((300, 260))))
    messages = [
        *about(red, grain, red),
        {"role": "assistant", "content": "a b a"},
        {"role": "user", "content": [text_part("and"), image_part(grain)]},
    ]

    await bench.ask(messages, model=roomy_model)

    assert tower_calls == [[[1, 16, 18]], [[1, 16, 18]]]


async def test_unloading_forgets_the_features(bench: Bench, roomy_model: Path) -> None:
    from sidecar.engine.features import FeatureCache

    await bench.ask(about(data_url(encoded(circle("red")))), model=roomy_model)
    gc.unfreeze()  # what is frozen is not listed
    kept = [weakref.ref(cache) for cache in gc.get_objects() if isinstance(cache, FeatureCache) and len(cache)]
    gc.freeze()
    assert kept

    await bench.engine.unload_model()

    assert not [cache for cache in kept if cache() is not None]


async def test_background_pictures_are_small_and_those_of_a_person_are_not(
    bench: Bench, roomy_model: Path, tower_calls: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = data_url(encoded(noise((580, 580)), "JPEG"))

    for priority in (HIGH, RequestPriority.LOW):
        await bench.ask(about(photo), model=roomy_model, priority=priority, max_tokens=1)
    low_detail = [{"role": "user", "content": [image_part(photo, detail="low")]}]
    await bench.ask(low_detail, model=roomy_model, priority=HIGH, max_tokens=1)
    monkeypatch.setattr(bench.engine, "background_pixels", 320 * 320)
    await bench.ask(about(photo), model=roomy_model, priority=RequestPriority.LOW, max_tokens=1)

    patches = [rows * columns for [[_, rows, columns]] in tower_calls]
    assert BACKGROUND_PIXELS == MAX_PIXELS["low"] == 448 * 448
    # The third is the second's picture again: it is not looked at.
    assert [count * 16 * 16 for count in patches] == [576 * 576, 448 * 448, 320 * 320]


async def test_a_bad_picture_leaves_the_session_as_it_is(bench: Bench, roomy_model: Path) -> None:
    from sidecar.errors import InvalidImage

    good = data_url(encoded(circle("blue")))
    before = await bench.ask(about(good), model=roomy_model)

    with pytest.raises(InvalidImage) as refused:
        await bench.ask(about(good, data_url(encoded(noise())[:5000])), model=roomy_model)

    assert refused.value.details == {"reason": "truncated", "index": 1}
    assert (await bench.ask(about(good), model=roomy_model)).pieces == before.pieces


def test_the_least_recently_used_features_go_first(prepared: None) -> None:
    import mlx.core as mx

    from sidecar.engine.features import FeatureCache

    def entry(tokens: int) -> tuple[mx.array, mx.array]:
        return mx.ones((tokens, 8)), mx.ones((tokens, 3, 8))  # 128 bytes a token

    cache = FeatureCache(128 * 30)
    for digest in (b"a", b"b", b"c"):
        cache.put(digest, *entry(10))
    cache.get(b"a")
    cache.put(b"d", *entry(10))
    assert [cache.get(digest) is not None for digest in (b"a", b"b", b"c", b"d")] == [True, False, True, True]

    cache.put(b"too large", *entry(31))
    assert (len(cache), cache.nbytes) == (3, 128 * 30)
    cache.put(b"large", *entry(25))
    assert (len(cache), cache.nbytes) == (1, 128 * 25)
    cache.put(b"large", *entry(25))
    assert (len(cache), cache.nbytes) == (1, 128 * 25)


def test_features_take_a_small_part_of_the_budget() -> None:
    from sidecar.engine.memory import feature_cache_bytes

    assert [feature_cache_bytes(gib << 30) >> 20 for gib in (1, 3, 6, 12)] == [10, 32, 64, 64]
