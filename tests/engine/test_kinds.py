"""Every kind of picture that people have becomes the pixels that a person would see, in the size the model takes."""

from __future__ import annotations

import io

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageCms, ImageOps

from sidecar.worker.picture import Bounds, fitted_size
from sidecar.worker.process import Worker
from tests.engine.pictures import encoded, heic, noise, opened, pixel, plain


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
