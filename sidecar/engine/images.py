"""The pictures of a conversation: found by their URLs, opened by the worker process, in the order they are shown."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

from sidecar.errors import InvalidImage
from sidecar.worker import Picture, PictureError, Worker

MAX_FILE_BYTES = 100_000_000

# A picture costs one token for each 32 × 32 pixels, and its attention grows with the square of their number.
MAX_PIXELS = {"auto": 1024 * 1024, "high": 1024 * 1024, "low": 448 * 448}

_ATTACHMENT = re.compile(r"attachment:([0-9a-f]{64})", re.ASCII)
_DATA = re.compile(r"data:(?P<type>[^,;]*)(?:;[^,;]+)*?(?P<base64>;base64)?,(?P<data>.*)", re.IGNORECASE | re.DOTALL)


def image_parts(messages: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """The `image_url` members of all image parts, in the order of the conversation."""
    for message in messages:
        content = message.get("content")
        if isinstance(content, (list, tuple)):
            yield from (part["image_url"] for part in content if part.get("type") == "image_url")


async def open_pictures(messages: Sequence[Mapping[str, Any]], attachments: Path, worker: Worker) -> list[Picture]:
    """All pictures of the conversation, in its order.

    Raises:
        InvalidImage: one cannot be used; `details.reason` says why and `details.index` which (from 0).
    """
    pictures = []
    for index, part in enumerate(image_parts(messages)):
        max_pixels = MAX_PIXELS.get(part.get("detail") or "auto", MAX_PIXELS["auto"])
        try:
            pictures.append(await asyncio.to_thread(_open, part["url"], max_pixels, attachments, worker))
        except PictureError as error:
            raise InvalidImage(f"image {index}: {error.reason}", reason=error.reason, index=index) from error
    return pictures


def _open(url: str, max_pixels: int, attachments: Path, worker: Worker) -> Picture:
    return worker.picture(_read(url, attachments), max_pixels)


def _read(url: str, attachments: Path) -> bytes:
    if (attachment := _ATTACHMENT.fullmatch(url)) is not None:
        return _read_attachment(attachment[1], attachments)
    if url.startswith("attachment:"):
        raise PictureError("missing")
    if (data := _DATA.fullmatch(url)) is None:
        raise PictureError("unsupported_url")
    if data["base64"] is None:
        return unquote_to_bytes(data["data"])
    try:
        return base64.b64decode(unquote_to_bytes(data["data"]), validate=True)
    except binascii.Error as error:
        raise PictureError("truncated") from error


def _read_attachment(sha256: str, attachments: Path) -> bytes:
    """The file `<sha256>` or `<sha256>.<extension>`; a link that leads out of the folder counts as missing."""
    home = attachments.resolve()
    for candidate in [attachments / sha256, *sorted(attachments.glob(f"{sha256}.*"))]:
        if not candidate.is_file() or candidate.resolve().parent != home:
            continue
        try:
            if candidate.stat().st_size > MAX_FILE_BYTES:
                raise PictureError("too_large")
            return candidate.read_bytes()
        except OSError as error:
            raise PictureError("missing") from error
    raise PictureError("missing")
