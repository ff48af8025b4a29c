"""Pictures are opened in a child process, and nothing they hold harms more than it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from PIL import Image, ImageCms

from sidecar.worker import Picture, PictureError, Worker
from tests.engine.pictures import encoded, noise, plain

ROOT = Path(__file__).parents[2]
MEGAPIXEL = 1 << 20


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    worker = Worker()
    yield worker
    worker.close()


def pixel(picture: Picture, x: int, y: int) -> tuple[int, int, int]:
    at = (y * picture.width + x) * 3
    red, green, blue = picture.rgb[at : at + 3]
    return red, green, blue


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "BMP", "TIFF", "JPEG"])
def test_a_picture_of_each_common_kind_comes_back_as_pixels(worker: Worker, kind: str) -> None:
    picture = worker.picture(encoded(plain("red", (40, 30)), kind), MEGAPIXEL)

    assert (picture.width, picture.height, len(picture.rgb)) == (40, 30, 40 * 30 * 3)
    assert pixel(picture, 20, 15) == pytest.approx((255, 0, 0), abs=3)


def test_a_large_picture_is_shrunk_in_its_shape(worker: Worker) -> None:
    picture = worker.picture(encoded(plain("blue", (4000, 1000)), "JPEG"), 10_000)

    assert (picture.width, picture.height) == (200, 50)
    assert pixel(picture, 100, 25) == pytest.approx((0, 0, 254), abs=3)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (Image.new("RGBA", (8, 8), (255, 0, 0, 0)), (255, 255, 255)),
        (Image.new("RGBA", (8, 8), (255, 0, 0, 128)), (255, 127, 127)),
        (Image.new("LA", (8, 8), (0, 255)), (0, 0, 0)),
        (Image.new("L", (8, 8), 77), (77, 77, 77)),
        (Image.new("1", (8, 8), 1), (255, 255, 255)),
        (Image.new("I;16", (8, 8), 40_000), (155, 155, 155)),
    ],
    ids=["transparent", "half transparent", "grey with alpha", "grey", "black and white", "16-bit grey"],
)
def test_every_mode_becomes_rgb_on_white(worker: Worker, image: Image.Image, expected: tuple[int, int, int]) -> None:
    assert pixel(worker.picture(encoded(image), MEGAPIXEL), 4, 4) == pytest.approx(expected, abs=1)


def test_cmyk_becomes_rgb(worker: Worker) -> None:
    file = encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG")

    assert pixel(worker.picture(file, MEGAPIXEL), 4, 4) == pytest.approx((255, 0, 0), abs=3)


def test_a_palette_with_a_transparent_colour_lies_on_white(worker: Worker) -> None:
    image = Image.new("P", (8, 8), 0)
    image.putpalette([0, 0, 0, 255, 0, 0])

    assert pixel(worker.picture(encoded(image, "GIF", transparency=0), MEGAPIXEL), 4, 4) == (255, 255, 255)


def test_a_colour_profile_does_not_hinder(worker: Worker) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()

    assert pixel(worker.picture(encoded(plain("red"), icc_profile=profile), MEGAPIXEL), 4, 4) == (255, 0, 0)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_is_turned_as_its_camera_was_held(worker: Worker, kind: str, orientation: int) -> None:
    from PIL import ImageOps

    image = plain("white", (60, 40))
    image.paste("red", (0, 0, 20, 20))
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = encoded(image, kind, exif=exif, **({"lossless": True} if kind == "WEBP" else {}))
    image.getexif()[0x0112] = orientation
    expected = ImageOps.exif_transpose(image)

    picture = worker.picture(file, MEGAPIXEL)

    assert (picture.width, picture.height) == expected.size
    for x in (10, picture.width - 10):
        for y in (10, picture.height - 10):
            assert pixel(picture, x, y) == pytest.approx(expected.getpixel((x, y)), abs=8)


def test_an_animation_shows_its_first_frame(worker: Worker) -> None:
    frames = [plain(colour, (16, 16)) for colour in ("green", "red", "blue")]
    file = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])

    assert pixel(worker.picture(file, MEGAPIXEL), 8, 8) == (0, 128, 0)


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
    ],
    ids=["empty", "pdf", "a format that starts programs", "cut png", "cut jpeg", "cut webp", "a line"],
)
def test_what_cannot_be_used_is_refused_with_its_reason(worker: Worker, file: bytes, reason: str) -> None:
    with pytest.raises(PictureError) as refused:
        worker.picture(file, MEGAPIXEL)

    assert refused.value.reason == reason


def test_more_than_100_megapixels_are_refused_by_their_header(worker: Worker) -> None:
    file = bytearray(encoded(plain("black", (16, 16)), "BMP"))
    file[18:26] = (10_001).to_bytes(4, "little") + (10_000).to_bytes(4, "little")  # the header's width and height

    with pytest.raises(PictureError) as refused:
        worker.picture(bytes(file), MEGAPIXEL)

    assert refused.value.reason == "too_many_pixels"


def test_exactly_100_megapixels_with_transparency_fit_the_memory_limit(worker: Worker) -> None:
    file = encoded(Image.new("RGBA", (10_000, 10_000), (255, 0, 0, 128)), "PNG", compress_level=1)

    picture = worker.picture(file, MEGAPIXEL)

    assert (picture.width, picture.height) == (1024, 1024)
    assert pixel(picture, 9, 9) == pytest.approx((255, 127, 127), abs=1)


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS does not limit address space")
def test_a_picture_beyond_the_memory_limit_is_refused_and_the_next_is_served() -> None:
    worker = Worker(memory_bytes=200 << 20)
    try:
        with pytest.raises(PictureError) as refused:
            worker.picture(encoded(Image.new("L", (9_000, 9_000)), "TIFF"), MEGAPIXEL)
        assert refused.value.reason in ("too_much_memory", "decoder_crashed")

        assert worker.picture(encoded(plain("red")), MEGAPIXEL).width == 256
    finally:
        worker.close()


def test_a_picture_that_takes_too_long_is_refused_and_the_next_is_served() -> None:
    worker = Worker(picture_seconds=0.001)  # less than the start of the process takes
    try:
        with pytest.raises(PictureError) as refused:
            worker.picture(encoded(plain("red")), MEGAPIXEL)
        assert refused.value.reason == "too_slow"

        worker._picture_seconds = 30
        assert worker.picture(encoded(plain("red")), MEGAPIXEL).width == 256
    finally:
        worker.close()


def test_a_worker_that_died_is_started_again() -> None:
    worker = Worker()
    try:
        worker.picture(encoded(plain("red")), MEGAPIXEL)
        first = worker.pid
        assert first is not None
        psutil.Process(first).kill()
        psutil.wait_procs([psutil.Process(first)] if psutil.pid_exists(first) else [], timeout=10)

        assert worker.picture(encoded(plain("red")), MEGAPIXEL).width == 256
        assert worker.pid != first
    finally:
        worker.close()


def test_the_worker_dies_with_its_parent() -> None:
    script = (
        "import os; from sidecar.worker import Worker; from tests.engine.pictures import encoded, plain\n"
        "worker = Worker(); worker.picture(encoded(plain('red')), 1 << 20); print(worker.pid, flush=True); os._exit(9)"
    )
    parent = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=30)

    pid = int(parent.stdout)
    gone, alive = psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=10)
    assert not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE], gone


def test_the_worker_gets_nothing_of_the_environment(worker: Worker) -> None:
    worker.picture(encoded(plain("red")), MEGAPIXEL)
    assert worker.pid is not None

    assert set(psutil.Process(worker.pid).environ()) <= {"MALLOC_ARENA_MAX", "LC_CTYPE", "__CF_USER_TEXT_ENCODING"}
