"""The face of this package: the built-in models, their state, and their downloads."""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from sidecar.errors import Cancelled, InternalError, ModelInUse, ModelNotReady, SidecarError
from sidecar.models.cache import RepositoryCache, remove_unfinished
from sidecar.models.catalog import BuiltinModel, Catalog
from sidecar.models.check import SnapshotCheck
from sidecar.models.download import SnapshotDownload
from sidecar.models.inspections import Inspections
from sidecar.models.job import Job
from sidecar.models.jobs import Jobs
from sidecar.models.mirrors import Mirror
from sidecar.models.network import NetworkLimits
from sidecar.models.progress import EVENT_SECONDS, DownloadEvent, Progress
from sidecar.models.snapshot_import import SnapshotImport
from sidecar.models.status import ListedModel, ModelStatus, listed, of_download, on_disk, verified

log = logging.getLogger(__name__)

Notify = Callable[[DownloadEvent], None]


class Models:
    """The built-in models below `root`. Use it from one event loop; `notify` and `on_change` are called there.

    At most one thing is done with a model at a time. The events of a download, an import or a check are notified in
    order, and that of its end when `status` already tells it. For whoever hears no other the last event of progress
    says it, too, as soon as there may be another; it is left out where something new began meanwhile. `on_change` is
    called when a model may have become ready, or no longer be.
    """

    def __init__(
        self,
        *,
        root: Path,
        catalog: Catalog,
        notify: Notify,
        on_change: Callable[[], None] = lambda: None,
        limits: NetworkLimits | None = None,
    ) -> None:
        self._root = root
        self._catalog = catalog
        self._notify = notify
        self._on_change = on_change
        self._limits = limits or NetworkLimits()
        self._jobs = Jobs()
        self._deleting: set[str] = set()
        self._checking: Counter[str] = Counter()  # who waits for the outcome of a check
        self._failures: dict[str, str] = {}
        self._lent: Counter[Path] = Counter()  # what is answered from; no download deletes it under the loader
        self._sweeps: set[asyncio.Task[None]] = set()
        self._inspections = Inspections()
        self._last_words: dict[str, asyncio.TimerHandle] = {}
        self._quiet_until: dict[str, float] = {}  # by the loop's clock: no event of progress before

    def status(self, model_id: str | None = None) -> ModelStatus:
        """The state of a model: the one of that id or repository, or the first of the catalog.

        Raises:
            ModelNotFound: the catalog has no such model.
        """
        model = self._catalog.find(model_id)
        status = on_disk(model, self._cache(model))
        if job := self._jobs.wanted(model.id):
            here, total = job.progress.downloaded_bytes, job.progress.total_bytes
            serves = status.state == "ready" and not isinstance(job, SnapshotCheck)
            return ModelStatus(
                model.id,
                "ready" if serves else job.state,
                here,
                total,
                activity=job.activity,
                mirror=job.mirror,
                update=status.update if serves else None,
            )
        kind = self._failures.get(model.id)
        return status if kind is None or status.state == "ready" else replace(status, state="failed", kind=kind)

    def is_model_downloaded(self, model_id: str | None = None) -> bool:
        """Whether every file of the model was verified and is still there.

        Raises:
            ModelNotFound: the catalog has no such model.
        """
        model = self._catalog.find(model_id)
        return on_disk(model, self._cache(model)).state == "ready"

    def get_model_path(self, model_id: str | None = None) -> Path:
        """The folder to load the model from. It may be gone once a newer revision is whole, unless it is lent.

        Raises:
            ModelNotFound: the catalog has no such model.
            ModelNotReady: it is not on disk, or not whole.
        """
        model = self._catalog.find(model_id)
        cache = self._cache(model)
        manifest = verified(model, cache)
        if manifest is None:
            raise ModelNotReady(f"{model.id} is not on disk", model=model.id)
        if damaged := cache.damaged_files(manifest):
            raise ModelNotReady(f"{model.id} is damaged", model=model.id, reason="damaged", files=damaged)
        return cache.snapshot(manifest.revision)

    @contextlib.contextmanager
    def lend(self, model_id: str | None = None) -> Iterator[Path]:
        """The folder to load the model from, which stays until it is given back, whatever is downloaded meanwhile. One
        that a newer revision has superseded is then deleted, once nobody has it any more.

        Raises:
            ModelNotFound: the catalog has no such model.
            ModelNotReady: it is not on disk, or not whole.
        """
        path = self.get_model_path(model_id)
        self._lent[path] += 1
        try:
            yield path
        finally:
            self._lent[path] -= 1
            if not self._lent[path]:
                del self._lent[path]
                sweep = asyncio.get_running_loop().create_task(self.sweep_superseded())
                self._sweeps.add(sweep)
                sweep.add_done_callback(self._sweeps.discard)

    async def sweep_superseded(self) -> None:
        """Delete the snapshots that newer ones have superseded and that nobody has any more."""
        for model in self._catalog.models:
            cache = self._cache(model)
            manifest = verified(model, cache)
            if manifest is None or not cache.is_superseded(manifest) or not self._is_settled(model):
                continue
            self._deleting.add(model.id)
            try:
                await asyncio.to_thread(cache.sweep_superseded, manifest)
            finally:
                self._deleting.discard(model.id)

    def list(self) -> Sequence[ListedModel]:
        """All models of the catalog, in its order."""
        return [listed(model, self._cache(model), self.status(model.id)) for model in self._catalog.models]

    async def download(self, model_id: str | None = None, mirror: str | None = None) -> ModelStatus:
        """Start a download, or join what is being done with the model, and answer at once; only what was cancelled is
        waited for. A model on disk is not fetched again, unless the catalog has another revision: then the one that is
        there serves until the other is whole.

        `mirror` is any address; the catalog's first by default. No other one is tried when it fails.

        Raises:
            ModelNotFound: the catalog has no such model.
            MirrorInvalid: not an address that may be asked.
            ModelInUse: it is being deleted, or a folder to import it from is looked at, or what was cancelled holds the
                disk.
            Cancelled: somebody cancelled before it began.
        """
        model = self._catalog.find(model_id)
        chosen = Mirror.parse(model.mirrors[0] if mirror is None else mirror)
        await self._jobs.wait_if_cancelled(model.id)
        if self._jobs.wanted(model.id) is None and not self._is_current(model):
            self.refuse_if_busy(model.id)
            cache = self._cache(model)
            here, total = of_download(model, cache)
            progress = self._progress(model, here, total, "Downloading")
            self._start(model, SnapshotDownload(model, cache, chosen, self._limits, progress))
        return self.status(model.id)

    async def import_folder(self, path: str, model_id: str | None = None) -> ModelStatus:
        """Start to bring the model in from a folder of this computer, or join the import that runs, and answer at once.
        The folder is looked at before. A model on disk is not imported again, unless the catalog has another revision.

        Raises:
            ModelNotFound: the catalog has no such model.
            ImportRefused: the folder does not hold this model.
            ModelInUse: something else is being done with it.
            Cancelled: somebody cancelled before it began.
        """
        model = self._catalog.find(model_id)
        await self._jobs.wait_if_cancelled(model.id)
        if not self._is_importing(model, path) and not self._is_current(model):
            if model.id not in self._inspections:
                self.refuse_if_busy(model.id)
            source = await self._jobs.prepare(model.id, self._inspections.source(model, path))
            if self._is_importing(model, path):
                return self.status(model.id)
            self.refuse_if_busy(model.id)
            progress = self._progress(model, 0, source.total_bytes, "Importing")
            self._start(model, SnapshotImport(model, self._cache(model), source, progress))
        return self.status(model.id)

    async def cancel_download(self, model_id: str | None = None) -> ModelStatus:
        """Stop a download, an import (also while its folder is still looked at) or a check; what a download brought
        stays on disk. Without one, only answers the state.

        Raises:
            ModelNotFound: the catalog has no such model.
        """
        model = self._catalog.find(model_id)
        self._inspections.forget(model.id)
        await self._jobs.cancel(model.id)
        return self.status(model.id)

    async def verify(self, model_id: str | None = None) -> ModelStatus:
        """Read a model on disk again, which takes seconds, with the events of a download. What is damaged is deleted,
        and the status tells it. Who stops waiting stops the check, unless somebody else waits for it.

        Raises:
            ModelNotFound: the catalog has no such model.
            ModelNotReady: it is not on disk.
            ModelInUse: it is being downloaded, imported or deleted.
        """
        model = self._catalog.find(model_id)
        try:
            await self._check(model, self._notify)
        except asyncio.CancelledError:
            # The one who asked has left. A chat that waits for the outcome still gets it.
            if not self._checking[model.id] and isinstance(self._jobs.get(model.id), SnapshotCheck):
                await self._jobs.cancel(model.id)
            raise
        return self.status(model.id)

    async def find_damage(self, model_id: str | None = None) -> None:
        """Read a model again that could not be loaded, without events. Returns if it is whole.

        Raises:
            ModelNotFound: the catalog has no such model.
            ModelNotReady: it is not on disk, or was found damaged.
            ModelInUse: it is being deleted.
        """
        model = self._catalog.find(model_id)
        self.get_model_path(model.id)  # Not read again for each of the chats that failed over one file.
        await self._check(model, lambda event: None)
        self.get_model_path(model.id)

    async def delete(self, model_id: str | None = None) -> ModelStatus:
        """Delete all that is on disk of a model, unfinished parts, too. The caller sees to it that it is not loaded.

        Raises:
            ModelNotFound: the catalog has no such model.
            ModelInUse: it is being downloaded, imported, verified or deleted.
            InternalError: something of it cannot be deleted.
        """
        model = self._catalog.find(model_id)
        self.refuse_if_busy(model.id)
        await self._delete([model.id], self._cache(model).remove)
        log.info("builtin-model %s was deleted", model.repository)
        return self.status(model.id)

    async def delete_unfinished(self) -> None:
        """Delete what downloads and imports left that did not come to their end.

        Raises:
            ModelInUse: a model is being downloaded, imported, verified or deleted.
            InternalError: something of it cannot be deleted.
        """
        models = [model.id for model in self._catalog.models]
        for model_id in models:
            self.refuse_if_busy(model_id)
        await self._delete(models, partial(remove_unfinished, self._root))
        log.info("unfinished downloads were deleted")

    def refuse_if_busy(self, model_id: str | None = None) -> None:
        """Refuse what cannot be done beside something else.

        Raises:
            ModelNotFound: the catalog has no such model.
            ModelInUse: `details.reason` says what is being done with it.
        """
        model = self._catalog.find(model_id)
        if job := self._jobs.get(model.id):
            reason = job.activity
        elif model.id in self._deleting:
            reason = "deleting"
        elif model.id in self._inspections:
            reason = "importing"
        else:
            return
        raise ModelInUse(f"{model.id} is in use", model=model.id, reason=reason)

    async def close(self) -> None:
        """Cancel all that runs and wait for it, within limits."""
        self._on_change = lambda: None  # nobody is left to tell
        await self._jobs.cancel()
        for sweep in self._sweeps:
            sweep.cancel()  # what it did not come to is left to the next start
        for last_word in self._last_words.values():
            last_word.cancel()

    async def _delete(self, model_ids: Sequence[str], remove: Callable[[], object]) -> None:
        for model_id in model_ids:
            self._failures.pop(model_id, None)
            self._hush(model_id)
        self._deleting.update(model_ids)
        # Goes on when the caller no longer waits.
        removal = asyncio.ensure_future(asyncio.to_thread(remove))

        def removed(_: object) -> None:
            self._deleting.difference_update(model_ids)
            self._on_change()

        removal.add_done_callback(removed)
        try:
            await asyncio.shield(removal)
        except OSError as error:
            raise InternalError(f"the data folder cannot be used: {error!r}") from error

    def _is_current(self, model: BuiltinModel) -> bool:
        """Whether the model is on disk as the catalog has it."""
        status = on_disk(model, self._cache(model))
        return status.state == "ready" and status.update is None

    def _is_settled(self, model: BuiltinModel) -> bool:
        """Whether nothing is done with a model that is as the catalog has it: no part of it is on its way."""
        busy = self._jobs.get(model.id) or model.id in self._deleting or model.id in self._inspections
        return self._is_current(model) and not busy

    def _is_importing(self, model: BuiltinModel, path: str) -> bool:
        job = self._jobs.wanted(model.id)
        return isinstance(job, SnapshotImport) and job.source.path == path

    async def _check(self, model: BuiltinModel, notify: Notify) -> None:
        await self._jobs.wait_if_cancelled(model.id)
        if not isinstance(self._jobs.wanted(model.id), SnapshotCheck):
            self.refuse_if_busy(model.id)
            cache = self._cache(model)
            manifest = verified(model, cache)
            if manifest is None:
                raise ModelNotReady(f"{model.id} is not on disk", model=model.id)
            progress = self._progress(model, 0, manifest.total_bytes, "Verifying", notify)
            self._start(model, SnapshotCheck(cache, manifest, progress), notify)
        self._checking[model.id] += 1
        try:
            await self._jobs.wait(model.id)
        finally:
            self._checking[model.id] -= 1

    def _progress(
        self, model: BuiltinModel, here: int, total: int | None, verb: str, notify: Notify | None = None
    ) -> Progress:
        loop = asyncio.get_running_loop()

        def emit(event: DownloadEvent) -> None:
            with contextlib.suppress(RuntimeError):  # The loop is closed: nobody is left to tell.
                loop.call_soon_threadsafe(notify or self._notify, event)

        return Progress(model.id, here, total, emit, verb=verb, quiet_seconds=self._hush(model.id))

    def _hush(self, model_id: str) -> float:
        """Leave out the last word on a model, unless it was said. Answers for how many seconds no other event of
        progress may be told."""
        if last_word := self._last_words.pop(model_id, None):
            last_word.cancel()
        return max(0.0, self._quiet_until.get(model_id, 0) - asyncio.get_running_loop().time())

    def _start(self, model: BuiltinModel, job: Job, notify: Notify | None = None) -> None:
        self._failures.pop(model.id, None)
        self._jobs.start(model.id, job, partial(self._ended, model, job, notify or self._notify))

    def _ended(self, model: BuiltinModel, job: Job, notify: Notify, error: BaseException | None) -> None:
        damaged = on_disk(model, self._cache(model)).damaged_files
        if error is not None:
            event = self._failed(model, job, error)
        elif damaged:
            event = job.progress.failed("file_damaged", "damaged on disk", {"file": damaged[0]})
        else:
            event = job.progress.completed()
        notify(event)
        loop = asyncio.get_running_loop()

        def say_last_word() -> None:
            self._quiet_until[model.id] = loop.time() + EVENT_SECONDS
            notify(replace(event, name="builtin-model-download-progress"))

        at = self._quiet_until[model.id] = loop.time() + job.progress.seconds_to_next()
        self._last_words[model.id] = loop.call_at(at, say_last_word)
        self._on_change()

    def _failed(self, model: BuiltinModel, job: Job, error: BaseException) -> DownloadEvent:
        if isinstance(error, SidecarError):
            log.warning("builtin-model %s failed: %s: %s %s", job.activity, error.kind, error.message, error.details)
        else:
            log.error("builtin-model %s broke off", job.activity, exc_info=error)
            error = InternalError(f"{job.activity} broke off")
        # Of an import or a check whoever asked for it is told; its failure is no reason to download.
        if isinstance(job, SnapshotDownload) and not isinstance(error, Cancelled):
            self._failures[model.id] = error.kind
        return job.progress.failed(error.kind, error.message, error.details)

    def _cache(self, model: BuiltinModel) -> RepositoryCache:
        return RepositoryCache(self._root, model.repository, self._lent)
