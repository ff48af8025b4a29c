"""What is no picture, or damaged, or far too large is refused with its reason, and harms nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sidecar.worker.picture import Bounds, PictureError
from sidecar.worker.process import Worker
from tests.engine.pictures import encoded, heic, noise, opened, pixel, plain, refusal


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        (b"", "not_a_picture"),
        (b"%PDF-1.7 no picture at all", "not_a_picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not_a_picture"),
        (encoded(noise(), "PNG")[:20_000], "truncated"),
        (encoded(noise(), "JPEG")[:5_000], "truncated"),
        (encoded(noise(), "WEBP")[:5_000], "truncated"),
        (encoded(plain("red", (2010, 10))), "too_narrow"),
        (b"just some words\n" * 50, "not_a_picture"),
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', "not_a_picture"),
        (encoded(plain("red"), "PDF"), "not_a_picture"),
        (heic(noise())[:20_000], "truncated"),
        (b"\0\0\0\x18ftypheic" + b"\0" * 100, "not_a_picture"),
    ],
    ids=[
        "empty",
        "pdf",
        "a format that starts programs",
        "cut png",
        "cut jpeg",
        "cut webp",
        "a line",
        "text",
        "svg",
        "a real pdf",
        "cut heic",
        "only the beginning of a heic",
    ],
)
def test_what_cannot_be_used_is_refused_with_its_reason(worker: Worker, file: bytes, reason: str) -> None:
    assert refusal(worker, file) == reason


SOUND_FILES = [encoded(noise((48, 40)), kind) for kind in ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")]


@given(
    file=st.sampled_from([*SOUND_FILES, heic(noise((48, 40)))]),
    damage=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=12),
)
def test_damage_anywhere_is_refused_or_shown_and_never_breaks_the_worker(
    worker: Worker, file: bytes, damage: list[tuple[float, int]]
) -> None:
    damaged = bytearray(file)
    for place, byte in damage:
        damaged[int(place * len(damaged))] = byte

    reason = None
    try:
        opened(worker, bytes(damaged), Bounds(32, 1024, 4096))
    except PictureError as refused:
        reason = refused.reason

    assert reason in (None, "not_a_picture", "truncated", "too_many_pixels", "too_narrow", "too_much_memory")


def test_more_than_100_megapixels_are_refused_by_their_header(worker: Worker) -> None:
    file = bytearray(encoded(plain("black", (16, 16)), "BMP"))
    file[18:26] = (10_001).to_bytes(4, "little") + (10_000).to_bytes(4, "little")  # the header's width and height

    assert refusal(worker, bytes(file)) == "too_many_pixels"


def test_exactly_100_megapixels_with_transparency_fit_the_memory_limit(worker: Worker) -> None:
    file = encoded(Image.new("RGBA", (10_000, 10_000), (255, 0, 0, 128)), "PNG", compress_level=1)

    picture = opened(worker, file)

    assert (picture.width, picture.height) == (1024, 1024)
    assert pixel(picture, 9, 9) == pytest.approx((255, 127, 127), abs=1)


def test_a_small_file_of_too_many_pixels_is_refused(worker: Worker) -> None:
    bomb = encoded(Image.new("1", (20_000, 20_000)), "PNG")  # 50 kB that would be 400 MB of grey

    assert len(bomb) < 100_000
    assert refusal(worker, bomb) == "too_many_pixels"


def test_100_megapixels_of_16_bit_grey_fit_the_memory_limit(worker: Worker) -> None:
    file = encoded(Image.new("I;16", (10_000, 10_000), 40_000), "PNG", compress_level=1)

    assert pixel(opened(worker, file), 9, 9) == pytest.approx((155, 155, 155), abs=1)
