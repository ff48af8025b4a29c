"""The face of this package: the built-in models, their state, and their downloads."""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from sidecar.errors import Cancelled, InternalError, ModelNotReady, SidecarError
from sidecar.models.cache import RepositoryCache
from sidecar.models.catalog import BuiltinModel, Catalog
from sidecar.models.download import SnapshotDownload
from sidecar.models.manifest import Manifest
from sidecar.models.mirrors import Mirror
from sidecar.models.network import NetworkLimits
from sidecar.models.progress import DownloadEvent, Progress

log = logging.getLogger(__name__)

ModelState = Literal["absent", "partial", "downloading", "verifying", "ready", "damaged", "failed"]

CANCEL_SECONDS = 2
"""How long `cancel_download` and `close` wait for the disk to let go; ordinarily it takes milliseconds."""


@dataclass(frozen=True)
class ModelStatus:
    """What of a model is on disk, and what is being done about the rest.

    `total_bytes` is None until somebody said it. `kind` is the last failure's, while the state is `failed`; after a
    restart, or after a cancel, such a model is `partial` or `absent`.
    """

    model_id: str
    state: ModelState
    downloaded_bytes: int
    total_bytes: int | None
    kind: str | None = None
    damaged_files: tuple[str, ...] = ()


@dataclass(frozen=True)
class ListedModel:
    """A model of the catalog with what is known of it on this computer."""

    id: str
    repository: str
    revision: str | None
    display_name: str
    capabilities: tuple[str, ...]
    mirrors: tuple[str, ...]
    total_bytes: int | None
    state: ModelState


@dataclass(frozen=True)
class _Running:
    download: SnapshotDownload
    end: "asyncio.Task[None]"


