"""The engine as the rest of the program sees it: from the event loop, without a wait on it."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from pathlib import Path

from sidecar.engine.images import BACKGROUND_PIXELS, image_parts, model_bounds, open_pictures
from sidecar.engine.request import Finished, GenerationRequest, Job, ModelFolder, Piece, RequestPriority, TextDelta
from sidecar.engine.scheduler import Scheduler
from sidecar.engine.status import EngineStatus
from sidecar.errors import SidecarError
from sidecar.worker import Picture, Worker


class Engine:
    """Loads one model at a time, lazily, and answers chats with it; several at once share its steps."""

    def __init__(
        self,
        *,
        attachments: Path,
        cache: Path,
        on_status: Callable[[EngineStatus], None] | None = None,
        background_pixels: int = BACKGROUND_PIXELS,
    ) -> None:
        """`attachments` is the folder of `attachment:<sha256>` URLs, `cache` may be deleted at any time. `on_status`
        is called on the event loop whenever the status changed (not for each token). Pictures of LOW requests are
        shrunk to `background_pixels`, which may be set at any time."""
        self.background_pixels = background_pixels
        self._attachments = attachments
        self._on_status = on_status
        self._loop: asyncio.AbstractEventLoop | None = None
        self._worker = Worker()
        self._scheduler = Scheduler(cache=cache, on_status=self._status_changed)

    async def ensure_loaded(self, model_path: Path, *, model_id: str | None = None) -> None:
        """Returns when the model in the folder `model_path` is loaded; callers at the same time load it once.
        `model_id` is the name that `status` shows, by default the folder's.

        Raises:
            EngineFailed: the folder holds no model that can be loaded.
        """
        self._loop = asyncio.get_running_loop()
        await asyncio.wrap_future(self._scheduler.load(_folder(model_path, model_id)))

    async def generate(
        self, model_path: Path, request: GenerationRequest, *, model_id: str | None = None
    ) -> AsyncGenerator[TextDelta | Finished, None]:
        """The answer, piece by piece; the last one is `Finished`. Loads the model first if it is not loaded. Closing
        the iterator or cancelling its task ends the generation within one step.

        Raises:
            InvalidRequest: a member is out of range, or the chat template refuses the messages.
            InvalidImage: a picture cannot be used.
            ContextLengthExceeded: the prompt leaves no room for an answer.
            EngineFailed: the model cannot be loaded, or a step broke off.
        """
        request.check()
        loop = self._loop = asyncio.get_running_loop()
        pictures = await self._pictures(model_path, request)
        pieces: asyncio.Queue[Piece | SidecarError] = asyncio.Queue()

        def deliver(piece: Piece | SidecarError) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has been closed: nobody is left to tell
                loop.call_soon_threadsafe(pieces.put_nowait, piece)

        # Callers' ids may repeat; what is cancelled must be this request and no other.
        own = replace(request, request_id=f"{request.request_id}/{uuid.uuid4().hex[:8]}")
        self._scheduler.submit(Job(_folder(model_path, model_id), own, pictures, deliver))
        ended = False
        try:
            while not ended:
                piece = await pieces.get()
                ended = not isinstance(piece, TextDelta)
                if isinstance(piece, SidecarError):
                    raise piece
                yield piece
        finally:
            if not ended:
                self._scheduler.cancel(own.request_id)

    async def unload_model(self) -> None:
        """Frees the model's memory. Running answers are finished first; the next request loads it again."""
        self._loop = asyncio.get_running_loop()
        await asyncio.wrap_future(self._scheduler.unload())

    def status(self) -> EngineStatus:
        """What the engine holds and does now."""
        return self._scheduler.status

    def close(self) -> None:
        """Ends the worker process, fails what still runs, and serves nothing more. Returns at once."""
        self._scheduler.close()
        self._worker.close()

    async def _pictures(self, model_path: Path, request: GenerationRequest) -> list[Picture]:
        if not any(True for _ in image_parts(request.messages)):
            return []
        urgent = request.priority == RequestPriority.HIGH
        return await open_pictures(
            request.messages,
            self._attachments,
            self._worker,
            model_bounds(model_path),
            most_pixels=None if urgent else self.background_pixels,
            urgent=urgent,
        )

    def _status_changed(self, status: EngineStatus) -> None:
        if self._on_status is None or self._loop is None:
            return
        with contextlib.suppress(RuntimeError):  # the loop has been closed
            self._loop.call_soon_threadsafe(self._on_status, status)


def _folder(path: Path, model_id: str | None) -> ModelFolder:
    return ModelFolder(path, path.name if model_id is None else model_id)
