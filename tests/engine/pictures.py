"""Pictures for tests, as files in memory and as URLs; and what the worker makes of them."""

from __future__ import annotations

import base64
import io
from typing import Any

import pytest
from PIL import Image, ImageDraw

from sidecar.worker.picture import Bounds, Picture, PictureError
from sidecar.worker.process import Worker

ANY_SIZE = Bounds(multiple=1, min_pixels=1, max_pixels=1 << 20)
WAIT_SECONDS = 30


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """The picture as a file of that kind."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def plain(colour: str, size: tuple[int, int] = (256, 256)) -> Image.Image:
    return Image.new("RGB", size, colour)


def circle(colour: str, size: tuple[int, int] = (256, 256)) -> Image.Image:
    image = plain("white", size)
    width, height = size
    ImageDraw.Draw(image).ellipse((width * 0.25, height * 0.25, width * 0.75, height * 0.75), fill=colour)
    return image


def noise(size: tuple[int, int] = (256, 256)) -> Image.Image:
    return Image.effect_noise(size, 120).convert("RGB")


def data_url(file: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(file).decode()


def image_part(url: str, **members: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url, **members}}


def text_part(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def about(*pictures: str, text: str = "What is this?") -> list[dict[str, Any]]:
    """A chat of one message: the pictures at these URLs, and a question."""
    return [{"role": "user", "content": [*map(image_part, pictures), text_part(text)]}]


def heic(image: Image.Image, **options: Any) -> bytes:
    """The picture as an iPhone keeps it."""
    import pillow_heif  # 30 MB of libraries, for the few tests that need them

    file = io.BytesIO()
    pillow_heif.from_pillow(image).save(file, quality=-1, chroma=444, **options)
    return file.getvalue()


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
