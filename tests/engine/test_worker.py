"""Pictures are opened in a child process, and nothing they hold harms more than it."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, wait
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import psutil
import pytest
from PIL import Image, ImageCms, ImageOps

from sidecar.worker import Bounds, Picture, PictureError, Worker, limits
from sidecar.worker.picture import fitted_size
from tests.engine.pictures import encoded, noise, plain

ROOT = Path(__file__).parents[2]
ANY_SIZE = Bounds(multiple=1, min_pixels=1, max_pixels=1 << 20)
WAIT_SECONDS = 30


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    worker = Worker()
    yield worker
    worker.close()


def opened(worker: Worker, file: bytes, bounds: Bounds = ANY_SIZE) -> Picture:
    return worker.picture(file, bounds).result(WAIT_SECONDS)


def refusal(worker: Worker, file: bytes, bounds: Bounds = ANY_SIZE) -> str:
    with pytest.raises(PictureError) as refused:
        opened(worker, file, bounds)
    return refused.value.reason


def pixel(picture: Picture, x: int, y: int) -> tuple[int, int, int]:
    at = (y * picture.width + x) * 3
    red, green, blue = picture.rgb[at : at + 3]
    return red, green, blue


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "BMP", "TIFF", "JPEG", "AVIF", "MPO"])
def test_a_picture_of_each_common_kind_comes_back_as_pixels(worker: Worker, kind: str) -> None:
    picture = opened(worker, encoded(plain("red", (40, 30)), kind))

    assert (picture.width, picture.height, len(picture.rgb)) == (40, 30, 40 * 30 * 3)
    assert pixel(picture, 20, 15) == pytest.approx((255, 0, 0), abs=3)


def test_a_large_picture_is_shrunk_in_its_shape(worker: Worker) -> None:
    picture = opened(worker, encoded(plain("blue", (4000, 1000)), "JPEG"), Bounds(1, 1, 10_000))

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
        (Image.new("P", (8, 8), 0), (0, 0, 0)),
    ],
    ids=["transparent", "half transparent", "grey with alpha", "grey", "black and white", "16-bit grey", "palette"],
)
def test_every_mode_becomes_rgb_on_white(worker: Worker, image: Image.Image, expected: tuple[int, int, int]) -> None:
    assert pixel(opened(worker, encoded(image)), 4, 4) == pytest.approx(expected, abs=1)


def test_cmyk_becomes_rgb(worker: Worker) -> None:
    file = encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG")

    assert pixel(opened(worker, file), 4, 4) == pytest.approx((255, 0, 0), abs=3)


def test_a_palette_with_a_transparent_colour_lies_on_white(worker: Worker) -> None:
    image = Image.new("P", (8, 8), 0)
    image.putpalette([0, 0, 0, 255, 0, 0])

    assert pixel(opened(worker, encoded(image, "GIF", transparency=0)), 4, 4) == (255, 255, 255)


def test_a_colour_profile_does_not_hinder(worker: Worker) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()

    assert pixel(opened(worker, encoded(plain("red"), icc_profile=profile)), 4, 4) == (255, 0, 0)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_is_turned_as_its_camera_was_held(worker: Worker, kind: str, orientation: int) -> None:
    image = plain("white", (60, 40))
    image.paste("red", (0, 0, 20, 20))
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = encoded(image, kind, exif=exif, **({"lossless": True} if kind == "WEBP" else {}))
    image.getexif()[0x0112] = orientation
    expected = ImageOps.exif_transpose(image)

    picture = opened(worker, file)

    assert (picture.width, picture.height) == expected.size
    for x in (10, picture.width - 10):
        for y in (10, picture.height - 10):
            assert pixel(picture, x, y) == pytest.approx(expected.getpixel((x, y)), abs=8)


def test_an_animation_shows_its_first_frame(worker: Worker) -> None:
    frames = [plain(colour, (16, 16)) for colour in ("green", "red", "blue")]
    file = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])

    assert pixel(opened(worker, file), 8, 8) == (0, 128, 0)


@pytest.mark.parametrize("kind", ["WEBP", "PNG", "TIFF"])
def test_other_animations_and_files_of_several_pages_show_their_first(worker: Worker, kind: str) -> None:
    frames = [plain(colour, (16, 16)) for colour in ("green", "red", "blue")]
    options = {"lossless": True} if kind == "WEBP" else {}
    file = encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)

    assert pixel(opened(worker, file), 8, 8) == (0, 128, 0)


def heic(image: Image.Image, **options: Any) -> bytes:
    """The picture as an iPhone keeps it."""
    file = io.BytesIO()
    pillow_heif.from_pillow(image).save(file, quality=-1, chroma=444, **options)
    return file.getvalue()


@pytest.mark.parametrize("brand", [b"heic", b"mif1"])
def test_an_iphone_s_photo_is_opened(worker: Worker, brand: bytes) -> None:
    picture = opened(worker, heic(plain("red", (80, 60))).replace(b"ftypheic", b"ftyp" + brand))

    assert (picture.width, picture.height) == (80, 60)
    assert pixel(picture, 40, 30) == pytest.approx((255, 0, 0), abs=3)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_iphone_s_photo_is_turned_once(worker: Worker, orientation: int) -> None:
    image = plain("white", (80, 64))
    image.paste("red", (0, 0, 40, 32))
    image.getexif()[0x0112] = orientation
    expected = ImageOps.exif_transpose(image)
    # Written as the file's own rotation and mirror, and as EXIF too: only one of them may be heeded.
    pillow_heif.register_heif_opener()
    file = encoded(image, "HEIF", exif=image.getexif().tobytes(), quality=-1, chroma=444)

    picture = opened(worker, file)

    assert (picture.width, picture.height) == expected.size
    for x in (8, picture.width - 8):
        for y in (8, picture.height - 8):
            assert pixel(picture, x, y) == pytest.approx(expected.getpixel((x, y)), abs=8)


def test_an_iphone_s_photo_with_transparency_lies_on_white(worker: Worker) -> None:
    picture = opened(worker, heic(Image.new("RGBA", (64, 64), (255, 0, 0, 128))))

    assert pixel(picture, 32, 32) == pytest.approx((255, 127, 127), abs=3)


def test_heic_is_opened_by_no_process_but_the_worker() -> None:
    script = (
        "import sys, io; from sidecar.worker import Bounds, Worker\n"
        "worker = Worker(); worker.picture(sys.stdin.buffer.read(), Bounds(1, 1, 1 << 20)).result(30); worker.close()\n"
        "print([name for name in sys.modules if 'heif' in name or name.startswith('PIL')])"
    )
    parent = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, input=heic(plain("red", (64, 64))), capture_output=True, timeout=30
    )

    assert parent.stdout.decode().strip() == "[]", parent.stderr.decode()


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


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "BMP", "HEIC"])
@pytest.mark.parametrize("size", [(1000, 700), (40, 30), (31, 900), (448, 448)])
def test_a_picture_is_resized_once_and_as_mlx_vlm_does(worker: Worker, kind: str, size: tuple[int, int]) -> None:
    image = noise(size)
    file = heic(image) if kind == "HEIC" else encoded(image, kind, **({"lossless": True} if kind == "WEBP" else {}))
    source = pillow_heif.open_heif(file).to_pillow() if kind == "HEIC" else image
    bounds = Bounds(multiple=32, min_pixels=128 * 128, max_pixels=448 * 448)

    picture = opened(worker, file, bounds)

    expected = source.resize(fitted_size(*size, bounds), Image.Resampling.BICUBIC)
    assert (picture.width, picture.height) == expected.size
    assert picture.rgb == expected.tobytes()


def test_a_photo_decoded_at_half_its_size_is_close_to_the_long_way(worker: Worker) -> None:
    image = noise((400, 300)).resize((2000, 1500), Image.Resampling.BICUBIC)
    file = encoded(image, "JPEG", quality=95)
    bounds = Bounds(multiple=32, min_pixels=1, max_pixels=448 * 448)

    picture = opened(worker, file, bounds)

    whole = Image.open(io.BytesIO(file)).resize((picture.width, picture.height), Image.Resampling.BICUBIC)
    rgb = np.frombuffer(picture.rgb, dtype=np.uint8).reshape(picture.height, picture.width, 3)
    assert np.abs(rgb.astype(float) - np.asarray(whole, dtype=float)).mean() < 3


def test_16_bit_grey_keeps_its_shades_when_it_is_resized(worker: Worker) -> None:
    shades = np.full((64, 64), 20_000, dtype=np.uint16)
    shades[:, 32:] = 40_000

    picture = opened(worker, encoded(Image.fromarray(shades)), Bounds(32, 1, 32 * 32))

    assert pixel(picture, 4, 16) == pytest.approx((78, 78, 78), abs=1)
    assert pixel(picture, 28, 16) == pytest.approx((155, 155, 155), abs=1)


def test_100_megapixels_of_16_bit_grey_fit_the_memory_limit(worker: Worker) -> None:
    file = encoded(Image.new("I;16", (10_000, 10_000), 40_000), "PNG", compress_level=1)

    assert pixel(opened(worker, file), 9, 9) == pytest.approx((155, 155, 155), abs=1)


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS does not limit address space")
def test_a_picture_beyond_the_memory_limit_is_refused_and_the_next_is_served() -> None:
    worker = Worker(memory_bytes=200 << 20)
    try:
        assert refusal(worker, encoded(Image.new("L", (9_000, 9_000)), "TIFF")) in (
            "too_much_memory",
            "decoder_crashed",
        )

        assert opened(worker, encoded(plain("red"))).width == 256
    finally:
        worker.close()


def test_a_picture_that_takes_too_long_is_refused_and_the_next_is_served() -> None:
    worker = Worker(picture_seconds=0.001)  # less than the start of the process takes
    try:
        assert refusal(worker, encoded(plain("red"))) == "too_slow"

        worker._picture_seconds = 30
        assert opened(worker, encoded(plain("red"))).width == 256
    finally:
        worker.close()


def test_a_worker_that_died_is_started_again() -> None:
    worker = Worker()
    try:
        opened(worker, encoded(plain("red")))
        first = worker.pid
        assert first is not None
        psutil.Process(first).kill()
        psutil.wait_procs([psutil.Process(first)] if psutil.pid_exists(first) else [], timeout=10)

        assert opened(worker, encoded(plain("red"))).width == 256
        assert worker.pid != first
    finally:
        worker.close()


def test_urgent_pictures_overtake_those_that_wait(worker: Worker) -> None:
    file = encoded(noise((1500, 1500)))
    order: list[str] = []

    def submit(name: str, *, urgent: bool) -> Future[Picture]:
        done = worker.picture(file, ANY_SIZE, urgent=urgent)
        done.add_done_callback(lambda _: order.append(name))
        return done

    submitted = [submit(f"later {number}", urgent=False) for number in range(4)]
    submitted += [submit(f"urgent {number}", urgent=True) for number in range(2)]
    wait(submitted, WAIT_SECONDS)

    # The first may have been begun before an urgent one came.
    in_turn = [name for name in order if name != "later 0"]
    assert in_turn == ["urgent 0", "urgent 1", "later 1", "later 2", "later 3"]


def test_a_picture_cancelled_while_it_waits_is_not_opened(worker: Worker) -> None:
    file = encoded(noise((1500, 1500)))
    first, second, third = (worker.picture(file, ANY_SIZE) for _ in range(3))

    assert second.cancel()
    assert third.result(WAIT_SECONDS).width == first.result().width


def test_a_closed_worker_refuses_what_waits_and_what_comes() -> None:
    worker = Worker()
    opened(worker, encoded(plain("red")))
    child = psutil.Process(worker.pid)
    file = encoded(noise((3000, 3000)))
    waiting = [worker.picture(file, ANY_SIZE) for _ in range(3)]

    worker.close()

    for done in [*waiting, worker.picture(b"", ANY_SIZE)]:
        with pytest.raises(PictureError, match="closed"):
            done.result(WAIT_SECONDS)
    psutil.wait_procs([child], timeout=WAIT_SECONDS)
    assert worker.pid is None


def test_a_process_that_grows_beyond_the_watched_limit_ends_itself() -> None:
    """What bounds the worker where the system refuses a limit (macOS)."""
    script = (
        "from sidecar.worker import limits\n"
        "with limits.watched(150 << 20):\n"
        "    kept = []\n"
        "    while True: kept.append(b'x' * (1 << 20))"
    )
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, timeout=WAIT_SECONDS)

    assert ended.returncode == limits.EXIT_TOO_MUCH_MEMORY


def test_pictures_with_the_same_pixels_in_another_shape_have_another_digest() -> None:
    pixels = bytes(range(24))

    digests = {Picture(*size, pixels).digest for size in ((4, 2), (2, 4), (4, 2), (8, 1))}

    assert len(digests) == 3


def test_the_worker_dies_with_its_parent() -> None:
    script = (
        "import os; from sidecar.worker import Bounds, Worker; from tests.engine.pictures import encoded, plain\n"
        "worker = Worker(); worker.picture(encoded(plain('red')), Bounds(1, 1, 1 << 20)).result(30)\n"
        "print(worker.pid, flush=True); os._exit(9)"
    )
    parent = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=30)

    pid = int(parent.stdout)
    gone, alive = psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=10)
    assert not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE], gone


def test_the_worker_gets_nothing_of_the_environment(worker: Worker) -> None:
    opened(worker, encoded(plain("red")))
    assert worker.pid is not None

    assert set(psutil.Process(worker.pid).environ()) <= {"MALLOC_ARENA_MAX", "LC_CTYPE", "__CF_USER_TEXT_ENCODING"}
