"""From the bytes of a picture file to plain RGB pixels in the size the model wants. Runs in the worker process only."""

from __future__ import annotations

import io

from PIL import Image, UnidentifiedImageError
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.Image import Transpose
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from sidecar.worker.picture import Bounds, PictureError, fitted_size

MAX_SOURCE_PIXELS = 100_000_000  # as the header declares them; more is taken for a decompression bomb

# Only formats whose decoders run inside this process: none that starts a program (EPS) or opens further files. The
# other forty of Pillow are not even imported.
PLUGINS = (PngImageFile, JpegImageFile, WebPImageFile, GifImageFile, BmpImageFile, TiffImageFile, AvifImageFile)
FORMATS = [plugin.format for plugin in PLUGINS]

EXIF_ORIENTATION = 0x0112
TURNS = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}


def decode(data: bytes, bounds: Bounds) -> Image.Image:
    """The first frame of the picture file `data` as RGB: upright, on white where it is transparent, resized once.

    Raises:
        PictureError: not a picture, damaged, or of an unusable size.
    """
    try:
        return _decode(data, bounds)
    except PictureError:
        raise
    except MemoryError as error:
        raise PictureError("too_much_memory") from error
    except (
        Exception
    ) as error:  # decoders meet damage with many types (OSError, struct.error, zlib.error, IndexError, …)
        raise PictureError("truncated") from error


def _decode(data: bytes, bounds: Bounds) -> Image.Image:
    image = _opened(data)
    if image.width * image.height > MAX_SOURCE_PIXELS:
        raise PictureError("too_many_pixels")
    target = fitted_size(*image.size, bounds)
    # JPEG alone heeds it: decodes at a half, quarter or eighth of the size, but not below the target. Half the time for
    # a photo of 12 megapixels, and on average less than two of 255 levels away from the long way (both measured).
    drafted = image.draft(None, target)
    image.load()
    if drafted is None:
        target = fitted_size(*image.size, bounds)  # HEIC may turn out to have another size than its header says
    orientation = image.getexif().get(EXIF_ORIENTATION)  # only now: Pillow turns a TIFF itself while it loads
    resized = _with_plain_samples(image)
    if target != resized.size:
        resized = resized.resize(target, Image.Resampling.BICUBIC)
    upright = _as_rgb(resized)
    return upright.transpose(TURNS[orientation]) if orientation in TURNS else upright


def _opened(data: bytes) -> Image.Image:
    Image.MAX_IMAGE_PIXELS = None  # Pillow's own check only warns below twice its limit; ours is exact
    formats = FORMATS
    if data[4:8] == b"ftyp":
        import pi_heif  # loads megabytes of libraries: only for a file that may need them

        # An embedded thumbnail may show something else than the picture.
        pi_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)
        formats = [*FORMATS, "HEIF"]
    try:
        return Image.open(io.BytesIO(data), formats=formats)
    except UnidentifiedImageError as error:
        raise PictureError("not_a_picture") from error


def _with_plain_samples(image: Image.Image) -> Image.Image:
    """A mode that can be resized without false colours: no palette, no 1-bit and no float samples."""
    if image.mode in ("P", "PA"):
        return image.convert("RGBA" if "transparency" in image.info or image.mode == "PA" else "RGB")
    if image.mode in ("1", "F"):
        return image.convert("L")
    if image.mode in ("L", "RGB") and "transparency" in image.info:
        return image.convert("RGBA")
    return image


def _as_rgb(image: Image.Image) -> Image.Image:
    """The colours on white, in 8 bits."""
    if image.mode.startswith("I"):  # convert() would clip 16-bit grey at 255 instead of scaling it
        return image.convert("I").point(lambda sample: sample * (1 / 257)).convert("L").convert("RGB")
    if image.mode in ("RGBA", "LA", "RGBa", "La"):
        straight = image.convert("RGBA")
        white = Image.new("RGB", straight.size, "white")
        white.paste(straight, mask=straight.getchannel("A"))
        return white
    return image if image.mode == "RGB" else image.convert("RGB")