class Models:
    """The built-in models below `root`. Use it from one event loop; `notify` is called there.

    The events of a download are notified in order, and its last one when `status` already tells its end.
    """

    def __init__(
        self,
        *,
        root: Path,
        catalog: Catalog,
        notify: Callable[[DownloadEvent], None],
        limits: NetworkLimits | None = None,
    ) -> None:
        self._root = root
        self._catalog = catalog
        self._notify = notify
        self._limits = limits or NetworkLimits()
        self._running: dict[str, _Running] = {}
        self._failures: dict[str, str] = {}
        self._verifying = asyncio.Lock()

    def status(self, model_id: str | None = None) -> ModelStatus:
        """The state of a model: the one of that id or repository, or the first of the catalog.

        Raises:
            ModelNotFound: the catalog has no such model.
        """
        model = self._catalog.find(model_id)
        if running := self._running.get(model.id):
            progress = running.download.progress
            state: ModelState = "verifying" if progress.verifying else "downloading"
            return ModelStatus(model.id, state, progress.downloaded_bytes, progress.total_bytes)
        status = self._on_disk(model)
        kind = self._failures.get(model.id)
        return status if kind is None or status.state == "ready" else replace(status, state="failed", kind=kind)

    def is_model_downloaded(self, model_id: str | None = None) -> bool:
        """Whether every file of the model was verified and is still there.

        Raises:
            ModelNotFound: the catalog has no such model.
        """
        return self._on_disk(self._catalog.find(model_id)).state == "ready"

    def get_model_path(self, model_id: str | None = None) -> Path:
        """The folder to load the model from.

        Raises:
            ModelNotFound: the catalog has no such model.
            ModelNotReady: it is not on disk, or not whole.
        """
        model = self._catalog.find(model_id)
        manifest = self._verified(model)
        cache = self._cache(model)
        if manifest is None:
            raise ModelNotReady(f"{model.id} is not on disk", model=model.id)
        if damaged := cache.damaged_files(manifest):
            raise ModelNotReady(f"{model.id} is damaged", model=model.id, reason="damaged", files=damaged)
        return cache.snapshot(manifest.revision)

    async def verify(self, model_id: str | None = None) -> None:
        """Read a model on disk again, for seconds, on a thread. Afterwards `status` tells what of it is damaged.

        Raises:
            ModelNotFound: the catalog has no such model.
            ModelNotReady: it is not on disk, or was found damaged.
        """
        model = self._catalog.find(model_id)
        async with self._verifying:
            self.get_model_path(model.id)  # Not read again for each of the chats that failed over one file.
            if (manifest := self._verified(model)) is not None:
                await asyncio.to_thread(asyncio.run, self._cache(model).discard_damaged(manifest))
        self.get_model_path(model.id)

    async def download(self, model_id: str | None = None, mirror: str | None = None) -> ModelStatus:
        """Start a download, or join the one that runs, and answer at once. A model on disk is not fetched again.

        `mirror` is any address; the catalog's first by default. No other one is tried when it fails.

        Raises:
            ModelNotFound: the catalog has no such model.
            MirrorInvalid: not an address that may be asked.
        """
        model = self._catalog.find(model_id)
        chosen = Mirror.parse(model.mirrors[0] if mirror is None else mirror)
        if model.id not in self._running and not self.is_model_downloaded(model.id):
            self._failures.pop(model.id, None)
            self._start(model, chosen)
        return self.status(model.id)

    async def cancel_download(self, model_id: str | None = None) -> ModelStatus:
        """Stop a download; what arrived stays on disk. Without one, only answers the state.

        Raises:
            ModelNotFound: the catalog has no such model.
        """
        model = self._catalog.find(model_id)
        if running := self._running.get(model.id):
            running.download.cancel()
            await asyncio.wait({running.end}, timeout=CANCEL_SECONDS)
        return self.status(model.id)

    async def close(self) -> None:
        """Cancel all downloads and wait for them, within limits."""
        running = list(self._running.values())
        for each in running:
            each.download.cancel()
        if running:
            await asyncio.wait({each.end for each in running}, timeout=CANCEL_SECONDS)

    def list(self) -> Sequence[ListedModel]:
        """All models of the catalog, in its order."""
        return [self._listed(model) for model in self._catalog.models]

    def _listed(self, model: BuiltinModel) -> ListedModel:
        status = self.status(model.id)
        verified = self._verified(model)
        return ListedModel(
            model.id,
            model.repository,
            model.revision if verified is None else verified.revision,
            model.display_name,
            model.capabilities,
            model.mirrors,
            status.total_bytes,
            status.state,
        )

    def _start(self, model: BuiltinModel, mirror: Mirror) -> None:
        loop = asyncio.get_running_loop()

        def emit(event: DownloadEvent) -> None:
            with contextlib.suppress(RuntimeError):  # The loop is closed: nobody is left to tell.
                loop.call_soon_threadsafe(self._notify, event)

        before = self._on_disk(model)
        progress = Progress(model.id, before.downloaded_bytes, before.total_bytes, emit)
        download = SnapshotDownload(model, self._cache(model), mirror, self._limits, progress)
        self._running[model.id] = _Running(download, loop.create_task(self._follow(model, download)))

    async def _follow(self, model: BuiltinModel, download: SnapshotDownload) -> None:
        """Run a download on a thread of its own and tell its end."""
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[BaseException | None] = loop.create_future()

        def settle(error: BaseException | None) -> None:
            if not ended.done():
                ended.set_result(error)

        def work() -> None:
            failure: BaseException | None = None
            try:
                download.run()
            except BaseException as error:
                failure = error
            with contextlib.suppress(RuntimeError):  # The loop is closed: the process is leaving.
                loop.call_soon_threadsafe(settle, failure)

        # A daemon: a disk that does not answer must not keep the process.
        threading.Thread(target=work, name="builtin-model-download", daemon=True).start()
        try:
            error = await ended
        finally:
            download.cancel()
            del self._running[model.id]
        event = download.progress.completed() if error is None else self._failed(model, download.progress, error)
        self._notify(replace(event, name="builtin-model-download-progress"))
        self._notify(event)

    def _failed(self, model: BuiltinModel, progress: Progress, error: BaseException) -> DownloadEvent:
        if isinstance(error, SidecarError):
            log.warning("builtin-model download failed: %s: %s %s", error.kind, error.message, error.details)
        else:
            log.error("builtin-model download broke off", exc_info=error)
            error = InternalError("the download broke off")
        if not isinstance(error, Cancelled):
            self._failures[model.id] = error.kind
        file = error.details.get("file")
        return progress.failed(error.kind, error.message, file if isinstance(file, str) else None)

    def _cache(self, model: BuiltinModel) -> RepositoryCache:
        return RepositoryCache(self._root, model.repository)

    def _verified(self, model: BuiltinModel) -> Manifest | None:
        """The snapshot that counts as this model, if it was verified: the pinned one, or the one downloaded last."""
        cache = self._cache(model)
        revision = model.revision or cache.main_revision()
        manifest = None if revision is None else cache.verified(revision)
        pinned = model.pinned()
        if manifest is not None and pinned is not None and set(manifest.files) != set(pinned.files):
            return None  # Checked against a mirror's word once; the catalog knows better now.
        return manifest

    def _on_disk(self, model: BuiltinModel) -> ModelStatus:
        cache = self._cache(model)
        manifest = self._verified(model)
        if manifest is not None:
            damaged = cache.damaged_files(manifest)
            here = sum(cache.bytes_on_disk(file) for file in manifest.contents())
            state: ModelState = "damaged" if damaged else "ready"
            kind = "file_damaged" if damaged else None
            return ModelStatus(model.id, state, here, manifest.total_bytes, kind, tuple(damaged))
        plan = model.pinned() or cache.plan()
        if plan is None:
            return ModelStatus(model.id, "absent", 0, model.total_bytes)
        here = sum(cache.bytes_on_disk(file) for file in plan.contents())
        return ModelStatus(model.id, "partial" if here else "absent", here, plan.total_bytes)
