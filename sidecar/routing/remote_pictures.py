"""The pictures of a conversation as they leave for a provider's server: opened by the worker, without metadata."""

from __future__ import annotations

import asyncio
import base64
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sidecar.engine.images import MAX_PICTURES, image_parts, read_picture
from sidecar.errors import EngineFailed, InvalidImage
from sidecar.worker.picture import Bounds, Picture, PictureError
from sidecar.worker.process import Worker

LONGEST_SIDE = 2048
"""Pixels. What OpenAI scales pictures down to before anything else; other services take less."""

_BOUNDS = Bounds(multiple=1, min_pixels=1, max_pixels=LONGEST_SIDE * LONGEST_SIDE)
_JPEG_QUALITY = 90  # text stays sharp; a page of it has about half a megabyte


async def with_pictures(
    messages: Sequence[Mapping[str, Any]], attachments: Path, worker: Worker, *, urgent: bool
) -> list[Mapping[str, Any]]:
    """The messages with every picture as a `data:` URL of a JPEG made of its pixels alone: where and with what it was
    taken stays here. On white where it was transparent, and its longest side 2,048 pixels at most.

    Raises:
        InvalidImage: one cannot be used; `details.reason` says why and `details.index` which (from 0).
        EngineFailed: the worker has been closed.
    """
    urls = [part["url"] for part in image_parts(messages)]
    if len(urls) > MAX_PICTURES:
        raise InvalidImage(f"{len(urls)} images", reason="too_many_pictures", index=MAX_PICTURES)
    opened: dict[str, str] = {}
    for index, url in enumerate(urls):
        if url in opened:
            continue
        try:
            data = await asyncio.to_thread(read_picture, url, attachments)
            picture = await asyncio.wrap_future(worker.picture(data, _BOUNDS, urgent=urgent))
        except PictureError as error:
            if error.reason == "closed":
                raise EngineFailed("the worker has been closed", reason="closed") from error
            raise InvalidImage(f"image {index}: {error.reason}", reason=error.reason, index=index) from error
        opened[url] = await asyncio.to_thread(_as_url, picture)
    return [_shown(message, opened) for message in messages] if opened else list(messages)


def _shown(message: Mapping[str, Any], opened: Mapping[str, str]) -> Mapping[str, Any]:
    content = message.get("content")
    if not isinstance(content, list | tuple):
        return message
    parts = [
        part | {"image_url": part["image_url"] | {"url": opened[part["image_url"]["url"]]}}
        if part.get("type") == "image_url"
        else part
        for part in content
    ]
    return {**message, "content": parts}


def _as_url(picture: Picture) -> str:
    from PIL import Image  # late: only for a request with pictures

    image = Image.frombytes("RGB", (picture.width, picture.height), picture.rgb)
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=_JPEG_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()
