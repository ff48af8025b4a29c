"""From the bytes of a picture file to plain RGB pixels of a bounded number. Runs in the worker process only.

Pillow is imported when the first picture comes, so that the parent process may import this module for its names.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

MAX_SOURCE_PIXELS = 100_000_000  # as the header declares them; more is taken for a decompression bomb
MAX_ASPECT_RATIO = 200  # Qwen3-VL's own limit (`smart_resize`)

# Only formats whose decoders live inside Pillow: none that starts a program (EPS) or opens further files.
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")

EXIF_ORIENTATION = 0x0112


class PictureError(Exception):
    """The picture cannot be used. `reason` is one of missing, not_a_picture, truncated, too_many_pixels, too_large,
    too_narrow, too_slow, too_much_memory, decoder_crashed, unsupported_url."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Pixels:
    """`rgb` holds width × height × 3 bytes, row by row from the top left."""

    width: int
    height: int
    rgb: bytes


def decode(data: bytes, max_pixels: int) -> Pixels:
    """The first frame of the picture file `data`, upright, on white where it is transparent, shrunk to `max_pixels`.

    Raises:
        PictureError: not a picture, damaged, or of an unusable size.
    """
    from PIL import Image, UnidentifiedImageError

    Image.MAX_IMAGE_PIXELS = None  # Pillow's own check only warns below twice its limit; ours below is exact
    Image.init()
    try:
        image = Image.open(io.BytesIO(data), formats=[known for known in FORMATS if known in Image.OPEN])
    except UnidentifiedImageError as error:
        raise PictureError("not_a_picture") from error
    except MemoryError as error:
        raise PictureError("too_much_memory") from error
    except Exception as error:  # as below: damage in the header
        raise PictureError("truncated") from error
    width, height = image.size
    if width * height > MAX_SOURCE_PIXELS:
        raise PictureError("too_many_pixels")
    if min(width, height) == 0 or max(width, height) > MAX_ASPECT_RATIO * min(width, height):
        raise PictureError("too_narrow")
    target = bounded_size(width, height, max_pixels)
    try:
        if target != image.size:
            image.draft(None, target)  # JPEG alone heeds it: decodes at a half, quarter or eighth of the size
        image.load()
        orientation = image.getexif().get(EXIF_ORIENTATION)  # only now: Pillow turns a TIFF itself while it loads
    except MemoryError as error:
        raise PictureError("too_much_memory") from error
    except Exception as error:  # decoders meet damage with many types (struct.error, zlib.error, IndexError, …)
        raise PictureError("truncated") from error
    try:
        shrunk = _as_plain_samples(image)
        if target != shrunk.size:
            shrunk = shrunk.resize(target, Image.Resampling.BICUBIC, reducing_gap=2.0)
        upright = _upright(_on_white(shrunk), orientation)
    except MemoryError as error:
        raise PictureError("too_much_memory") from error
    return Pixels(upright.width, upright.height, upright.tobytes())


def bounded_size(width: int, height: int, max_pixels: int) -> tuple[int, int]:
    """Width and height of the same shape with at most `max_pixels` pixels, and at least one on each side."""
    if width * height <= max_pixels:
        return width, height
    scale = math.sqrt(max_pixels / (width * height))
    return max(1, int(width * scale)), max(1, int(height * scale))


def _as_plain_samples(image: Image.Image) -> Image.Image:
    """A mode that can be resized without false colours: no palette, no 1-bit, no 16-bit or float samples."""
    if image.mode in ("P", "PA"):
        return image.convert("RGBA" if "transparency" in image.info or image.mode == "PA" else "RGB")
    if image.mode.startswith("I"):  # 16-bit grey: convert() would clip at 255 instead of scaling
        return image.convert("I").point(lambda sample: sample * (1 / 257)).convert("L")
    if image.mode in ("1", "F"):
        return image.convert("L")
    if image.mode in ("L", "RGB") and "transparency" in image.info:
        return image.convert("RGBA")
    return image


def _on_white(image: Image.Image) -> Image.Image:
    from PIL import Image

    if image.mode in ("RGBA", "LA", "RGBa", "La"):
        straight = image.convert("RGBA")
        white = Image.new("RGB", straight.size, "white")
        white.paste(straight, mask=straight.getchannel("A"))
        return white
    return image if image.mode == "RGB" else image.convert("RGB")


def _upright(image: Image.Image, orientation: int | None) -> Image.Image:
    from PIL.Image import Transpose

    turns = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    return image.transpose(turns[orientation]) if orientation in turns else image
