"""The pictures of a conversation: found by their URLs, opened by the worker process, in the order they are shown."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

from sidecar.engine.beside import beside
from sidecar.errors import EngineFailed, InvalidImage, ModelNotLoaded
from sidecar.worker.picture import Bounds, Picture, PictureError
from sidecar.worker.process import Worker

MAX_FILE_BYTES = 100_000_000
PLACES = 2  # for files that are opened or in line for it, of each rank: further ones would only lie in memory
MAX_PICTURES = 128  # at 16 tokens and more each, further ones leave no room for words in the context of a small budget

# A picture costs one token for each 32 × 32 pixels, and its attention grows with the square of their number. `high` is
# what `auto` is: more would not fit beside the weights in the smallest memory budget.
MAX_PIXELS = {"auto": 1024 * 1024, "high": 1024 * 1024, "low": 448 * 448}
BACKGROUND_PIXELS = 448 * 448  # of a picture that nobody waits for: 196 tokens, so a short step for those who do

_ATTACHMENT = re.compile(r"attachment:([0-9a-f]{64})", re.ASCII)
_DATA_HEAD = re.compile(r"data:[^,;]*(;[^,;]+)*;base64", re.IGNORECASE | re.ASCII)
MAX_HEAD_CHARACTERS = 1024  # of a data URL, before its comma


def image_parts(messages: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """The `image_url` members of all image parts, in the order of the conversation."""
    for message in messages:
        content = message.get("content")
        if isinstance(content, (list, tuple)):
            yield from (part["image_url"] for part in content if part.get("type") == "image_url")


def has_images(messages: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a conversation shows a picture."""
    return any(True for _ in image_parts(messages))


def model_bounds(folder: Path) -> Bounds:
    """The sizes that the image processor of the model in `folder` takes, read as mlx-vlm reads them: pictures are
    opened before the model is loaded, and without its imports. What the files do not say is mlx-vlm's default.

    Raises:
        ModelNotLoaded: the files say what is no size.
    """
    members = _json(folder / "preprocessor_config.json")
    members |= _json(folder / "processor_config.json").get("image_processor") or {}
    size = members.get("size") or {}

    def pixels(name: str, edge: str, default: int) -> int:
        value = members.get(name)
        value = size.get(edge) if value is None else value
        return default if value is None else int(value)

    try:
        bounds = Bounds(
            multiple=int(members.get("patch_size", 16)) * int(members.get("merge_size", 2)),
            min_pixels=pixels("min_pixels", "shortest_edge", 56 * 56),
            max_pixels=pixels("max_pixels", "longest_edge", 14 * 14 * 4 * 1280),
        )
    except (TypeError, ValueError) as error:
        raise ModelNotLoaded("the model's picture sizes cannot be read", reason="incomplete") from error
    if not 0 < bounds.min_pixels <= bounds.max_pixels or bounds.multiple < 1:
        raise ModelNotLoaded("the model's picture sizes make no sense", reason="incomplete")
    return bounds


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def bounds_for(model: Bounds, detail: str | None, most_pixels: int | None) -> Bounds:
    """The sizes that a picture is brought to: the model's, the request's `detail`, and `most_pixels` where given."""
    wanted = MAX_PIXELS.get(detail or "auto", MAX_PIXELS["auto"])
    most = wanted if most_pixels is None else min(wanted, most_pixels)
    return Bounds(model.multiple, model.min_pixels, max(model.min_pixels, min(model.max_pixels, most)))


async def open_pictures(
    messages: Sequence[Mapping[str, Any]],
    attachments: Path,
    worker: Worker,
    model: Bounds,
    *,
    most_pixels: int | None = None,
    urgent: bool = False,
    reading: Executor | None = None,
    places: asyncio.Semaphore | None = None,
) -> list[Picture]:
    """All pictures of the conversation, in its order, in the size that the model takes; one that is shown again is
    opened once. `urgent` ones go before others at the worker. `reading` reads their files, by default one of the event
    loop's own threads; each takes one of `places` from before it is read until it is opened.

    Raises:
        InvalidImage: one cannot be used; `details.reason` says why and `details.index` which (from 0).
        EngineFailed: the worker has been closed.
    """
    parts = list(image_parts(messages))
    if len(parts) > MAX_PICTURES:
        raise InvalidImage(f"{len(parts)} images", reason="too_many_pictures", index=MAX_PICTURES)
    shown = [(part["url"], bounds_for(model, part.get("detail"), most_pixels)) for part in parts]
    places = places or asyncio.Semaphore(PLACES)
    opening: dict[tuple[str, Bounds], Future[Picture]] = {}
    pictures = []
    try:
        for index in range(len(parts)):
            # The next one is in line when this one is done, or an urgent one would find another's begun again.
            for ahead in range(index, min(index + 2, len(parts))):
                url, bounds = shown[ahead]
                if shown[ahead] not in opening:
                    await places.acquire()
                    with _told(ahead), _released_unless_begun(places):
                        data = await _read(reading, url, attachments, worker)
                        opening[shown[ahead]] = worker.picture(data, bounds, urgent=urgent)
                        del data
                    opening[shown[ahead]].add_done_callback(_releasing(places))
            with _told(index):
                pictures.append(await asyncio.wrap_future(opening[shown[index]]))
    finally:
        for each in reversed(opening.values()):
            each.cancel()
    return pictures


async def _read(reading: Executor | None, url: str, attachments: Path, worker: Worker) -> bytes:
    """The picture's file. Nothing more is read once the worker has been closed, whatever is in line by then."""

    def closed() -> PictureError:
        return PictureError("closed")

    def read() -> bytes:
        if worker.closed:
            raise closed()
        return read_picture(url, attachments)

    return await beside(reading, read, closed)


@contextlib.contextmanager
def _released_unless_begun(places: asyncio.Semaphore) -> Iterator[None]:
    try:
        yield
    except BaseException:
        places.release()
        raise


def _releasing(places: asyncio.Semaphore) -> Callable[[object], None]:
    """For the worker's thread to call, too."""
    loop = asyncio.get_running_loop()

    def release(_: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has been closed
            loop.call_soon_threadsafe(places.release)

    return release


@contextlib.contextmanager
def _told(index: int) -> Iterator[None]:
    """What is wrong with the picture, as its caller is told."""
    try:
        yield
    except PictureError as error:
        if error.reason == "closed":
            raise EngineFailed("the engine has been closed", reason="closed") from error
        raise InvalidImage(f"image {index}: {error.reason}", reason=error.reason, index=index) from error


def refuse_attachments(messages: Sequence[Mapping[str, Any]]) -> None:
    """For those who may show pictures of their own only, and not by their digest what the person has attached.

    Raises:
        InvalidImage: a picture is not a `data:` URL.
    """
    for index, picture in enumerate(image_parts(messages)):
        if not picture["url"].startswith("data:"):
            raise InvalidImage(f"image {index}: unsupported_url", reason="unsupported_url", index=index)


def read_picture(url: str, attachments: Path) -> bytes:
    if (attachment := _ATTACHMENT.fullmatch(url)) is not None:
        return _read_attachment(attachment[1], attachments)
    if url.startswith("attachment:"):
        raise PictureError("missing")
    comma = url.find(",", 0, MAX_HEAD_CHARACTERS)
    if comma < 0 or _DATA_HEAD.fullmatch(url, 0, comma) is None:
        raise PictureError("unsupported_url")
    # White space and missing padding are forgiven, as browsers do.
    data = "".join(url[comma + 1 :].split())
    if len(data) // 4 * 3 > MAX_FILE_BYTES:
        raise PictureError("too_large")
    try:
        return base64.b64decode(data + "=" * (-len(data) % 4), validate=True)
    except ValueError as error:  # also for characters beyond ASCII
        raise PictureError("not_base64") from error


def _read_attachment(sha256: str, attachments: Path) -> bytes:
    """The file `<sha256>` or `<sha256>.<extension>`. The folder holds plain files only, so a link is refused."""
    candidates = [attachments / sha256, *sorted(attachments.glob(f"{sha256}.*"))]
    path = next((candidate for candidate in candidates if os.path.lexists(candidate)), None)
    if path is None:
        raise PictureError("missing")
    try:
        # Opened first and looked at then, so that nothing else can take its place; a pipe must not make us wait.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise PictureError("not_a_file")
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                data = file.read(MAX_FILE_BYTES + 1)
        finally:
            os.close(descriptor)
    except OSError as error:  # a link, a socket, or not ours to read
        raise PictureError("not_a_file") from error
    if len(data) > MAX_FILE_BYTES:
        raise PictureError("too_large")
    return data
